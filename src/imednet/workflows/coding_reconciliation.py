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
from collections.abc import Iterable, Mapping, Sequence
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
        site_id: the site it was entered at.
        deleted: whether its record is deleted, so that nobody will code it.
    """

    form_key: str | None
    record_id: int | None
    variable: str | None
    latest: Coding | None = field(default=None, repr=False)
    revisions: int = 0
    site_id: int | None = None
    deleted: bool = False

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


def coded_variables(codings: Iterable[Coding]) -> dict[str, tuple[str, ...]]:
    """Form key -> the variables that have codings."""
    found: dict[str, dict[str, None]] = {}
    for coding in codings:
        if coding.form_key and coding.variable:
            found.setdefault(coding.form_key, {})[coding.variable] = None
    return {form: tuple(names) for form, names in sorted(found.items())}


def reconciled(
    codings: Iterable[Coding], records: Sequence[Record], variables: Mapping[str, Sequence[str]]
) -> CodingReport:
    """Compare codings with the answers they belong to; names of variables are found in any case.

    Args:
        codings: all codings of a study, all revisions; those of other variables are left out.
        records: records of the forms that are coded.
        variables: form key -> the variables that are coded.
    """
    chosen = {(form, name.casefold()) for form, names in variables.items() for name in names}
    groups: dict[int | None, list[Coding]] = {}
    versions: Counter[str] = Counter()
    for coding in codings:
        if (str(coding.form_key), str(coding.variable).casefold()) in chosen:
            groups.setdefault(coding.coding_id, []).append(coding)
            versions[f"{coding.dictionary_name} {coding.dictionary_version}"] += 1
    coded: list[Term] = []
    without_code: list[Term] = []
    recoded: list[Term] = []
    moved: list[Term] = []
    texts: dict[str, set[str]] = {}
    answers = {
        (record.form_key, record.record_id): {
            name.casefold(): value for name, value in (record.record_data or {}).items()
        }
        for record in records
    }
    by_key = {(record.form_key, record.record_id): record for record in records}
    covered = set()
    for members in groups.values():
        latest = max(members, key=lambda coding: coding.revision or 0)
        key = latest.form_key, latest.record_id
        record = by_key.get(key)
        gone = record is not None and is_true(record.deleted)
        term = Term(*key, latest.variable, latest, len(members), latest.site_id, gone)
        name = str(latest.variable).casefold()
        covered.add((*key, name))
        (coded if latest.code else without_code).append(term)
        if any((coding.revision or 0) > 1 for coding in members):
            recoded.append(term)
        if latest.code and latest.value:
            texts.setdefault(latest.value, set()).add(latest.code)
        if record is not None and not gone and answers[key].get(name) != latest.value:
            moved.append(term)
    uncoded = [
        Term(*key, name, None, 0, record.site_id, is_true(record.deleted))
        for key, record in by_key.items()
        for name in variables.get(str(key[0]), ())
        if (*key, name.casefold()) not in covered and answers[key].get(name.casefold())
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
        chosen = coded_variables(codings) if variables is None else {form: (name,) for form, name in variables.items()}
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
        chosen = coded_variables(codings) if variables is None else {form: (name,) for form, name in variables.items()}
        records: list[Record] = []
        for form_key, name in (variables or {}).items():
            self._check_variable(study_key, form_key, name)
        for form_key in sorted(chosen):
            records += self._sdk.records.list(study_key, form_key=form_key)
        return reconciled(codings, records, chosen)
