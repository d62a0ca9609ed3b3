"""What an export says of itself: its report, and the parts of its manifest that speak of tables and reads."""

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
    """One form of an export, or another table.

    Attributes:
        key, form_id, name: the form.
        rows: records the server has, `None` where it could not be read.
        file: the file it is in, for exports into files.
        status: `SUCCESS`, `FAILED`, `ABSENT` (no such list on this server) or `PENDING`.
        error, code: what went wrong.
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
    """What an export wrote.

    Attributes:
        study_key: the study.
        folder: where the manifest is; for exports into files, the files too.
        forms: all forms asked for, `_unassigned` where records of unlisted forms were met, and other tables.
        proof: why the read of all records counts as whole; `None` where forms were read one by one.
        blinded: `FORM.VARIABLE` of the variables that were left out because they are blinded.
        issues: cells that are missing in their column, because they are not of its kind or the target cannot hold them.
        left_out: form key -> records of forms that were not exported, such as disabled ones.
        resumed: rows that an earlier run had read.
        manifest: what `manifest.json` holds.
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

    @property
    def rows(self) -> int:
        """Records of all forms together."""
        return sum(form.rows or 0 for form in self.forms if form.records)

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for is there."""
        return not any(form.status == "FAILED" for form in self.forms)


def state_of(table: Table, outcome: Outcome) -> dict[str, Any]:
    """One table in the manifest: what it is, and how its read went."""
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


def exported(state: dict[str, Any], files: dict[str, dict[str, Any]]) -> ExportedForm:
    """One table in the report, by its entry in the manifest."""
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


def what_failed(report: ExportReport) -> str:
    """The message of an export that lacks tables."""
    failed = [form for form in report.forms if form.status == "FAILED"]
    named = ", ".join(form.key for form in failed[:_SHOWN_FAILURES])
    more = f" and {len(failed) - _SHOWN_FAILURES} more" if len(failed) > _SHOWN_FAILURES else ""
    return (
        f"{len(failed)} of {len(report.forms)} tables could not be read: {named}{more}; the others are there. "
        f"First reason: {failed[0].error} Next: run the same export again; it reads only what failed"
    )


def proof_facts(proof: Proof) -> dict[str, Any]:
    """One read in the manifest."""
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
