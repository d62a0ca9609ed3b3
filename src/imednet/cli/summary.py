"""The summary printed at the end of an export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .output import print_line, print_message

if TYPE_CHECKING:
    from ..integrations import ExportReport


def print_summary(report: ExportReport) -> None:
    """Print a table of the exported forms on standard output; what is missing or odd on standard error."""
    width = max(len(form.key) for form in report.forms) + 2
    print_line(f"{'form':<{width}}{'rows':>9}  status   file")
    for form in report.forms:
        rows = f"{form.rows:,}" if form.rows is not None else "?"
        print_line(f"{form.key:<{width}}{rows:>9}  {form.status:<8} {form.file or ''}".rstrip())
    proof, left_out = report.proof, sum(report.left_out.values())
    failed = [form.key for form in report.forms if form.status == "FAILED"]
    if failed:
        print_line(f"{'all':<{width}}{report.rows:>9,}  without {', '.join(failed[:5])}{' ...' if failed[5:] else ''}")
    elif proof is not None:
        total = proof.total - left_out
        expected = f"= {total:,} on the server" if proof.quiet else f"of {total:,} when it began, on a changing study"
        print_line(f"{'all':<{width}}{report.rows:>9,}  {expected}, {proof.status} ({proof.rule})")
    else:
        print_line(f"{'all':<{width}}{report.rows:>9,}  each form verified by itself")
    print_line(f"manifest: {report.folder}")
    _print_earlier(report, failed)
    if report.pruned:
        print_message(f"removed, because the study no longer has them: {', '.join(report.pruned)}")
    if report.resumed:
        print_message(f"{report.resumed:,} rows of an earlier run were used again")
    if left_out:
        forms = ", ".join(f"{key} ({rows})" for key, rows in report.left_out.items() if rows)
        print_message(
            f"{left_out:,} records of forms that were not asked for are left out: {forms}. Disabled forms: --disabled"
        )
    if report.issues:
        print_message(f"{report.issues:,} cells do not fit their variable; they are listed in _issues")
    if proof is not None and proof.came:
        print_message(f"{proof.came} records were added while the export ran; they are in the files")
    if proof is not None and proof.gone:
        print_message(f"{proof.gone} records were deleted while the export ran; they may be in the files")
    if proof is not None and proof.later:
        print_message(f"{proof.later} records were added after the export began; the next run will have them")
    if proof is not None and not proof.proven:
        print_message(f"not proven complete: {proof.reason}")
    if report.blinded:
        print_message(f"left out because they are blinded: {', '.join(report.blinded)}")


def _print_earlier(report: ExportReport, failed: list[str]) -> None:
    """Name what is in the target from earlier runs: in place of what failed, and beside what was asked for."""
    entries = [*report.manifest["forms"], *report.manifest["files"]]  # only files say of which run they are
    stale = {entry["form"]: entry for entry in entries if entry.get("stale")}
    for key in failed:
        if key in stale:
            entry = stale[key]
            of_run = f"run {entry['run']}, as of {entry.get('asOf')}" if entry.get("run") else "an earlier run"
            print_message(f"{key} was not read: what is there is still that of {of_run}")
    kept = [key for key in stale if key not in failed]
    if kept:
        times = sorted(str(stale[key]["asOf"]) for key in kept if stale[key].get("asOf"))
        oldest = f", the oldest as of {times[0]}" if times else ""
        print_message(f"{len(kept)} tables of earlier runs stay as they are{oldest}")
