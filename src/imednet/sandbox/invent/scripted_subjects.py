"""The sixteen scripted subjects: the same in every size, each an edge case that a client must handle.

`STORIES` says how far a subject gets and what is unusual about its records, `ANSWERS` what the records hold. Other
subjects have such edge cases at random; here they are certain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

CLEAN_LOGS = {"MH": 2, "AE": 2, "CM": 3, "PD": 1, "DD": 0}


@dataclass(frozen=True)
class Story:
    """What is fixed about a subject; everything left at its default is drawn at random."""

    luck: float | None = None
    """How far the subject gets, from 0 (furthest) to 1. If set, no visit is missed, late or early by chance."""
    registered: int | None = None
    missed: tuple[int, ...] = ()
    """Indexes of planned visits that are due but do not take place."""
    slips: dict[int, int] = field(default_factory=dict)
    """Index of a planned visit -> days after its due day; negative: before."""
    unscheduled: int | None = None
    logs: dict[str, int] | None = None
    """Form -> number of log entries."""
    log_days: dict[tuple[str, int], int] = field(default_factory=dict)
    """Form and number of a log entry -> its day."""
    actions: tuple[int, ...] = ()
    """Numbers of the adverse events that have an action."""
    gone: str = ""
    """How the subject is deleted: `D11` or `D12`, as in `people.Subject`."""
    person: int = 0
    """Number of the subject that is the same person; 0: no other."""
    clean: bool = False
    """Whether nothing about the subject has a defect."""
    exit: int | None = None
    """Day of leaving the study."""
    silent: bool = False
    """Whether the day of leaving the study was not recorded."""
    repeated: tuple[str, ...] = ()
    """Forms of which one record is entered twice."""


def _day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def _story(luck: float = 0.5, **fields: Any) -> Story:
    return Story(luck=luck, **{"logs": CLEAN_LOGS, "actions": (1,), "unscheduled": 0, **fields})


STORIES: dict[int, Story] = {
    20001: _story(
        0.3,
        registered=_day("2024-05-14"),
        missed=(8, 9),
        slips={1: -8, 2: 0, 3: 1, 5: 12, 6: 16},
        log_days={("AE", 1): _day("2024-08-01"), ("CM", 1): _day("2024-08-05")},
    ),
    20002: _story(registered=_day("2024-05-20")),
    20003: _story(registered=_day("2024-07-01"), gone="D11"),
    20004: _story(0.0, slips=dict.fromkeys(range(1, 10), 0), clean=True, actions=()),
    20005: _story(0.2, slips={6: -16}, repeated=("AE", "VS"), logs={**CLEAN_LOGS, "DD": 1}),
    20006: _story(
        0.45,
        registered=_day("2024-07-20"),
        slips=dict.fromkeys(range(1, 8), 0),
        exit=_day("2025-03-17"),
        log_days={("AE", 1): _day("2025-03-13")},
    ),
    20007: _story(0.6, registered=_day("2024-02-05"), missed=(6, 7, 8, 9), unscheduled=1, silent=True),
    20008: _story(),
    20009: _story(),
    20010: _story(),
    20011: _story(gone="D12", unscheduled=1),
    20012: _story(),
    20013: _story(logs={**CLEAN_LOGS, "MH": 3, "AE": 3}),
    20014: _story(person=20004),
    20015: _story(unscheduled=12),
    20016: _story(),
}


def is_scripted(number: int | None) -> bool:
    """Whether a subject has a story."""
    return number in STORIES


DAY_UNDER_LIVE_RECORD = (20011, 4)
"""Subject and index of a visit (Day 7) that is deleted although its records are not."""

SHAPES = {
    (20011, "REG"): "D05", (20011, "ICF"): "D04", (20011, "DEMO"): "D31", (20011, "ELIG"): "D32",
    (20001, "OLDVS"): "D04",
}  # fmt: skip
"""Subject and form -> the defect of its records as a whole."""
SKEWED = {(20011, "DEMO")}
"""Subject and form whose records were changed before they were created (D35)."""
DELETED = {(20012, "PD")}
"""Subject and form whose records are deleted, with a query on one."""

ABSENT = object()
"""Marks an answer whose key is left out."""

ANSWERS: dict[tuple[int, str, int], dict[str, Any]] = {
    (20001, "REG", 1): {"REGINIT": "A-B", "REGYOB": "1961", "REGLANG": "English"},
    (20001, "VS", 5): {
        "VSND": "Yes", "VSTIM": "10:42", "VSPOS": "Seated", "SYSBP1": "148", "DIABP1": "91", "SYSBP2": "146",
        "DIABP2": "90", "SYSBP3": "", "DIABP3": None, "SYSMEAN": "147", "PULSE": "72", "TEMP": "36.7",
        "WEIGHT": "84.5", "BMI": "27.6",
    },
    (20001, "AE", 1): {
        "AETERM": "Étourdissement léger", "AESTDAT": "2024-07", "AESTTIM": ABSENT, "AEONGO": "No",
        "AEENDAT": "2024-08-03", "AESEV": "Mild", "AESER": "No", "AESERC": "", "AERELP": "Possible",
        "AERELD": "Not related", "AEOUT": "Recovered", "AEUADE": "No",
        "AENARR": "Brief dizziness on standing.\nResolved without treatment.",
    },
    (20001, "AEACT", 1): {"ACNUM": "1", "ACTYPE": "Medication", "ACDAT": "2024-08-01", "ACCOM": ""},
    (20001, "CM", 1): {"CMTRT": "Amlodipin"},
    (20002, "ELIG", 1): {"IEYN": "No", "EXC03": "Yes", "IEREAS": "Renal artery anatomy not suitable"},
    (20006, "AE", 1): {
        "AETERM": "Cardiac arrest", "AEONGO": "No", "AESEV": "Severe", "AESER": "Yes", "AESERC": "Death",
        "AEOUT": "Fatal", "AEENDAT": "2025-03-14", "AESTDAT": "2025-03-13",
    },
    (20006, "EOS", 1): {"EXREAS": "Death", "EXDTHDAT": "2025-03", "EXDAT": "2025-03-17"},
    (20007, "PHONE", 1): {"PHMODE": "Not reached"},
    (20007, "FU", 1): {"FUMODE": "Not reached"},
    (20007, "UNS", 1): {"UNREAS": "Third call, not reached"},
    (20007, "EOS", 1): {"EXDAT": "", "EXREAS": "Lost to follow-up"},
    (20008, "AE", 1): {"AENARR": "narrative " * 6553 + "ending"},  # 65,536 characters
    (20008, "MH", 1): {"MHCOM": "long history " * 700},
    (20009, "DEMO", 1): {"HEIGHT": "1.72"},
    (20009, "VS", 2): {"WEIGHT": "187.4"},
    (20010, "AE", 1): {"AEONGO": "No", "AESTDAT": "2025-06-10", "AEENDAT": "2025-06-02"},
    (20010, "AE", 2): {"AEONGO": "No", "AESTDAT": "UN-UNK-2024", "AEENDAT": "2024-02-30"},
    (20010, "CM", 1): {"CMSTDAT": "2024"},
    (20010, "CM", 2): {"CMSTDAT": "2024-05"},
    (20010, "CM", 3): {"CMSTDAT": "UNK"},
    (20010, "VS", 1): {"VSTIM": "24:00"},
    (20010, "VS", 2): {"VSDAT": "29-FEB-2024"},
    (20010, "VS", 5): {"VSDAT": "2024-03-31", "VSTIM": "02:30"},  # a time skipped by daylight saving in Europe
    (20010, "VS", 3): {"VSDAT": "1900-01-01"},
    (20010, "VS", 4): {"VSDAT": "9999-12-31"},
    (20011, "MH", 1): {"MHCOM": {"text": "nested", "lines": ["one", "two"]}},
    (20011, "FU", 1): {"FUSYM": "true"},
    (20011, "FU", 2): {"FUSYM": "Headache`Dizziness"},
    (20013, "AE", 1): {"AETERM": "Feeling odd"},
    (20013, "AE", 2): {"AETERM": "Headache"},
    (20013, "AE", 3): {"AETERM": "Headache"},
    (20013, "MH", 1): {"MHTERM": "Migraine"},
    (20013, "MH", 2): {"MHTERM": "Asthma"},
    (20013, "MH", 3): {"MHTERM": "Gout"},
}  # fmt: skip

DIFFICULT_TEXTS = (
    "=SUM(A1:A9)", "tab\there", "line\r\nbreak", "<b>bold</b> & \"quoted\"", "semi;colon,comma",
    "null", "None", "NaN", "NULL", "N/A", " ", "E\u0301 É", "עברית", "😀🏽", "'single'",
)  # fmt: skip
DIFFICULT_NUMBERS = (
    "12,5", "<5", "1e3", " 72 ", "\uff17\uff12", "1 234", "007", "-0", "9007199254740993", 0.1, True,
)  # fmt: skip
DIFFICULT_ANSWERS: dict[int, tuple[tuple[str, ...], tuple[Any, ...]]] = {
    20008: (("TEXT", "MEMO"), DIFFICULT_TEXTS),
    20009: (("NUMBER",), DIFFICULT_NUMBERS),
}
"""Subject -> the types of variables whose answers are all replaced, and the answers put there in turn."""

PLANTED: dict[tuple[int, str, int], tuple[tuple[str, str | None], ...]] = {
    (20001, "VS", 5): (("D01", "SYSBP3"), ("D02", "DIABP3")),
    (20001, "AE", 1): (("D03", "AESTTIM"), ("D17", "AETERM"), ("D18", "AENARR"), ("D25", "AESTDAT")),
    (20008, "MH", 1): (("D19", "MHCOM"),),
    (20009, "DEMO", 1): (("D30", "HEIGHT"),),
    (20009, "VS", 2): (("D30", "WEIGHT"),),
    (20010, "AE", 1): (("D28", "AEENDAT"),),
    (20010, "AE", 2): (("D26", "AESTDAT"), ("D27", "AEENDAT")),
    (20010, "CM", 1): (("D25", "CMSTDAT"),),
    (20010, "CM", 2): (("D25", "CMSTDAT"),),
    (20010, "CM", 3): (("D26", "CMSTDAT"),),
    (20010, "VS", 1): (("D27", "VSTIM"),),
    (20010, "VS", 4): (("D29", "VSDAT"),),
    (20011, "FU", 1): (("D33", "FUSYM"),),
    (20011, "FU", 2): (("D33", "FUSYM"),),
    (20006, "EOS", 1): (("D25", "EXDTHDAT"),),
    (20007, "EOS", 1): (("D01", "EXDAT"),),
}  # fmt: skip
"""Scripted answers that are cases of a defect, for the ledger of the manifest."""
