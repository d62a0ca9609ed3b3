"""`sdk.workflows.drift`: differences between live answers and the description of the API.

It reads the first page of each list and reports unknown fields, missing fields and unknown words. Words that each study
defines for itself, such as statuses of records, are not checked; the known words of other fields are those seen so far.

>>> from imednet import ImednetSDK
>>> from imednet.sandbox import Sandbox
>>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
...     sdk.workflows.drift.report("TIDEWATER-201")
[]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from imednet_api.api import operation
from imednet_api.types import Model

from ..discovery import plain_word
from ..endpoints import AsyncGenericListGetEndpoint, GenericListGetEndpoint
from ..errors import ForbiddenError, NotFoundError
from ..resources import RESOURCES
from ..validation.fields import FieldKind, field_kind
from .base import AsyncWorkflow, Workflow

WORDS: Final = {
    ("sites", "siteEnrollmentStatus"): ("Enrollment Open", "Read Only", "Enrollment Closed"),
    ("forms", "formType"): ("Subject", "Site", "Patient"),
    ("intervals", "timeline"): ("None", "Due Date", "Start - End Date", "Start Date End Date", "Actual Date"),
    ("records", "recordType"): ("Subject", "Site"),
    ("queries", "type"): ("subject", "record", "question"),
}
"""`(list, field)` -> words seen so far; case, blanks and underscores do not matter."""


@dataclass(frozen=True)
class Drift:
    """One difference from the description of the API.

    Attributes:
        resource: the list.
        field: the field.
        kind: `unknown field`, `missing field`, or `unknown word`.
        detail: the word, if it is one.
    """

    resource: str
    field: str
    kind: str
    detail: str = ""

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table."""
        return {"list": self.resource, "field": self.field, "drift": self.kind, "detail": self.detail}


def drifts(resource: str, rows: list[dict[str, Any]]) -> list[Drift]:
    """Differences in rows of one list.

    >>> drifts("forms", [{"formType": "CRF", "colour": 1}])[0]
    Drift(resource='forms', field='colour', kind='unknown field', detail='')
    """
    declared = list(operation(f"list_{resource}").item.FIELDS)
    present = dict.fromkeys(name for row in rows for name in row)
    differences = [Drift(resource, name, "unknown field") for name in present if name not in declared]
    differences += [Drift(resource, name, "missing field") for name in declared if rows and name not in present]
    for (owner, field), words in WORDS.items():
        if owner == resource:
            known = {plain_word(word) for word in words}
            words_seen = dict.fromkeys(row[field] for row in rows if isinstance(row.get(field), str) and row[field])
            differences += [
                Drift(resource, field, "unknown word", word) for word in words_seen if plain_word(word) not in known
            ]
    if resource == "variables":
        kinds = dict.fromkeys(str(row["variableType"]) for row in rows if row.get("variableType"))
        unknown = [word for word in kinds if field_kind(word) is FieldKind.UNKNOWN]
        differences += [Drift(resource, "variableType", "unknown word", word) for word in unknown]
    return differences


class AsyncDriftWorkflow(AsyncWorkflow):
    """Differences between live answers and the description of the API."""

    async def report(self, study_key: str) -> list[Drift]:
        """Compare the first page of each list with the description of the API.

        Args:
            study_key: the study.
        """
        differences: list[Drift] = []
        for resource in RESOURCES.values():
            if not resource.listed or resource.name == "studies":
                continue
            endpoint: AsyncGenericListGetEndpoint[Model] = getattr(self._sdk, resource.name)
            pages = endpoint.pages(study_key, raw=True)
            try:
                page = await anext(pages, None)
            except (ForbiddenError, NotFoundError):
                continue  # not every key may read every list
            finally:
                await pages.aclose()
            if page is not None:
                differences += drifts(resource.name, page.rows)
        return differences


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class DriftWorkflow(Workflow):
    """Differences between live answers and the description of the API."""

    def report(self, study_key: str) -> list[Drift]:
        """Compare the first page of each list with the description of the API.

        Args:
            study_key: the study.
        """
        differences: list[Drift] = []
        for resource in RESOURCES.values():
            if not resource.listed or resource.name == "studies":
                continue
            endpoint: GenericListGetEndpoint[Model] = getattr(self._sdk, resource.name)
            pages = endpoint.pages(study_key, raw=True)
            try:
                page = next(pages, None)
            except (ForbiddenError, NotFoundError):
                continue  # not every key may read every list
            finally:
                pages.close()
            if page is not None:
                differences += drifts(resource.name, page.rows)
        return differences
