"""Words that names and answers are made of. None of them comes from a licensed dictionary."""

WORDS = (
    "stable", "mild", "left", "right", "morning", "after", "visit", "noted", "by", "site", "staff", "without",
    "treatment", "resolved", "repeated", "within", "normal", "limits", "subject", "reported", "brief", "device",
    "removed", "replaced", "checked", "confirmed", "entered", "late", "corrected", "per", "protocol", "review",
)  # fmt: skip

_PARTS = ("Head", "Back", "Leg", "Arm", "Chest", "Neck", "Foot", "Hand", "Eye", "Ear", "Stomach", "Groin")
_TROUBLES = {
    "ache": "pain", "cramp": "spasm", "swelling": "oedema", "itching": "pruritus", "numbness": "hypoaesthesia",
    "stiffness": "rigidity", "bruise": "contusion", "rash": "eruption", "tingling": "paraesthesia",
    "soreness": "discomfort",
}  # fmt: skip
TERMS = {f"{part} {word}": f"{part} {medical}" for part in _PARTS for word, medical in _TROUBLES.items()}
"""Reported term -> preferred term."""

DRUGS = {
    name: name.upper() + "E"
    for name in (
        "Tensolar", "Nefradin", "Diurex", "Calvopin", "Betaxin", "Aspirol", "Statoril", "Metrafan", "Omepral",
        "Vitadan", "Lisopan", "Ramitor", "Candesal", "Furolin", "Glucomet", "Thyrosan", "Allopur", "Paradol",
        "Ibrofen", "Zolpin",
    )
}  # fmt: skip
"""Reported medication -> preferred name."""

FIRST_NAMES = (
    "Amélie", "Bo", "Chris", "Dana", "Emre", "Fatou", "Goran", "Hana", "Ines", "Jun", "Kofi", "Lena", "Mika",
    "Noor", "Otto", "Pia", "Quentin", "Rosa",
)  # fmt: skip
LAST_NAMES = (
    "Coordonnée", "Monitor", "Coder", "Datta", "Evren", "Fall", "Gruber", "Hoshi", "Ibarra", "Jansen", "Kone",
    "Lind", "Mori", "Nasser", "Ott", "Pons",
)  # fmt: skip
FOREIGN_TERMS = {
    "Étourdissement léger": "Dizziness",
    "E\u0301tourdissement le\u0301ger": "Dizziness",
    "頭痛 (軽度)": "Head pain",
    "صداع خفيف": "Head pain",
    "Übelkeit 🤒": "Nausea",
    "Größe — naïve façade": "Body height abnormal",
}
FOREIGN_DRUGS = {
    "Paracétamol": "PARADOLE",
    "Parace\u0301tamol": "PARADOLE",
    "アスピリン": "ASPIROLE",
    "أسبرين": "ASPIROLE",
    "Vitamín 💊": "VITADANE",
    "Схожее средство": "BETAXINE",
}
PREFERRED_TERMS = {
    **TERMS, **FOREIGN_TERMS, "Cardiac arrest": "Cardiac arrest",
    "Headache": "Head pain", "Feeling odd": "Feeling abnormal",
    "Migraine": "Migraine", "Asthma": "Asthma", "Gout": "Gout",
}  # fmt: skip
PREFERRED_DRUGS = {**DRUGS, **FOREIGN_DRUGS, "Amlodipin": "AMLODIPINE"}
"""Reported text -> its code; texts that are not listed get none."""
FORMULAS = ("=1+1", "+49 170", "-none-", "@home")
NUMBER_WITH_SIGN = ("<5", ">200", "<0.1")
NUMBER_IN_WORDS = (" 72 ", "1e3", "ND", "N/A", "007")
UNKNOWN_DATES = ("UNK", "UN-UNK-2024")
REASONS = (
    "Data entry error",
    "Source corrected",
    "Late information",
    "Query response",
    "Unit corrected",
    "Monitor request",
)
