"""`sdk.workflows.coding_reconciliation`: terms that are coded, coded again or not coded, and by which dictionary.

>>> from imednet import ImednetSDK
>>> from imednet.sandbox import Sandbox
>>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
...     report = sdk.workflows.coding_reconciliation.report("TIDEWATER-201")
>>> sorted(report.versions)[0].split()[0], len(report.uncoded) > 0
('MedDRA', True)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from imednet_api.models import Coding, Record

from ..utils.truth import is_true
from .base import AsyncWorkflow, Workflow


@dataclass(frozen=True)
class Term:
    """An answer that is coded, or waits for its code.

    Attributes:
        form_key, record_id, variable: where the term was entered.
        latest: its coding in the latest revision; `None` where it is not coded.
        revisions: how often it was coded.
    """

    form_key: str | None
    record_id: int | None
    variable: str | None
    latest: Coding | None = field(default=None, repr=False)
    revisions: int = 0

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table."""
        coding = self.latest
        return {
            "formKey": self.form_key,
            "recordId": self.record_id,
            "variable": self.variable,
            "value": coding.value if coding else None,
            "code": coding.code if coding else None,
            "dictionary": f"{coding.dictionary_name} {coding.dictionary_version}" if coding else None,
            "codedBy": coding.coded_by if coding else None,
            "dateCoded": coding.date_coded if coding else None,
            "revisions": self.revisions,
        }


@dataclass(frozen=True)
class CodingReport:
    """The state of the coding of a study.

    Attributes:
        coded: terms in their latest revision that have a code.
        without_code: terms that have a coding, but no code in it.
        uncoded: answers without any coding.
        recoded: coded terms with more than one revision.
        versions: codings by dictionary and version, all revisions.
        inconsistent: texts that were coded differently in different records: text -> codes.
        moved: coded terms whose answer changed since they were coded.
    """

    coded: list[Term]
    without_code: list[Term]
    uncoded: list[Term]
    recoded: list[Term]
    versions: dict[str, int]
    inconsistent: dict[str, list[str]] = field(repr=False)
    moved: list[Term] = field(default_factory=list)

    def to_rows(self) -> list[dict[str, Any]]:
        """Plain values for a table: every term with its state."""
        states = (("coded", self.coded), ("without code", self.without_code), ("uncoded", self.uncoded))
        return [{"state": state, **term.to_row()} for state, terms in states for term in terms]


def reconciled(codings: Iterable[Coding], records: Iterable[Record], variables: Mapping[str, str]) -> CodingReport:
    """Compare codings with the answers they belong to.

    Args:
        codings: all codings of a study, all revisions.
        records: records of the forms that are coded.
        variables: form key -> the variable that is coded.
    """
    groups: dict[int | None, list[Coding]] = {}
    versions: Counter[str] = Counter()
    for coding in codings:
        groups.setdefault(coding.coding_id, []).append(coding)
        versions[f"{coding.dictionary_name} {coding.dictionary_version}"] += 1
    coded: list[Term] = []
    without_code: list[Term] = []
    recoded: list[Term] = []
    moved: list[Term] = []
    texts: dict[str, set[str]] = {}
    records_by_key = {(record.form_key, record.record_id): record for record in records}
    covered = set()
    for members in groups.values():
        latest = max(members, key=lambda coding: coding.revision or 0)
        term = Term(latest.form_key, latest.record_id, latest.variable, latest, len(members))
        covered.add((latest.form_key, latest.record_id))
        (coded if latest.code else without_code).append(term)
        if any((coding.revision or 0) > 1 for coding in members):
            recoded.append(term)
        if latest.code and latest.value:
            texts.setdefault(latest.value, set()).add(latest.code)
        record = records_by_key.get((latest.form_key, latest.record_id))
        now = (record.record_data or {}).get(str(latest.variable)) if record is not None else None
        if record is not None and not is_true(record.deleted) and now != latest.value:
            moved.append(term)
    uncoded = [
        Term(form_key, record_id, variables[str(form_key)])
        for (form_key, record_id), record in records_by_key.items()
        if (form_key, record_id) not in covered and (record.record_data or {}).get(variables[str(form_key)])
    ]
    inconsistent = {text: sorted(codes) for text, codes in sorted(texts.items()) if len(codes) > 1}
    return CodingReport(coded, without_code, uncoded, recoded, dict(sorted(versions.items())), inconsistent, moved)


class AsyncCodingReconciliationWorkflow(AsyncWorkflow):
    """Terms and their codes."""

    async def report(self, study_key: str, variables: Mapping[str, str] | None = None) -> CodingReport:
        """Codings of a study beside the answers they are of: coded, coded again, without code, and not coded.

        Args:
            study_key: the study.
            variables: form key -> the variable that is coded, such as `{"AE": "AETERM"}`; those that have codings where
                it is left out.
        """
        codings = await self._sdk.codings.list(study_key)
        found: dict[str, Counter[str]] = {}
        for coding in codings:
            if coding.form_key and coding.variable:
                found.setdefault(coding.form_key, Counter())[coding.variable] += 1
        chosen = dict(variables or {form: counts.most_common(1)[0][0] for form, counts in found.items()})
        records: list[Record] = []
        for form_key, name in (variables or {}).items():
            await self._check_variable(study_key, form_key, name)
        for form_key in sorted(chosen):
            records += await self._sdk.records.list(study_key, form_key=form_key)
        return reconciled(codings, records, chosen)


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class CodingReconciliationWorkflow(Workflow):
    """Terms and their codes."""

    def report(self, study_key: str, variables: Mapping[str, str] | None = None) -> CodingReport:
        """Codings of a study beside the answers they are of: coded, coded again, without code, and not coded.

        Args:
            study_key: the study.
            variables: form key -> the variable that is coded, such as `{"AE": "AETERM"}`; those that have codings where
                it is left out.
        """
        codings = self._sdk.codings.list(study_key)
        found: dict[str, Counter[str]] = {}
        for coding in codings:
            if coding.form_key and coding.variable:
                found.setdefault(coding.form_key, Counter())[coding.variable] += 1
        chosen = dict(variables or {form: counts.most_common(1)[0][0] for form, counts in found.items()})
        records: list[Record] = []
        for form_key, name in (variables or {}).items():
            self._check_variable(study_key, form_key, name)
        for form_key in sorted(chosen):
            records += self._sdk.records.list(study_key, form_key=form_key)
        return reconciled(codings, records, chosen)
