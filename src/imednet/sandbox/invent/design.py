"""`Design`: forms, variables, intervals, sites and rates of the invented study, read from `design.json`.

Other designs (`wide`, `legacy`) are made from this one in `sizes`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

Row = dict[str, Any]
"""A row of a list, or an object inside one, as JSON has it."""

STUDY = "TIDEWATER-201"
TWIN = "TIDEWATER-201-DEV"
CLOCK = "2026-11-01 00:00:00"
DESIGN_MADE = "2023-11-10 17:43:00"
DESIGN_CHANGED = "2025-06-30 21:40:44"


@dataclass(frozen=True)
class Design:
    """The design and look-ups in it."""

    data: Row

    @cached_property
    def forms(self) -> dict[str, Row]:
        """Form key -> form."""
        return {form["formKey"]: form for form in self.data["forms"]}

    @cached_property
    def form_index(self) -> dict[str, int]:
        """Form key -> index of the form in the design."""
        return {form["formKey"]: index for index, form in enumerate(self.data["forms"])}

    @cached_property
    def intervals(self) -> list[Row]:
        """All intervals, in order."""
        intervals: list[Row] = self.data["intervals"]
        return intervals

    @cached_property
    def planned(self) -> list[Row]:
        """The ten visits from Screening to Month 24."""
        return [interval for interval in self.intervals if interval["intervalId"] <= 510]

    @cached_property
    def forms_of_visit(self) -> dict[str, tuple[int, ...]]:
        """Interval name -> indexes of the forms that are filled in at it."""
        forms: dict[str, tuple[int, ...]] = {}
        for index, form in enumerate(self.data["forms"]):
            for name in form["schedule"]:
                forms[name] = (*forms.get(name, ()), index)
        return forms

    @cached_property
    def reach(self) -> dict[str, list[float]]:
        """Subject status -> share of its subjects that reach each of the ten planned visits."""
        return {status["status"]: list(status["reach"].values()) for status in self.data["subjectStatuses"]}

    def codes(self, name: str) -> list[str]:
        """The choices of a code list."""
        choices: list[str] = self.data["codeLists"][name]
        return choices

    def rate(self, defect: str) -> float:
        """The rate of a defect, such as `D01`."""
        return float(self.data["defects"][defect])

    def form_rows(self, study_key: str) -> list[Row]:
        """The rows of the list of forms."""
        unlisted = ("variables", "schedule")
        return [
            {"studyKey": study_key, **{k: v for k, v in f.items() if k not in unlisted}} for f in self.data["forms"]
        ]

    def interval_rows(self, study_key: str) -> list[Row]:
        """The rows of the list of intervals."""
        return [{"studyKey": study_key, **interval} for interval in self.intervals]

    def variable_rows(self, study_key: str) -> list[Row]:
        """The rows of the list of variables, form by form."""
        blinded = set(self.data["blindedVariables"])
        rows = []
        for form in self.data["forms"]:
            for variable in form["variables"]:
                number = variable["variableId"]
                share = number * 7 % 20
                retired = variable.get("retired", form["formKey"] in self.data["disabledDeletedVariablesOfForm"])
                rows.append(
                    {
                        "studyKey": study_key,
                        "variableId": number,
                        "variableType": variable["variableType"],
                        "variableName": variable["variableName"],
                        "sequence": variable["sequence"],
                        "revision": 1 + number % 3 + max(0, form["revision"] - 3),
                        "disabled": retired,
                        "dateCreated": DESIGN_MADE,
                        "dateModified": DESIGN_CHANGED,
                        "formId": form["formId"],
                        "variableOid": f"OID-{number}" if share == 0 else "" if share == 1 else None,
                        "deleted": retired and form["formKey"] == "OLDVS",
                        "formKey": form["formKey"],
                        "formName": form["formName"],
                        "label": variable["label"],
                        "blinded": variable["variableName"] in blinded,
                    }
                )
        return rows


@lru_cache(maxsize=1)
def load() -> Design:
    """Load the original design, once."""
    return Design(json.loads(files(__package__).joinpath("design.json").read_text("utf-8")))
