"""Export a study to any sink: read it once, write the tables that are complete, and report.

Pages of bytes are spooled by form. Once the read of a form is proven complete, its lines become batches of columns for
the sink; no model objects are built. A table that fails is named in the report and read again by the next run.
Reading is in `extract`, the manifest's entries are in `report`.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from imednet_api import SPEC_VERSION
from imednet_api.types import utc

from ..._version import distribution, version
from ...core.reading.proof import Proof
from ...endpoints.rows import Rows
from ...errors import (
    ExportBatchError,
    ExportConfigurationError,
    ExportError,
    ExportIncompleteError,
    ImednetError,
)
from ...sdk import ImednetSDK
from ...utils.interruptions import raised_from_outside
from ...utils.text import whole
from ...utils.truth import is_true
from ...utils.url import check_path_part
from ...validation.kinds import Kind
from ..on_disk import extraction_log as log
from ..on_disk.exported_files import read_json_lines
from ..on_disk.folder import ISSUES_FILE, LOG, MANIFEST, ExportFolder, sha256
from ..sink import ExportSink, call_with_retries
from ..tables.batches import ISSUE_COLUMNS, Batch, Cells, Issue, RawReader, Reader, own_batch
from ..tables.layout import (
    CONTEXT,
    DICTIONARY,
    ISSUES,
    UNASSIGNED,
    StudyTables,
    Table,
    own_table,
    study_tables,
)
from ..tables.options import ExportOptions, limits
from .context import with_context
from .earlier import EarlierRuns, shown
from .extract import Cancelled, Extractor, Progress, unchanged
from .outcomes import Extraction, Outcome
from .report import ExportReport, exported_form, failure_message, proof_facts, table_entry
from .spool import Spool

_DICTIONARY_COLUMNS: Final = {
    "table": Kind.TEXT,
    "column": Kind.TEXT,
    "position": Kind.INTEGER,
    "variableName": Kind.TEXT,
    "variableId": Kind.INTEGER,
    "variableType": Kind.TEXT,
    "kind": Kind.TEXT,
    "label": Kind.TEXT,
    "blinded": Kind.BOOLEAN,
}
_log = logging.getLogger("imednet")


def export_study(
    sdk: ImednetSDK,
    study_key: str,
    sink: ExportSink,
    *,
    home: str | os.PathLike[str],
    options: ExportOptions | None = None,
    progress: Progress | None = None,
    sandbox: bool = False,
) -> ExportReport:
    """Write a study to a sink, and close the sink.

    Args:
        sdk: the SDK to read with.
        study_key: the study.
        sink: where to write.
        home: the folder of the manifest, the extraction log and, during the run, the spool; file sinks write there too.
        options: what to export, and how.
        progress: called with the records read so far and the records the server has.
        sandbox: mark the manifest as one of invented data.

    Returns:
        The report of a complete export.

    Raises:
        ExportConfigurationError: the target or the settings cannot be used; nothing was written.
        ExportIncompleteError: some forms were exported, others could not be read; its `report` says which.
        ExportBatchError: the target failed and is unchanged, but for MongoDB and Neo4j, whose records are replaced one
            by one; the next run continues with what was read.
        ImednetError: nothing could be read; the target is unchanged.
    """
    if not isinstance(sdk, ImednetSDK) and hasattr(sdk, "aclose"):
        sink.close()
        raise ExportConfigurationError(
            "an export needs the blocking ImednetSDK. Next: await export_study_async(sdk, ...), which takes yours"
        )
    options = options or ExportOptions()
    if missing := [name for name in sink.needs if name not in options.lists]:
        options = replace(options, entities=(*options.entities, *missing))
    with sink:
        check_path_part("study_key", study_key)
        with ExportFolder(home, sink.data) as folder:
            run = _Run(sdk, study_key, sink, folder, options, progress, sandbox)
            try:
                return run.run()
            except ExportIncompleteError:
                raise
            except (ImednetError, KeyboardInterrupt, SystemExit, Cancelled) as error:
                if not isinstance(error, ExportConfigurationError):
                    run.note_failure(error)
                raise
            except OSError as error:
                if raised_from_outside(error) is not None:
                    raise
                folder.keep_spool = False
                raise ExportError(
                    f"the files could not be written ({error.strerror or type(error).__name__}); "
                    f"{folder.path} is as it was. Next: make room, or choose another folder"
                ) from error


class _Run:
    """One run of one export."""

    def __init__(
        self,
        sdk: ImednetSDK,
        study_key: str,
        sink: ExportSink,
        folder: ExportFolder,
        options: ExportOptions,
        progress: Progress | None,
        sandbox: bool,
    ) -> None:
        self.sdk = sdk
        self.study = study_key
        self.sink = sink
        self.folder = folder
        self.options = options
        self.progress = progress
        self.sandbox = sandbox
        replaced = sink.whole and sink.file is not None and not sink.file.exists()  # somebody took it away
        self.earlier = EarlierRuns(None if replaced else folder.manifest())
        self.readers: dict[str, Reader | RawReader] = {}
        self.issues = 0
        self.issues_file = False
        self.gone: dict[str, dict[str, Any]] = {}
        self.context_proofs: dict[str, Proof] = {}

    def run(self) -> ExportReport:
        """Read the design, prepare the sink, read the records, write them, and publish the manifest."""
        if self.options.unblind and not self.sdk._client.holds_blinded:
            raise ExportConfigurationError(
                "this mirror was made without blinded answers, so it cannot be exported unblinded. Next: make one with "
                "imednet mirror sync --unblind --reason, or export from the server"
            )
        self.earlier.refuse_other(self.folder.path, self.study, self.sink.kind)
        forms = self.sdk.forms.list(self.study, refresh=True)
        variables = self.sdk.variables.list(self.study, refresh=True)
        names = self.earlier.column_names(self.options.layout())
        ever_blinded = self.sdk._client.ever_blinded
        tables = study_tables(self.study, forms, variables, self.options, self.sink.shape, names, ever_blinded)
        tables = replace(tables, limited=self.earlier.limited(tables, self.options))
        tables, self.context_proofs = with_context(self.sdk, tables)
        self._check_limits(tables)
        self.gone = self.earlier.gone(tables) if self.options.prune else {}
        self._check_whole(tables)
        self.sink.begin(tables, self.folder)
        today = str(forms.proof.server_to or "")[:10]
        listed = [[table.key, table.form_id] for table in tables.forms]
        source = {"server": self._server(), "snapshot": self.sdk._client.snapshot}
        blinded = {form: sorted(names) for form, names in tables.blinded_terms.items()}
        facts = {
            **self._facts(), "study": self.study, **source, "listed": listed, "blinded": blinded,
            "consistency": self.options.consistency,
        }  # fmt: skip
        with Spool(self.folder.spool, facts) as spool:
            if self.options.fresh or not spool.resume() or not self._can_resume(spool, today):
                spool.start()
            try:
                extraction = Extractor(self.sdk, tables, spool, self.options, self.progress).run()
                self._write_tables(tables, extraction, spool)
                self.folder.keep_spool = bool(extraction.failed)
                if extraction.failed:
                    spool.note(incomplete=today)
                return self._finish(tables, extraction, forms, variables)
            except (ImednetError, KeyboardInterrupt, SystemExit, Cancelled):
                self.folder.keep_spool = spool.size > 0
                raise

    def note_failure(self, error: BaseException) -> None:
        """Add a line to the log for a run that wrote nothing; where nothing was ever exported there is no log."""
        if not (self.folder.path / LOG).exists():
            return
        interrupted = not isinstance(error, ImednetError)
        with suppress(OSError, ExportError):
            log.append(
                self.folder.path,
                {
                    "study": self.study,
                    "format": self.sink.kind,
                    "status": "interrupted" if interrupted else "failed",
                    "error": type(error).__name__,
                    "options": self._facts(),
                    **({"unblinded": self.options.unblind} if self.options.unblind else {}),
                },
            )

    def _check_whole(self, tables: StudyTables) -> None:
        """Refuse a run that would take tables from a target which is replaced as a whole."""
        lost = [key for key in self.earlier.tables if key not in self.gone and key not in tables.keys]
        if self.sink.whole and lost:
            known = [key for key in lost if key in tables.listed or key.startswith("_")]
            raise ExportConfigurationError(
                f"this {self.sink.kind} file is written as a whole and would lose {shown(lost)}. "
                + ("Next: choose another file, or export the same tables as before" if known else
                   "Next: choose another file, or add --prune to let go of forms that the study no longer has")
            )  # fmt: skip

    def _facts(self) -> dict[str, Any]:
        return self.options.facts()

    def _server(self) -> str:
        return str(self.sdk._client.base_url)

    def _can_resume(self, spool: Spool, today: str) -> bool:
        """Whether the spool of an earlier run can be used.

        That of an interrupted run can, unless the study changed since. If some tables of a run failed, the others can
        be used until the end of the server's day, each being complete by itself.
        """
        notes = spool.notes
        if notes.get("unfound"):
            return False
        if "incomplete" in notes:
            unassigned = (notes.get("outcomes") or {}).get(UNASSIGNED, {})
            return bool(today and notes["incomplete"] == today and unassigned.get("status") != "FAILED")
        usable = notes.get("token") or notes.get("alone") or notes.get("outcomes")
        if usable and unchanged(self.sdk, self.study, spool):
            for key in [key for key in notes.get("outcomes") or {} if key.startswith("_") and key != UNASSIGNED]:
                del notes["outcomes"][key]  # other lists may have changed even if records did not
            return True
        if usable:
            _log.warning("%s: the study changed since the interrupted run; all of it is read again", self.study)
        return False

    # ---- writing

    def _check_limits(self, tables: StudyTables, spool: Spool | None = None) -> None:
        """Refuse a table that is larger than the target can hold, before anything is written."""
        shape = self.sink.shape
        for table in tables.data:
            rows = spool.rows(table.key) if spool is not None else 0
            for count, limit, unit in (
                (len(table.columns), shape.most_columns, "columns"),
                (rows, shape.most_rows, "rows"),
            ):
                if limit is not None and count > limit:
                    raise ExportConfigurationError(
                        f"{table.key} has {count:,} {unit}, and {self.sink.kind} holds at most {limit:,} {unit} in a "
                        "table. Next: choose fewer variables, or another format such as parquet"
                    )

    def _write_tables(self, tables: StudyTables, extraction: Extraction, spool: Spool) -> None:
        """Write every table that was read completely, then flush the sink."""
        self._check_limits(tables, spool)
        unread = [key for key, outcome in extraction.outcomes.items() if outcome.status in ("FAILED", "ABSENT")]
        if self.sink.whole and (lost := [key for key in unread if key in self.earlier.tables]):
            raise ExportError(
                f"{shown(lost)} could not be read, and this {self.sink.kind} file is written as a whole; it is as it "
                f"was. First reason: {extraction.outcomes[lost[0]].error} Next: run the same export again; it reads "
                "only what failed"
            )
        drop, left = self._row_filter(), dict[str, dict[str, Any]]()
        spool.drop(ISSUES)
        for table in (*tables.entities, *tables.forms, tables.unassigned):
            if extraction.outcomes[table.key].status != "SUCCESS":
                continue
            if table is tables.unassigned and not spool.rows(table.key):
                if extraction.proof is not None and not extraction.failed:
                    left = {table.key: self.earlier.places.get(table.key, {})}
                    if table.key in self.earlier.tables:
                        self.gone |= left
                continue
            try:
                self._write_table(table, drop, spool)
            except ExportBatchError as error:
                if not self.sink.give_up(table):
                    raise
                self.readers.pop(table.key, None)
                extraction.outcomes[table.key] = Outcome.failure(error)
                if not any(extraction.outcomes[form.key].status == "SUCCESS" for form in tables.forms):
                    raise  # an export without any form must not replace an earlier one
        kept = self.earlier.with_rows(self._kept)
        try:
            for batch in self.sink.kept_batches(kept):
                self._write_batch(batch)
        except self.sink.foreign as error:  # rows of earlier runs could not be read back
            raise ExportBatchError("kept rows", self.sink.explain(error)) from None
        self.sink.end_forms(kept)
        if self.sink.own_tables:
            self._write_own_tables(tables, spool)
        if not self.sink.own_tables or self.sink.cuts:
            self._spool_issues(spool, [])
            self._issues_file(spool)
        self.sink.gone = {**left, **self.gone}
        self._with_retries("flush", self.sink.flush)

    def _write_table(self, table: Table, drop: Callable[[Sequence[Cells]], list[bool]] | None, spool: Spool) -> None:
        """Write one table. Raises ExportBatchError if that is not possible."""
        number = -1
        try:
            reader = self.sink.reader(table, drop if table.is_form else None)
            self.readers[table.key] = reader
            for number, lines in enumerate(spool.batches(table.key, self.sink.batch_rows, self.sink.batch_bytes)):
                batch, issues = reader.batch(number, lines)
                self._write_batch(batch)
                self._spool_issues(spool, issues)
            if number < 0:
                self._write_batch(reader.batch(0, [])[0])
            self._with_retries(table.key, lambda: self.sink.end_table(table))
        except (ImednetError, OSError, MemoryError):
            raise
        except Exception as error:
            if raised_from_outside(error) is not None:
                raise
            problem = f"its rows could not be turned into columns ({type(error).__name__}). Next: report this as a bug"
            raise ExportBatchError(f"{table.key}/{max(number, 0)}", problem) from error

    def _write_batch(self, batch: Batch) -> None:
        self._with_retries(batch.id, lambda: self.sink.write_batch(batch))

    def _with_retries(self, batch_id: str, work: Callable[[], None]) -> None:
        call_with_retries(self.sink, batch_id, work, self.options.max_retries, self.options.backoff)

    def _spool_issues(self, spool: Spool, issues: Sequence[Issue]) -> None:
        """Write issues and the sink's losses to the spool, because there may be too many for memory."""
        issues = [*issues, *self.sink.losses]
        self.sink.losses.clear()
        self.issues += len(issues)
        spool.append(ISSUES, [_issue_line(issue) for issue in issues])

    def _write_own_tables(self, tables: StudyTables, spool: Spool) -> None:
        """Write the dictionary of columns and the table of issues."""
        dictionary = own_table(DICTIONARY, _DICTIONARY_COLUMNS, ("table", "column"), self.sink.shape)
        described = [table for table in tables.data if table.key in self.readers]
        self._write_own_table(dictionary, [_dictionary_rows(described)])
        self._spool_issues(spool, [])
        self._write_own_table(own_table(ISSUES, ISSUE_COLUMNS, (), self.sink.shape), self._issue_rows(spool))

    def _write_own_table(self, table: Table, batches: Iterable[list[Sequence[Any]]]) -> None:
        """Write new rows of a table of the export itself, then those that earlier runs wrote about tables that stay."""
        number = -1
        for number, rows in enumerate(chain(batches, self._kept_rows(table))):
            self._write_batch(own_batch(table, number, rows))
        if number < 0:
            self._write_batch(own_batch(table, 0, []))
        self.sink.end_table(table)

    def _kept_rows(self, table: Table) -> Iterator[list[Sequence[Any]]]:
        """Rows of earlier runs about tables that stay; a row names its table in its first cell."""
        stay = self._kept
        try:
            rows = (row for row in self.sink.earlier_rows(table) if row[0] in stay) if stay else iter(())
            while batch := list(islice(rows, self.sink.batch_rows)):
                yield batch
        except Exception as error:
            if isinstance(error, (ImednetError, MemoryError)) or raised_from_outside(error) is not None:
                raise
            _log.warning(
                "%s: %s of an earlier run cannot be read (%s); what it says of tables that stay is left out",
                self.study, table.key, type(error).__name__,
            )  # fmt: skip

    @property
    def _kept(self) -> set[str]:
        """Keys of tables of earlier runs that this run neither wrote nor removes."""
        return {key for key in self.earlier.tables if key not in self.gone and key not in self.readers}

    def _issue_rows(self, spool: Spool) -> Iterator[list[Sequence[Any]]]:
        for lines in spool.batches(ISSUES, self.sink.batch_rows, self.sink.batch_bytes):
            yield [json.loads(line) for line in lines]

    def _issues_file(self, spool: Spool) -> None:
        """Write the issues to a file, for targets that take no table of issues or cut long texts."""
        kept, earlier = self._kept, self.folder.path / ISSUES_FILE
        stay = _issues_about(kept, earlier) if kept else []
        if not self.issues and not stay:
            return
        self.issues_file = True
        self.folder.staging.mkdir(parents=True, exist_ok=True)
        with (self.folder.staging / ISSUES_FILE).open("w", encoding="utf-8") as file:
            new = (dict(zip(ISSUE_COLUMNS, row, strict=True)) for rows in self._issue_rows(spool) for row in rows)
            for issue in chain(new, stay):
                file.write(json.dumps(issue, ensure_ascii=False) + "\n")

    def _row_filter(self) -> Callable[[Sequence[Cells]], list[bool]] | None:
        """A function that tells, for the fields of a batch, which rows to drop by the option `deleted`."""
        if self.options.deleted == "keep":
            return None
        deleted_subjects = {row.subject_id for row in self.sdk.subjects.list(self.study, deleted=True)}
        only = self.options.deleted == "only"
        deleted, subject = CONTEXT.index("deleted"), CONTEXT.index("subjectId")

        def drop(fields: Sequence[Cells]) -> list[bool]:
            pairs = zip(fields[deleted], fields[subject], strict=True)
            return [(is_true(flag) or subject_id in deleted_subjects) != only for flag, subject_id in pairs]

        return drop

    # ---- the manifest

    def _finish(
        self,
        tables: StudyTables,
        extraction: Extraction,
        forms: Rows[Any],
        variables: Rows[Any],
    ) -> ExportReport:
        """Publish files and manifest, add the log entry, and return the report."""
        states = self._states(tables, extraction)
        failed = set(extraction.failed)
        outputs = self.sink.outputs
        staged = list(self.sink.staged)
        if self.issues_file:
            staged.append(ISSUES_FILE)
            outputs["_issues.jsonl"] = {"file": ISSUES_FILE}
        run = log.count(self.folder.path) + 1
        times = [proof.server_to for proof in (forms.proof, *extraction.proofs.values())]
        as_of = max([(moment, time) for time in times if (moment := utc(time))], default=(None, None))[1]
        files = [self._file_entry(key, facts, run, as_of) for key, facts in outputs.items()]
        kept = self._kept
        for state in states:
            if state["form"] in kept:
                state["stale"] = True  # it failed, and what is there is of an earlier run
        kept_files = self.earlier.kept_files(kept, {str(entry["file"]) for entry in files if entry.get("file")})
        manifest: dict[str, Any] = {
            "study": self.study,
            "run": run,
            "format": self.sink.kind,
            "status": "incomplete" if failed else "complete",
            **({"sandbox": True} if self.sandbox else {}),
            **({"partitions": os.path.relpath(self.sink.data, self.folder.path)} if self.sink.data else {}),
            **self._target(),
            "package": {"distribution": distribution(), "version": version()},
            "specVersion": SPEC_VERSION,
            "serverTime": {"from": forms.proof.server_from, "to": as_of},
            "options": self._facts(),
            "narrowed": limits(self.options),
            "studyForms": list(tables.listed),
            "endpoints": {
                "forms": proof_facts(forms.proof),
                "variables": proof_facts(variables.proof),
                **{f"{name} (context)": proof_facts(proof) for name, proof in self.context_proofs.items()},
                **{name: proof_facts(proof) for name, proof in extraction.proofs.items()},
            },
            "blindedVariablesLeftOut": tables.blinded,
            "leftOut": extraction.left_out,
            "issues": self.issues,
            "forms": [*states, *self.earlier.kept_states(kept, states)],
            "files": [*files, *kept_files],
            "columns": {**tables.mapping, **self.earlier.kept_names(kept)},
            **({"pruned": sorted(self.gone)} if self.gone else {}),
        }
        stays = {entry.get("file") for entry in kept_files}
        self.folder.publish(staged, manifest, [name for name in self.folder.files().values() if name not in stays])
        self._add_log_entry(manifest, states, extraction.resumed)
        report = ExportReport(
            study_key=self.study,
            folder=self.folder.path,
            forms=[exported_form(state, {entry["form"]: entry for entry in manifest["files"]}) for state in states],
            proof=extraction.proof,
            blinded=tables.blinded,
            issues=self.issues,
            left_out=extraction.left_out,
            resumed=extraction.resumed,
            manifest=manifest,
            pruned=sorted(self.gone),
        )
        if failed:
            raise ExportIncompleteError(failure_message(report), report=report)
        return report

    def _target(self) -> dict[str, Any]:
        """Where the one file of the target is, and its digest if nobody else may write to it."""
        file = self.sink.file
        if file is None:
            return {}
        digest = {} if self.sink.shared else {"sha256": sha256(file)}
        return {"target": {"file": os.path.relpath(file.absolute(), self.folder.path.absolute()), **digest}}

    def _states(self, tables: StudyTables, extraction: Extraction) -> list[dict[str, Any]]:
        """Entries of all tables; the table of unlisted forms has one only if there are such records."""
        return [
            table_entry(table, extraction.outcomes[table.key])
            for table in tables.data
            if table is not tables.unassigned or extraction.outcomes[table.key].rows or table.key in extraction.failed
        ]

    def _file_entry(self, key: str, facts: dict[str, Any], run: int, as_of: str | None) -> dict[str, Any]:
        reader = self.readers.get(key)
        entry: dict[str, Any] = {"form": key, "formId": reader.table.form_id if reader else None, **facts, "run": run}
        entry["asOf"] = as_of
        if reader is not None:
            entry["layout"] = self.options.layout()
        if facts.get("file"):
            entry["sha256"] = sha256(self.folder.staging / facts["file"])
        if reader is not None:
            entry["rows"] = reader.rows
            entry["undeclaredAnswers"] = dict(sorted(reader.undeclared.items()))
            entry["caseVariants"] = dict(sorted(reader.case_variants.items()))
        return entry

    def _add_log_entry(self, manifest: dict[str, Any], states: Sequence[dict[str, Any]], resumed: int) -> None:
        log.append(
            self.folder.path,
            {
                "study": self.study,
                "format": self.sink.kind,
                "status": manifest["status"],
                "options": manifest["options"],
                **({"unblinded": self.options.unblind} if self.options.unblind else {}),
                "rows": {state["form"]: state["rows"] for state in states},
                **({"pruned": sorted(self.gone)} if self.gone else {}),
                "issues": self.issues,
                "resumedRows": resumed,
                "reads": manifest["endpoints"],
                "manifestSha256": sha256(self.folder.path / MANIFEST),
            },
        )


def _issues_about(tables: Collection[str], file: Path) -> list[dict[str, Any]]:
    """Issues of earlier runs about some tables, from the file beside the manifest, which anybody may have changed."""
    try:
        rows = list(read_json_lines(file)) if file.is_file() else []
    except (OSError, ValueError):
        _log.warning("%s of an earlier run cannot be read; what it says of tables that stay is left out", file.name)
        return []
    return [row for row in rows if isinstance(row, dict) and row.get("form") in tables]


def _issue_line(issue: Issue) -> bytes:
    record_id = issue.record_id if isinstance(issue.record_id, int) else None
    texts = [text if text is None else whole(text) for text in (issue.form, issue.variable, issue.value, issue.reason)]
    return json.dumps([texts[0], record_id, *texts[1:]]).encode()


def _dictionary_rows(tables: Iterable[Table]) -> list[Sequence[Any]]:
    return [
        (
            table.key, column.name, position, column.source, column.variable_id, column.variable_type,
            str(column.kind), column.label, column.blinded,
        )
        for table in tables
        for position, column in enumerate(table.columns, 1)
    ]  # fmt: skip
