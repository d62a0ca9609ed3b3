"""Switches for what is not known for certain about the real server: how answers are spelled, and what is refused.

A note such as (Q6) in a switch's meaning is the number of an open question about the API.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..invent.design import load


class Switch(NamedTuple):
    """One switch: its values, the default first, and its meaning."""

    values: tuple[str, ...]
    meaning: str


DIALECT = {
    "roleDates": Switch(("array", "string", "mixed"), "Dates of roles: numbers, or text with short fractions (Q6)."),
    "siteStatus": Switch(("label", "token"), "`Enrollment Open` or `ENROLLMENT_OPEN`, `READ_ONLY` (Q7)."),
    "formType": Switch(("Subject", "SUBJECT", "Patient"), "How the type of a form is spelled (Q8)."),
    "timeline": Switch(("documented", "sample"), "`Start - End Date`, or spelled as in the vendor's sample (Q27)."),
    "otherForms": Switch(("boolean", "list"), "`otherForms` of forms: a boolean, or an empty list (Q53)."),
    "subjectRecordReport": Switch(("present", "absent"), "Whether forms say whether they hold records (Q54)."),
    "statusWords": Switch(("english", "german"), "Status words are each study's own: English or German."),
    "emptyStyle": Switch(
        ("null", "empty", "absent", "mixed"), "How missing values outside `recordData` are sent (Q32)."
    ),
    "recordDataCase": Switch(
        ("declared", "lower"), "Variable names in `recordData` as declared, or in lower case (Q21)."
    ),
    "valueTypes": Switch(("text", "typed"), "All answers as text, or as JSON numbers, codes and lists (Q23)."),
    "blindedValues": Switch(("omitted", "shown", "masked"), "How a blinded answer is sent to a blinded key."),
    "postStatus": Switch(("200", "202"), "Status of an accepted POST (Q19)."),
    "postBody": Switch(("object", "list", "empty-list", "no-batch"), "Body of an accepted POST."),
    "jobStates": Switch(("lower", "upper", "success", "unknown", "empty"), "Spelling of the state of a job (Q39)."),
    "jobSeconds": Switch(("3", "0", "95", "never"), "Seconds that a job takes."),
    "readableSeconds": Switch(("0", "10", "120"), "Seconds after the end of a job until its records can be read."),
    "jobOutcome": Switch(("all", "none", "partial"), "What is stored of a batch: all, nothing, or every second item."),
    "errorBody": Switch(("vendor", "third-party", "gateway", "html", "empty"), "Shape of error bodies (Q15)."),
    "codingsPage": Switch(("present", "404"), "Whether the list of codings exists (Q2)."),
    "emptyTotalPages": Switch(("0", "1"), "`totalPages` of a list without rows."),
    "gzip": Switch(("offered", "never"), "Whether answers are compressed for callers that accept gzip."),
}
STRICTNESS = {
    "filterSpaces": Switch(
        ("accepted", "refused"), "Blanks around operators of a filter, as in the vendor's sample (Q10)."
    ),
    "unknownParameter": Switch(("refused", "ignored"), "A parameter that the list does not have."),
    "usersFilter": Switch(("refused", "ignored"), "A filter on the list of users, which has none."),
    "filterRepeatAttribute": Switch(("refused", "accepted"), "The same attribute twice in a filter (Q11)."),
    "filterUnknownAttribute": Switch(("refused", "ignored"), "An attribute the list does not have."),
    "filterCase": Switch(("sensitive", "insensitive"), "Case of names and values in filters."),
    "filterParentheses": Switch(("refused", "accepted"), "Parentheses in a filter."),
    "recordDataMixedConnector": Switch(("refused", "accepted"), "Both `;` and `,` in one `recordDataFilter` (Q12)."),
    "deletedFilterable": Switch(("no", "yes"), "Whether `deleted` is an attribute of filters (Q35)."),
    "sizeOver500": Switch(("refused", "clamped"), "A page size above 500."),
    "sortUnknown": Switch(("refused", "ignored"), "Sorting by a property the list does not have."),
    "missingContentType": Switch(("refused", "accepted"), "A request without `Content-Type: application/json`."),
    "missingAccept": Switch(("accepted", "refused"), "A request without `Accept: application/json`."),
    "wrongStudyKey": Switch(("403", "404"), "Status for a study that the keys have no access to (Q17)."),
    "registrationWithSubjectKey": Switch(("refused", "ignored"), "A registration that names a subject (Q37)."),
    "postToDisabledOrSystemForm": Switch(("refused", "accepted"), "Writing to a form that takes no records (Q36)."),
}
_LENIENT_BY_DEFAULT = ("filterSpaces", "missingAccept")
"""Switches of strictness whose default is already the lenient value."""
CONTENT = {
    "manyStudies": Switch(
        ("no", "yes"), "120 more studies, all empty, so that the list of studies has five default pages."
    ),
    "postToMainStudy": Switch(("refused", "accepted"), "Writing to the main study, and not only to its twin."),
}
SWITCHES: dict[str, Switch] = {**DIALECT, **STRICTNESS, **CONTENT}
"""All switches by name."""

DIALECTS = ("documented", "live")


@dataclass(frozen=True)
class Dialect:
    """A way to answer: one of `DIALECTS`, and the switches that differ from it.

    >>> Dialect("live", {"roleDates": "mixed"}).switches["roleDates"]
    'mixed'
    """

    name: str = "documented"
    switches: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_probe(cls, report: str | os.PathLike[str] | Mapping[str, Any]) -> Dialect:
        """The dialect of a live server, as `imednet probe` found it.

        What the probe could not tell, and what a sandbox cannot imitate, stays as documented.

        Args:
            report: the file that `imednet probe` wrote, or what it holds.

        Raises:
            ValueError: it is no such report.
        """
        found = report if isinstance(report, Mapping) else json.loads(Path(report).read_text("utf-8"))
        answers = found.get("dialect") if isinstance(found, Mapping) else None
        if not isinstance(answers, Mapping) or not str(found.get("format")).startswith("imednet-probe/"):
            raise ValueError("this is no report of `imednet probe`")
        chosen = {}
        for name, finding in answers.items():
            answer = finding.get("answer") if isinstance(finding, Mapping) else None
            if name in SWITCHES and answer in SWITCHES[name].values:
                chosen[name] = answer
        return cls("documented", chosen)


class Switches(Mapping[str, str]):
    """The switches of one sandbox.

    Args:
        chosen: name -> value, for switches that differ from their default.
        dialect: `documented`, `live` for the spellings seen from the real server, or a `Dialect`.
        lenient: accept whatever the strict server refuses.

    Raises:
        ValueError: for a switch or value that does not exist; the message lists those that do.

    >>> Switches({"roleDates": "mixed"}, dialect="live")["roleDates"]
    'mixed'
    """

    def __init__(
        self,
        chosen: Mapping[str, object] | None = None,
        *,
        dialect: str | Dialect = "documented",
        lenient: bool = False,
    ) -> None:
        found = dialect.switches if isinstance(dialect, Dialect) else {}
        dialect = dialect.name if isinstance(dialect, Dialect) else dialect
        if dialect not in DIALECTS:
            raise ValueError(f"there is no dialect {dialect!r}; choose one of: {', '.join(DIALECTS)}")
        self._values = {name: switch.values[0] for name, switch in SWITCHES.items()}
        if lenient:
            self._values |= {
                name: switch.values[1] for name, switch in STRICTNESS.items() if name not in _LENIENT_BY_DEFAULT
            }
        self.set(load().data["dialects"][dialect])
        self.set(found)
        self.set(chosen or {})

    def set(self, chosen: Mapping[str, object]) -> None:
        """Set switches: all of them or, if one is wrong, none.

        Raises:
            ValueError: for a switch or value that does not exist.
        """
        checked = {}
        for name, value in chosen.items():
            if name not in SWITCHES:
                raise ValueError(f"there is no switch {name!r}; choose one of: {', '.join(SWITCHES)}")
            if str(value) not in SWITCHES[name].values:
                allowed = ", ".join(SWITCHES[name].values)
                raise ValueError(f"switch {name} has no value {str(value)!r}; choose one of: {allowed}")
            checked[name] = str(value)
        self._values |= checked

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def on(self, name: str) -> bool:
        """Whether a switch has its second value."""
        return self._values[name] == SWITCHES[name].values[1]
