"""How large a study is: three sizes, and profiles that each strain a client in one way.

The designs of the profiles `wide` and `legacy` are made here too.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from functools import lru_cache

from .design import Design, Row, load


@dataclass(frozen=True)
class Scale:
    """The size of a study."""

    sites: int = 6
    subjects: int = 48
    users: int = 23
    design: str = ""
    """`wide`, `legacy`, or empty for the original design."""
    burst: int = 0
    """Number of additional concomitant medications, all changed at the same moment."""
    records: int | None = None
    """Exact number of records; None for as many as there are."""
    only: tuple[str, ...] = ()
    """Keys of the only subjects, for the twin; empty for all."""


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
    "wide": "132 forms, 3,300 variables, names and labels that are hard to turn into columns",
    "empty": "a design without sites, subjects and users: every other list is empty",
    "single": "exactly 500 records: one full page",
    "single-500": "the same",
    "single-501": "exactly 501 records: one more than a full page",
    "single-1000": "exactly 1,000 records: two full pages",
    "legacy": "high revisions, three of five forms disabled or with disabled variables",
    "burst": "medium, and 6,000 more records with the same dateModified",
}
"""What each profile is for."""


def scale_of(size: str, profile: str | None) -> Scale:
    """The scale of a size, or of a profile, which has its own size.

    Raises:
        ValueError: for a size or profile that does not exist, or for both at once.
    """
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
    (_make_wide if name == "wide" else _make_legacy)(data)
    return Design(data)


def design_of(scale: Scale) -> Design:
    """The design of a scale."""
    return _design(scale.design)


def _make_legacy(data: Row) -> None:
    """The `legacy` profile: high revisions, three of five forms disabled or with disabled variables."""
    for index, form in enumerate(data["forms"]):
        form["revision"] += 40 + index
        if index % 5 in (0, 2):
            form["disabled"] = True
        elif index % 5 == 3:
            for variable in form["variables"][1:]:
                variable["retired"] = variable["sequence"] % 2 == 0


WIDE_FORMS, WIDE_VARIABLES, WIDEST = 132, 3300, 620
_AWKWARD = (
    "Pain Level", "1stDose", "recordId", "subjectKey", "dateCreated", "aeterm", "AETERM", "X" * 64, "X", "X_1",
    "select",
)  # fmt: skip
_LABELS = ("X", "X", "X_1", "血圧", "температура", "!!!", "   ", "Was the\ndose given?", "1. Dose/day")


def _make_wide(data: Row) -> None:
    """The `wide` profile: 132 forms with 3,300 variables, names and labels that are hard to turn into columns."""
    variable_id = 700001 + sum(len(form["variables"]) for form in data["forms"])
    new_forms = WIDE_FORMS - len(data["forms"])
    variables_left = WIDE_VARIABLES - (variable_id - 700001) - WIDEST
    for index in range(new_forms):
        count = (
            WIDEST if index == 0 else variables_left // (new_forms - 1) + (index <= variables_left % (new_forms - 1))
        )
        awkward_names = list(_AWKWARD) if index == 1 else []
        form: Row = {
            "formId": 60201 + index, "formKey": f"W{index + 1:03}", "formName": f"Wide form {index + 1}",
            "formType": "Subject", "revision": 1, "embeddedLog": False, "enforceOwnership": False,
            "userAgreement": False, "subjectRecordReport": True, "unscheduledVisit": False, "otherForms": True,
            "eproForm": False, "allowCopy": True, "disabled": False, "dateCreated": "2024-02-01 08:00:00",
            "dateModified": "2024-02-01 08:00:00", "schedule": ["*wide"], "variables": [],
        }  # fmt: skip
        for sequence in range(1, count + 1):
            # Two in five names are those of other forms.
            name = f"{'' if sequence % 2 else form['formKey']}Q{sequence:03}"
            if sequence <= len(awkward_names):
                name = awkward_names[sequence - 1]
            label = _LABELS[(sequence + index) % len(_LABELS)] if sequence % 3 == 0 else f"Question {sequence}"
            if sequence == 5 and index % 3 == 0 and index < 90:
                label = "A long question that goes on and on " * 9
            form["variables"].append(
                {
                    "variableId": variable_id, "variableName": name,
                    "variableType": ("NUMBER", "TEXT", "RADIO")[sequence % 3], "label": label,
                    "sequence": sequence, "codeList": "YN" if sequence % 3 == 2 else None,
                }
            )  # fmt: skip
            variable_id += 1
        data["forms"].append(form)
