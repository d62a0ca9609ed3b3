"""The report of an export, and the entries of its manifest for tables and reads."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from ...core.reading.proof import Proof
from ..tables.layout import Table
from .outcomes import Outcome

_SHOWN_FAILURES: Final = 5


@dataclass(frozen=True)
class ExportedForm:
    """One table of an export: a form or another list.

    Attributes:
        key, form_id, name: the form.
        rows: rows read; `None` if the table could not be read.
        file: its file, for exports to files.
        status: `SUCCESS`, `FAILED`, `ABSENT` (no such list on this server) or `PENDING`.
        error, code: the error message, and the HTTP status or the name of the error class.
        records: whether its rows are records.
    """

    key: str
    form_id: int | None
    name: str | None
    rows: int | None
    file: str | None
    status: str = "SUCCESS"
    error: str | None = None
    code: str | None = None
    records: bool = True


@dataclass(frozen=True)
class ExportReport:
    """The report of an export.

    Attributes:
        study_key: the study.
        folder: the folder of the manifest; for exports to files also the folder of the files.
        forms: all forms asked for, `_unassigned` if there were records of unlisted forms, and other tables.
        proof: the proof that all records were read; `None` if forms were read one by one.
        blinded: `FORM.VARIABLE` of the variables left out because they are blinded.
        issues: number of cells whose value does not fit its column or the target.
        left_out: form key -> number of records, for forms that were not exported, such as disabled ones.
        resumed: rows taken over from an earlier run.
        manifest: the content of `manifest.json`.
        pruned: tables of forms that the study no longer has, which were removed.
    """

    study_key: str
    folder: Path
    forms: list[ExportedForm]
    proof: Proof | None
    blinded: list[str]
    issues: int
    left_out: dict[str, int]
    resumed: int
    manifest: dict[str, Any] = field(repr=False)
    pruned: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """The number of records in all forms."""
        return sum(form.rows or 0 for form in self.forms if form.records)

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for was exported."""
        return not any(form.status == "FAILED" for form in self.forms)


def table_entry(table: Table, outcome: Outcome) -> dict[str, Any]:
    """The manifest's entry for one table: its form, and the outcome of its read."""
    facts = asdict(outcome)
    return {
        "form": table.key,
        "formId": table.form_id,
        "name": table.title,
        "type": table.form_type,
        "disabled": table.disabled,
        "records": table.is_form,
        **{name: facts[name] for name in ("status", "rows", "proof", "rule", "started", "ended", "error", "code")},
    }


def exported_form(state: dict[str, Any], files: dict[str, dict[str, Any]]) -> ExportedForm:
    """The report's entry for one table, from its entry in the manifest."""
    return ExportedForm(
        key=state["form"],
        form_id=state["formId"],
        name=state["name"],
        rows=state["rows"],
        file=files.get(state["form"], {}).get("file"),
        status=state["status"],
        error=state["error"],
        code=state["code"],
        records=state["records"],
    )


def failure_message(report: ExportReport) -> str:
    """The error message of an export in which tables failed."""
    failed = [form for form in report.forms if form.status == "FAILED"]
    named = ", ".join(form.key for form in failed[:_SHOWN_FAILURES])
    more = f" and {len(failed) - _SHOWN_FAILURES} more" if len(failed) > _SHOWN_FAILURES else ""
    return (
        f"{len(failed)} of {len(report.forms)} tables could not be read: {named}{more}; the others were exported. "
        f"First reason: {failed[0].error} Next: run the same export again; it reads only what failed"
    )


def proof_facts(proof: Proof) -> dict[str, Any]:
    """The manifest's entry for one read."""
    facts: dict[str, Any] = {
        "serverTotal": proof.total,
        "rows": proof.rows,
        "rechecked": proof.rechecked,
        "came": proof.came,
        "gone": proof.gone,
        "later": proof.later,
        "requests": proof.requests,
        "proof": proof.status,
        "rule": proof.rule,
    }
    if proof.reason is not None:
        facts["reason"] = proof.reason
    return facts
