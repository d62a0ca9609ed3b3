"""How much of the study there is: the three sizes, and the profiles that break one thing each."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from functools import lru_cache

from .design import Design, Row, load


@dataclass(frozen=True)
class Scale:
    """How much there is of what."""

    sites: int = 6
    subjects: int = 48
    users: int = 23
    design: str = ""
    """`wide` or `legacy`, or the design as it was thought out."""
    burst: int = 0
    """Concomitant medications more, all changed at one moment."""
    records: int | None = None
    """Exactly so many records."""
    only: tuple[str, ...] = ()
    """Keys of the first subjects, which are all there are (the twin)."""


SIZES = {
    "demo": Scale(),
    "medium": Scale(40, 1200, 115),
    "large": Scale(400, 18300, 1070),
}
PROFILES = {
    "wide": Scale(subjects=160, design="wide"),
    "empty": Scale(0, 0, 0),
    "single": Scale(records=500),
    "single-500": Scale(records=500),
    "single-501": Scale(records=501),
    "single-1000": Scale(records=1000),
    "legacy": Scale(design="legacy"),
    "burst": replace(SIZES["medium"], burst=6000),
}
PURPOSES = {
    "wide": "132 forms, 3,300 variables, names and labels that break tables of columns",
    "empty": "a design without sites, subjects and users: every other list is empty",
    "single": "exactly 500 records: one full page",
    "single-500": "the same",
    "single-501": "exactly 501 records: one more than a full page",
    "single-1000": "exactly 1,000 records: two full pages",
    "legacy": "high revisions, most forms disabled or with disabled variables",
    "burst": "medium, and 6,000 records more with one and the same dateModified",
}
"""What each profile is for."""


def scale_of(size: str, profile: str | None) -> Scale:
    """The scale of a size, or of a profile, which has a size of its own."""
    if profile is not None and size != "demo":
        raise ValueError(f"profile {profile!r} has a size of its own; leave size {size!r} out")
    if profile is not None:
        if profile not in PROFILES:
            raise ValueError(f"there is no profile {profile!r}; choose one of: {', '.join(PROFILES)}")
        return PROFILES[profile]
    if size not in SIZES:
        raise ValueError(f"there is no size {size!r}; choose one of: {', '.join(SIZES)}")
    return SIZES[size]


@lru_cache(maxsize=4)
def _design(name: str) -> Design:
    if not name:
        return load()
    data = deepcopy(load().data)
    (_widen if name == "wide" else _age)(data)
    return Design(data)


def design_of(scale: Scale) -> Design:
    """The design a scale goes with."""
    return _design(scale.design)


def _age(data: Row) -> None:
    """The `legacy` profile: high revisions, three of five forms disabled or with disabled variables."""
    for place, form in enumerate(data["forms"]):
        form["revision"] += 40 + place
        if place % 5 in (0, 2):
            form["disabled"] = True
        elif place % 5 == 3:
            for variable in form["variables"][1:]:
                variable["retired"] = variable["sequence"] % 2 == 0


WIDE_FORMS, WIDE_VARIABLES, WIDEST = 132, 3300, 620
_AWKWARD = (
    "Pain Level", "1stDose", "recordId", "subjectKey", "dateCreated", "aeterm", "AETERM", "X" * 64, "X", "X_1",
    "select",
)  # fmt: skip
_LABELS = ("X", "X", "X_1", "血圧", "температура", "!!!", "   ", "Was the\ndose given?", "1. Dose/day")


def _widen(data: Row) -> None:
    """The `wide` profile: 132 forms with 3,300 variables, names and labels that break tables of columns."""
    number = 700001 + sum(len(form["variables"]) for form in data["forms"])
    more = WIDE_FORMS - len(data["forms"])
    left = WIDE_VARIABLES - (number - 700001) - WIDEST
    for place in range(more):
        count = WIDEST if place == 0 else left // (more - 1) + (place <= left % (more - 1))
        names = list(_AWKWARD) if place == 1 else []
        form: Row = {
            "formId": 60201 + place, "formKey": f"W{place + 1:03}", "formName": f"Wide form {place + 1}",
            "formType": "Subject", "revision": 1, "embeddedLog": False, "enforceOwnership": False,
            "userAgreement": False, "subjectRecordReport": True, "unscheduledVisit": False, "otherForms": True,
            "eproForm": False, "allowCopy": True, "disabled": False, "dateCreated": "2024-02-01 08:00:00",
            "dateModified": "2024-02-01 08:00:00", "schedule": ["*wide"], "variables": [],
        }  # fmt: skip
        for sequence in range(1, count + 1):
            # Two in five names are those of other forms.
            name = f"{'' if sequence % 2 else form['formKey']}Q{sequence:03}"
            if sequence <= len(names):
                name = names[sequence - 1]
            label = _LABELS[(sequence + place) % len(_LABELS)] if sequence % 3 == 0 else f"Question {sequence}"
            if sequence == 5 and place % 3 == 0 and place < 90:
                label = "A long question that goes on and on " * 9
            form["variables"].append(
                {
                    "variableId": number, "variableName": name,
                    "variableType": ("NUMBER", "TEXT", "RADIO")[sequence % 3], "label": label,
                    "sequence": sequence, "codeList": "YN" if sequence % 3 == 2 else None,
                }
            )  # fmt: skip
            number += 1
        data["forms"].append(form)
