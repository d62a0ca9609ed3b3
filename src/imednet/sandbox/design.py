"""The design of the invented study, read from `design.json`: forms, variables, intervals, sites and rates."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

STUDY = "TIDEWATER-201"
TWIN = "TIDEWATER-201-DEV"
CLOCK = "2026-11-01 00:00:00"
DESIGN_MADE = "2023-11-10 17:43:00"
DESIGN_CHANGED = "2025-06-30 21:40:44"


@dataclass(frozen=True)
class Design:
    """The design, with the look-ups the generator needs."""

    data: dict[str, Any]

    @cached_property
    def forms(self) -> dict[str, dict[str, Any]]:
        """Form key -> form."""
        return {form["formKey"]: form for form in self.data["forms"]}

    @cached_property
    def intervals(self) -> dict[str, dict[str, Any]]:
        """Interval name -> interval."""
        return {interval["intervalName"]: interval for interval in self.data["intervals"]}

    @cached_property
    def scheduled(self) -> list[dict[str, Any]]:
        """Intervals that are planned, in order, the diary days among them."""
        return [
            interval
            for interval in self.data["intervals"]
            if not interval["disabled"] and interval["intervalName"] != "Unscheduled"
        ]

    def codes(self, name: str) -> list[str]:
        """The choices of a code list."""
        choices: list[str] = self.data["codeLists"][name]
        return choices

    def rate(self, defect: str) -> float:
        """The rate of a defect, such as `D01`."""
        return float(self.data["defects"][defect])

    def form_rows(self, study_key: str) -> list[dict[str, Any]]:
        """Forms as the API lists them."""
        inner = ("variables", "schedule")
        return [{"studyKey": study_key, **{k: v for k, v in f.items() if k not in inner}} for f in self.data["forms"]]

    def interval_rows(self, study_key: str) -> list[dict[str, Any]]:
        """Intervals as the API lists them."""
        return [{"studyKey": study_key, **interval} for interval in self.data["intervals"]]

    def variable_rows(self, study_key: str) -> list[dict[str, Any]]:
        """Variables of all forms as the API lists them."""
        retired = set(self.data["disabledDeletedVariablesOfForm"])
        blinded = set(self.data["blindedVariables"])
        rows = []
        for form in self.data["forms"]:
            for variable in form["variables"]:
                number = variable["variableId"]
                share = number * 7 % 20
                rows.append(
                    {
                        "studyKey": study_key,
                        "variableId": number,
                        "variableType": variable["variableType"],
                        "variableName": variable["variableName"],
                        "sequence": variable["sequence"],
                        "revision": 1 + number % 3,
                        "disabled": form["formKey"] in retired,
                        "dateCreated": DESIGN_MADE,
                        "dateModified": DESIGN_CHANGED,
                        "formId": form["formId"],
                        "variableOid": f"OID-{number}" if share == 0 else "" if share == 1 else None,
                        "deleted": form["formKey"] in retired,
                        "formKey": form["formKey"],
                        "formName": form["formName"],
                        "label": variable["label"],
                        "blinded": variable["variableName"] in blinded,
                    }
                )
        return rows


@lru_cache(maxsize=1)
def load() -> Design:
    """The one design."""
    return Design(json.loads(files(__package__).joinpath("design.json").read_text("utf-8")))
