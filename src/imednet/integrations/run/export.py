"""Export a study into any sink: read it once, write what is proven, say what happened.

Pages of bytes are spooled by form, each form becomes batches of columns once its read is proven, and a sink puts them
in place. No objects are made on this way. What fails is named and read again by the next run.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from imednet_api import SPEC_VERSION

from ..._version import distribution, version
from ...endpoints.rows import Rows
from ...errors import ExportBatchError, ExportConfigurationError, ExportError, ExportIncompleteError, ImednetError
from ...sdk import ImednetSDK
from ...utils.interruptions import raised_from_outside
from ...utils.text import whole
from ...utils.truth import is_true
from ...utils.url import check_path_part
from ...validation.kinds import Kind
from ..on_disk import extraction_log as log
from ..on_disk.folder import ISSUES_FILE, MANIFEST, Home, file_entries, sha256
from ..sink import ExportSink, retried
from ..tables.batches import ISSUE_COLUMNS, Batch, Cells, Issue, RawReader, Reader, own_batch
from ..tables.layout import CONTEXT, DICTIONARY, ISSUES, UNASSIGNED, StudyTables, Table, own_table, study_tables
from ..tables.options import ExportOptions, limits
from .extract import Extractor, Progress, unchanged
from .outcomes import Extraction, Outcome
from .report import ExportReport, exported, proof_facts, state_of, what_failed
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
    """Write a study into a sink, which is closed at the end.

    Args:
        sdk: the SDK to read with.
        study_key: the study.
        sink: where to write.
        home: the folder of the manifest, the extraction log and, while it runs, the spool; sinks of files write there.
        options: what to export, and how.
        progress: called as records come in.
        sandbox: mark the manifest of invented data.

    Returns:
        The report; everything asked for is there.

    Raises:
        ExportConfigurationError: the target or the settings cannot be used; nothing was written.
        ExportIncompleteError: some forms are there, others could not be read; its `report` says which.
        ExportBatchError: the target failed; it is as it was, and the next run goes on with what was read.
        ImednetError: nothing could be read; the target is as it was.
    """
    options = options or ExportOptions()
    if missing := [name for name in sink.needs if name not in options.lists]:
        options = replace(options, entities=(*options.entities, *missing))
    with sink:
        check_path_part("study_key", study_key)
        with Home(home) as place:
            try:
                return _Run(sdk, study_key, sink, place, options, progress, sandbox).run()
            except OSError as error:
                if raised_from_outside(error) is not None:
                    raise
                place.keep_spool = False
                raise ExportError(
                    f"the files could not be written ({error.strerror or type(error).__name__}); "
                    f"{place.path} is as it was. Next: make room, or choose another folder"
                ) from error


class _Run:
    """One run of one export."""

    def __init__(
        self,
        sdk: ImednetSDK,
        study_key: str,
        sink: ExportSink,
        home: Home,
        options: ExportOptions,
        progress: Progress | None,
        sandbox: bool,
    ) -> None:
        self.sdk = sdk
        self.study = study_key
        self.sink = sink
        self.home = home
        self.options = options
        self.progress = progress
        self.sandbox = sandbox
        self.earlier = home.manifest() or {}
        self.readers: dict[str, Reader | RawReader] = {}
        self.issues = 0

    def run(self) -> ExportReport:
        """Design, sink, records, and what they become."""
        forms = self.sdk.forms.list(self.study, refresh=True)
        variables = self.sdk.variables.list(self.study, refresh=True)
        earlier_names = self._earlier_names() if self._same() and self._same_format() else None
        tables = study_tables(self.study, forms, variables, self.options, self.sink.shape, earlier_names)
        self._fits(tables)
        self.sink.begin(tables, self.home)
        today = str(forms.proof.server_to)[:10]
        listed = [[table.key, table.form_id] for table in tables.forms]
        facts = {**self._facts(), "study": self.study, "server": self._server(), "listed": listed}
        with Spool(self.home.spool, facts) as spool:
            if self.options.fresh or not spool.resume() or not self._goes_on(spool, today):
                spool.start()
            try:
                found = Extractor(self.sdk, tables, spool, self.options, self.progress).run()
                self._write(tables, found, spool)
                self.home.keep_spool = bool(found.failed)
                if found.failed:
                    spool.note(incomplete=today)
                return self._conclude(tables, found, forms, variables)
            except (ImednetError, KeyboardInterrupt, SystemExit):
                self.home.keep_spool = spool.size > 0
                raise

    def _same(self) -> bool:
        """Whether the last run here was of the same study with the same choices."""
        return self.earlier.get("study") == self.study and self.earlier.get("options") == self._facts()

    def _same_format(self) -> bool:
        return bool(self.earlier.get("format") == self.sink.kind)

    def _earlier_names(self) -> dict[str, str]:
        """What the last run called the columns, as far as its manifest is sound."""
        names = self.earlier.get("columns")
        pairs = names.items() if isinstance(names, dict) else ()
        return {key: name for key, name in pairs if isinstance(name, str)}

    def _facts(self) -> dict[str, Any]:
        return self.options.facts()

    def _server(self) -> str:
        return str(self.sdk._client.base_url)

    def _goes_on(self, spool: Spool, today: str) -> bool:
        """Whether what an earlier run read can be used.

        A run that was cut off can, unless the study changed since; tables of a run that ended on the same day can
        where others failed, each being whole by itself.
        """
        notes = spool.notes
        if notes.get("unfound"):
            return False
        if "incomplete" in notes:
            stray = (notes.get("outcomes") or {}).get(UNASSIGNED, {})
            return bool(notes["incomplete"] == today and stray.get("status") != "FAILED")
        usable = notes.get("token") or notes.get("alone") or notes.get("outcomes")
        if usable and unchanged(self.sdk, self.study, spool):
            for key in [key for key in notes.get("outcomes") or {} if key.startswith("_") and key != UNASSIGNED]:
                del notes["outcomes"][key]  # other lists may have changed where records did not
            return True
        if usable:
            _log.warning("%s: the study changed since the run that was cut off; it is read anew", self.study)
        return False

    # ---- writing

    def _fits(self, tables: StudyTables, spool: Spool | None = None) -> None:
        """Refuse a table that is larger than the target can hold, before anything is written."""
        shape = self.sink.shape
        for table in tables.data:
            rows = spool.rows(table.key) if spool is not None else 0
            for many, most, what in (
                (len(table.columns), shape.most_columns, "columns"),
                (rows, shape.most_rows, "rows"),
            ):
                if most is not None and many > most:
                    raise ExportConfigurationError(
                        f"{table.key} has {many:,} {what}, and {self.sink.kind} holds {most:,} {what} a table. "
                        "Next: choose variables or another format, such as parquet"
                    )

    def _write(self, tables: StudyTables, found: Extraction, spool: Spool) -> None:
        self._fits(tables, spool)
        drop = self._drop()
        spool.drop(ISSUES)
        for table in (*tables.entities, *tables.forms, tables.unassigned):
            if found.outcomes[table.key].status != "SUCCESS":
                continue
            if table is tables.unassigned and not spool.rows(table.key):
                continue
            try:
                self._table(table, drop, spool)
            except ExportBatchError as error:
                if not self.sink.give_up(table):
                    raise
                self.readers.pop(table.key, None)
                found.outcomes[table.key] = Outcome.failure(error)
                if not any(found.outcomes[form.key].status == "SUCCESS" for form in tables.forms):
                    raise  # nothing is left to be put in the place of an earlier export
        if self.sink.own_tables:
            self._own(tables, spool)
        if not self.sink.own_tables or self.sink.cuts:
            self._list(spool, [])
            self._issues_file(spool)
        self._retried("flush", self.sink.flush)

    def _table(self, table: Table, drop: Callable[[Sequence[Cells]], list[bool]] | None, spool: Spool) -> None:
        """Write one table. Raises ExportBatchError where that cannot be done."""
        number = -1
        try:
            reader = self.sink.reader(table, drop if table.is_form else None)
            self.readers[table.key] = reader
            for number, lines in enumerate(spool.batches(table.key, self.sink.batch_rows, self.sink.batch_bytes)):
                batch, issues = reader.batch(number, lines)
                self._give(batch)
                self._list(spool, issues)
            if number < 0:
                self._give(reader.batch(0, [])[0])
            self._retried(table.key, lambda: self.sink.end_table(table))
        except (ImednetError, OSError, MemoryError):
            raise
        except Exception as error:
            if raised_from_outside(error) is not None:
                raise
            what = f"its rows could not be made into columns ({type(error).__name__}). Next: report this"
            raise ExportBatchError(f"{table.key}/{max(number, 0)}", what) from error

    def _give(self, batch: Batch) -> None:
        self._retried(batch.id, lambda: self.sink.write_batch(batch))

    def _retried(self, batch_id: str, work: Callable[[], None]) -> None:
        retried(self.sink, batch_id, work, self.options.max_retries, self.options.backoff)

    def _list(self, spool: Spool, issues: Sequence[Issue]) -> None:
        """Spool issues: there may be many."""
        found = [*issues, *self.sink.losses]
        self.sink.losses.clear()
        self.issues += len(found)
        spool.append(ISSUES, [_issue_line(issue) for issue in found])

    def _own(self, tables: StudyTables, spool: Spool) -> None:
        """The dictionary of columns, and the issues."""
        dictionary = own_table(DICTIONARY, _DICTIONARY_COLUMNS, ("table", "column"), self.sink.shape)
        self._give(own_batch(dictionary, 0, _dictionary_rows(tables)))
        self.sink.end_table(dictionary)
        self._list(spool, [])
        table = own_table(ISSUES, ISSUE_COLUMNS, (), self.sink.shape)
        number = -1
        for number, rows in enumerate(self._issue_rows(spool)):
            self._give(own_batch(table, number, rows))
        if number < 0:
            self._give(own_batch(table, 0, []))
        self.sink.end_table(table)

    def _issue_rows(self, spool: Spool) -> Iterator[list[Sequence[Any]]]:
        for lines in spool.batches(ISSUES, self.sink.batch_rows, self.sink.batch_bytes):
            yield [json.loads(line) for line in lines]

    def _issues_file(self, spool: Spool) -> None:
        """Where the target takes no table of issues, a file beside the manifest has them."""
        if not self.issues:
            return
        self.home.staging.mkdir(parents=True, exist_ok=True)
        with (self.home.staging / ISSUES_FILE).open("w", encoding="utf-8") as file:
            for rows in self._issue_rows(spool):
                for row in rows:
                    file.write(json.dumps(dict(zip(ISSUE_COLUMNS, row, strict=True)), ensure_ascii=False) + "\n")

    def _drop(self) -> Callable[[Sequence[Cells]], list[bool]] | None:
        """Which rows are left out because they are deleted, or because they are not."""
        if self.options.deleted == "keep":
            return None
        gone = {row.subject_id for row in self.sdk.subjects.list(self.study, deleted=True)}
        only = self.options.deleted == "only"
        deleted, subject = CONTEXT.index("deleted"), CONTEXT.index("subjectId")

        def drop(fields: Sequence[Cells]) -> list[bool]:
            pairs = zip(fields[deleted], fields[subject], strict=True)
            return [(is_true(flag) or number in gone) != only for flag, number in pairs]

        return drop

    # ---- the manifest

    def _conclude(
        self,
        tables: StudyTables,
        found: Extraction,
        forms: Rows[Any],
        variables: Rows[Any],
    ) -> ExportReport:
        states = self._states(tables, found)
        failed = set(found.failed)
        outputs = self.sink.outputs
        earlier_files = {
            entry["form"]: entry for entry in file_entries(self.earlier) if isinstance(entry.get("form"), str)
        }
        staged = list(self.sink.staged)
        if (not self.sink.own_tables or self.sink.cuts) and self.issues:
            staged.append(ISSUES_FILE)
            outputs["_issues.jsonl"] = {"file": ISSUES_FILE}
        files = [self._file(key, facts) for key, facts in outputs.items()]
        same = self._same() and self._same_format()
        taken = {entry["file"] for entry in files if entry.get("file")}
        here = self._same_format() and self.earlier.get("study") == self.study
        kept = [
            {**entry, "stale": True}
            for key, entry in earlier_files.items()
            if (same and key in failed and entry.get("file") and entry["file"] not in taken)
            or (here and key not in outputs and (entry.get("table") or entry.get("tables")))
        ]
        times = [proof for proof in (forms.proof, *found.proofs.values()) if proof.server_to]
        manifest: dict[str, Any] = {
            "study": self.study,
            "run": log.count(self.home.path) + 1,
            "format": self.sink.kind,
            "status": "incomplete" if failed else "complete",
            **({"sandbox": True} if self.sandbox else {}),
            "package": {"distribution": distribution(), "version": version()},
            "specVersion": SPEC_VERSION,
            "serverTime": {"from": forms.proof.server_from, "to": times[-1].server_to if times else None},
            "options": self._facts(),
            "narrowed": limits(self.options),
            "endpoints": {
                "forms": proof_facts(forms.proof),
                "variables": proof_facts(variables.proof),
                **{name: proof_facts(proof) for name, proof in found.proofs.items()},
            },
            "blindedVariablesLeftOut": tables.blinded,
            "leftOut": found.left_out,
            "issues": self.issues,
            "forms": states,
            "files": [*files, *kept],
            "columns": tables.mapping,
        }
        self.home.place(staged, manifest, {str(entry["file"]) for entry in kept if entry.get("file")})
        self._log(manifest, found)
        report = ExportReport(
            study_key=self.study,
            folder=self.home.path,
            forms=[exported(state, {entry["form"]: entry for entry in manifest["files"]}) for state in states],
            proof=found.proof,
            blinded=tables.blinded,
            issues=self.issues,
            left_out=found.left_out,
            resumed=found.resumed,
            manifest=manifest,
        )
        if failed:
            raise ExportIncompleteError(what_failed(report), report=report)
        return report

    def _states(self, tables: StudyTables, found: Extraction) -> list[dict[str, Any]]:
        """Every table with how it went; that of unlisted forms only where there are such records."""
        return [
            state_of(table, found.outcomes[table.key])
            for table in tables.data
            if table is not tables.unassigned or found.outcomes[table.key].rows or table.key in found.failed
        ]

    def _file(self, key: str, facts: dict[str, Any]) -> dict[str, Any]:
        reader = self.readers.get(key)
        entry: dict[str, Any] = {"form": key, "formId": reader.table.form_id if reader else None, **facts}
        if facts.get("file"):
            entry["sha256"] = sha256(self.home.staging / facts["file"])
        if reader is not None:
            entry["rows"] = reader.rows
            entry["undeclaredAnswers"] = dict(sorted(reader.undeclared.items()))
            entry["caseVariants"] = dict(sorted(reader.case_variants.items()))
        return entry

    def _log(self, manifest: dict[str, Any], found: Extraction) -> None:
        log.append(
            self.home.path,
            {
                "study": self.study,
                "format": self.sink.kind,
                "status": manifest["status"],
                "options": manifest["options"],
                **({"unblinded": self.options.unblind} if self.options.unblind else {}),
                "rows": {state["form"]: state["rows"] for state in manifest["forms"]},
                "issues": self.issues,
                "resumedRows": found.resumed,
                "reads": manifest["endpoints"],
                "manifestSha256": sha256(self.home.path / MANIFEST),
            },
        )


def _issue_line(issue: Issue) -> bytes:
    number = issue.record_id if isinstance(issue.record_id, int) else None
    texts = [text if text is None else whole(text) for text in (issue.form, issue.variable, issue.value, issue.reason)]
    return json.dumps([texts[0], number, *texts[1:]]).encode()


def _dictionary_rows(tables: StudyTables) -> list[Sequence[Any]]:
    return [
        (
            table.key, column.name, place, column.source, column.variable_id, column.variable_type, str(column.kind),
            column.label, column.blinded,
        )
        for table in tables.data
        for place, column in enumerate(table.columns, 1)
    ]  # fmt: skip
