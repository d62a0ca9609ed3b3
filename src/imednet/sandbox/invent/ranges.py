"""Ranges of plausible answers, normal limits, common answers, and questions that depend on others."""

from __future__ import annotations

LABS = {
    # mean, spread of its logarithm, lower and upper limit of normal, decimals
    "HGB": (14.0, 0.06, 11.5, 17.0, 1), "WBC": (6.6, 0.18, 3.8, 11.0, 1), "PLT": (245, 0.18, 150, 400, 0),
    "CREA": (84, 0.15, 50, 125, 0), "EGFR": (78, 0.15, 50, 125, 0), "K": (4.2, 0.06, 3.5, 5.1, 1),
    "NA": (140, 0.013, 135, 146, 0), "ALT": (24, 0.33, 7, 56, 0), "AST": (23, 0.28, 8, 48, 0),
    "BILI": (9.5, 0.33, 3, 21, 0), "GLUC": (5.6, 0.13, 3.9, 7.8, 1), "HBA1C": (5.7, 0.07, 4.6, 6.9, 1),
}  # fmt: skip

RANGES = {
    "PULSE": (54, 96, 0), "TEMP": (36.0, 37.4, 1), "EGHR": (52, 98, 0), "EGPR": (120, 210, 0), "EGQRS": (72, 118, 0),
    "EGQTCF": (365, 465, 0), "QLVAS": (35, 100, 0), "CMDOSE": (1, 500, 0), "PRCONTR": (40, 220, 0),
    "PRFLUO": (5.0, 38.0, 1), "PRABLR": (4, 16, 0), "PRABLL": (4, 16, 0), "FUHOSPN": (1, 9, 0), "DYPULSE": (54, 96, 0),
    "OVSYS": (120, 180, 0), "OVDIA": (70, 105, 0),
}  # fmt: skip
"""Variable -> lowest and highest plausible number, decimals."""

CONDITIONS: dict[str, tuple[str, str]] = {
    "IEREAS": ("IEYN", "No"), "RACEOTH": ("RACE", "Other"), "CHILDPOT": ("SEX", "Female"), "MHENDAT": ("MHONGO", "No"),
    "AEENDAT": ("AEONGO", "No"), "AESERC": ("AESER", "Yes"), "CMINDSP": ("CMIND", "Adverse event"),
    "CMENDAT": ("CMONGO", "No"),
    "PRCOMPSP": ("PRCOMP", "Yes"), "FUHOSPN": ("FUHOSP", "Yes"), "EXDTHDAT": ("EXREAS", "Death"),
    "DASUBJ": ("DAST", "Used"),
}  # fmt: skip
"""Variable -> the variable it depends on and the answer that asks for it; with any other answer it stays empty."""

NOT_DONE = {"VS": "VSND", "LAB": "LBND", "ABPM": "ABND"}
"""Form -> the variable that says whether the assessment was done; with No all that follows stays empty."""

USUAL = {"AESER": 0.1, "AEONGO": 0.3, "MHONGO": 0.35, "CMONGO": 0.3, "PRCOMP": 0.06, "FUHOSP": 0.05, "AEUADE": 0.02,
         "FUAE": 0.2, "FUCM": 0.25, "PHAE": 0.15, "DVIRB": 0.3}  # fmt: skip
"""Variable -> share of Yes, for questions that are not mostly answered with Yes."""

EXIT_REASONS = {
    "Completed": "Completed protocol",
    "Withdrawn": "Withdrawal by subject",
    "Lost to Follow-Up": "Lost to follow-up",
    "Deceased": "Death",
    "Screen Failed": "Screen failure",
}

NIGHT = {f"{hour:02}" for hour in (*range(7), 22, 23)}
MEANS = {
    "SYSMEAN": ("SYSBP1", "SYSBP2", "SYSBP3"),
    "ABSYSDAY": tuple(f"ABSYS{hour:02}" for hour in range(7, 22)),
    "ABSYSNGT": tuple(f"ABSYS{hour:02}" for hour in (*range(7), 22, 23)),
}
"""Calculated variable -> the variables it is the mean of."""
