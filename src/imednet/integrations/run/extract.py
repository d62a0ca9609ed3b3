"""Reading of a study's tables into the spool, with an outcome for each: complete, failed or absent.

One pass over all records is the cheapest read that can be proven complete; afterwards the server's count of each form
is compared. If the pass fails, forms are read one by one, and so is a form whose count does not agree, so that one
failure does not stop the others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import Any, Final

from imednet_api.types import decode

from ...core.filtering.split import MOST_PARTS
from ...core.reading.proof import Proof
from ...endpoints.rows import RowPages
from ...errors import (
    AuthenticationError,
    AuthorizationError,
    BadRequestError,
    ClientError,
    ImednetError,
    IncompleteReadError,
    NotFoundError,
    PaginationError,
)
from ...resources import RESOURCES
from ...sdk import ImednetSDK
from ..tables.blinded_terms import without_blinded_terms
from ..tables.form_assignment import FormAssignment
from ..tables.layout import StudyTables, Table
from ..tables.options import ExportOptions
from .outcomes import Extraction, Outcome
from .spool import Spool

Progress = Callable[[int, int], None]
"""Called with records read so far, and records the server has."""


class Cancelled(BaseException):
    """Raised by a `Progress` to end a run as an interrupt does, so that the next run continues it."""


_log = logging.getLogger("imednet")
_FIELDS: Final = ("formId", "formKey", "recordId")
_MOST_LOOKED_FOR: Final = 200
"""Most records missing from a form's own read that are looked up by id; if more are missing, the form fails."""
_COUNT_ATTEMPTS: Final = 3


class Extractor:
    """Reader of one study's tables into a spool.

    It continues from the spool of an earlier run: tables already read are kept, and an interrupted pass goes on from
    its last page.

    Args:
        progress: called with the records read so far and the records the server has.
    """

    def __init__(
        self,
        sdk: ImednetSDK,
        tables: StudyTables,
        spool: Spool,
        options: ExportOptions,
        progress: Progress | None = None,
    ) -> None:
        self.sdk = sdk
        self.tables = tables
        self.spool = spool
        self.options = options
        self.progress = progress
        self.study = tables.study_key
        self._rows_read = 0
        self.result = Extraction({table.key: Outcome() for table in tables.data})

    def run(self) -> Extraction:
        """Read all tables.

        Raises ImednetError if nothing could be read, or if no further request makes sense.
        """
        self._take_over()
        forms, notes = list(self.tables.forms), self.spool.notes
        if self.options.forms is not None:
            self.result.outcomes[self.tables.unassigned.key] = Outcome("SUCCESS", 0)
            self._read_forms(forms)
        elif "proof" in notes:
            self._read_forms(forms)
        elif notes.get("alone"):
            self._read_forms(forms)
            self._check_unlisted()
        else:
            try:
                self._read_all_records()
            except ImednetError as error:
                if self._is_fatal(error):
                    raise
                _log.warning("%s: the pass over all records failed, forms are read one by one: %s", self.study, error)
                for table in self.tables.data:
                    self.spool.drop(table.key)
                self.spool.note(alone=True, token=None)
                self._read_forms(forms, error)
                self._check_unlisted()
        for table in self.tables.entities:
            if self.result.outcomes[table.key].status != "SUCCESS":
                self._read_list(table)
        return self.result

    def _take_over(self) -> None:
        """Take over the tables that an earlier run had finished."""
        for key, facts in self.spool.notes.get("outcomes", {}).items():
            if facts["status"] == "SUCCESS" and key in self.result.outcomes:
                self.result.outcomes[key] = Outcome(**facts)
                self.result.resumed += self.spool.rows(key)
        if "proof" in self.spool.notes:
            facts = self.spool.notes["proof"]
            self.result.proof = Proof(**{**facts, "undeclared": (), "filtered_here": ()})
            self.result.left_out = self.spool.notes["left_out"]

    def _is_fatal(self, error: ImednetError) -> bool:
        """Whether an error means that nothing more can be read, such as refused keys or an unreachable server."""
        strict = self.options.consistency == "strict" and isinstance(error, IncompleteReadError)
        if strict or isinstance(error, (AuthenticationError, AuthorizationError)):
            return True
        if isinstance(error, ClientError) and not isinstance(error, PaginationError):
            return True
        try:  # one small request tells whether the server answers at all
            self.sdk.records.count(self.study)
        except ImednetError:
            return True
        return False

    def _note(self, **notes: Any) -> None:
        """Record all outcomes so far in the spool's journal, so that a later run can take them over."""
        outcomes = {key: asdict(outcome) for key, outcome in self.result.outcomes.items()}
        self.spool.note(outcomes=outcomes, **notes)

    # ---- one pass over all records

    def _read_all_records(self) -> None:
        """Read all records in one pass, page by page into the spool, then compare the counts of the forms."""
        assignment, unassigned = FormAssignment(self.tables), self.tables.unassigned.key
        token, earlier = self.spool.notes.get("token"), dict(self.spool.notes.get("left_out") or {})
        left_out: dict[str, int] = earlier if token else {}
        pages = self._pages(token)
        read = sum(self.spool.rows(table.key) for table in self.tables.data) if token else 0
        self.result.resumed += read
        read += sum(left_out.values())
        for page in pages:
            lines: dict[str, list[Any]] = {}
            for line, form_id, form_key, record_id in page.rows:
                key = assignment.key(form_id, form_key)
                if key in self.tables.left_out:
                    left_out[key] = left_out.get(key, 0) + 1
                    continue
                lines.setdefault(key, []).append(line)
                if record_id is None:
                    raise IncompleteReadError("records: a row has no recordId")
            for key, table_lines in lines.items():
                self.spool.append(key, table_lines)
            read += len(page.rows)
            if "since" not in self.spool.notes:
                self.spool.note(since=page.server_time, total=page.total)
            self.spool.note(token=page.token, left_out=left_out)
            if self.progress is not None:
                self.progress(read, max(read, page.total))
        proof = pages.proof
        assert proof is not None
        if token:
            proof = self._resumed_proof(proof, read)
        spooled = sum(self.spool.rows(table.key) for table in (*self.tables.forms, self.tables.unassigned))
        if spooled + sum(left_out.values()) != proof.rows:
            raise IncompleteReadError("the rows of all forms do not add up to the rows read; nothing was written")
        self.result.proof, self.result.left_out = proof, left_out
        self.result.proofs["records"] = proof
        self._compare_counts(proof)
        self.result.outcomes[unassigned] = Outcome.success(self.spool.rows(unassigned), proof)
        self._note(proof=asdict(proof), left_out=left_out)

    def _pages(self, token: str | None) -> RowPages[tuple[Any, ...]]:
        return self.sdk.records.line_pages(
            self.study, fields=_FIELDS, resume=token, consistency=self.options.consistency
        )

    def _resumed_proof(self, proof: Proof, read: int) -> Proof:
        """The proof of a resumed pass, which counts the rows an earlier run had spooled."""
        return replace(proof, total=self.spool.notes["total"], rows=read)

    def _compare_counts(self, proof: Proof) -> None:
        """Compare the rows of the pass with the server's count of each form.

        The largest form comes last: if all others agree, its count follows from the total and needs no request.
        """
        forms = sorted(self.tables.forms, key=lambda table: self.spool.rows(table.key))
        if proof.quiet:  # a form without a row in a proven pass has no records
            for table in [table for table in forms if not self.spool.rows(table.key)]:
                self.result.outcomes[table.key] = Outcome.success(0, proof)
                forms.remove(table)
        agreed = True
        counts = self._counts(forms[:-1])
        for index, table in enumerate(forms):
            if index == len(forms) - 1:
                if agreed and proof.quiet and len(forms) > 1:
                    self.result.outcomes[table.key] = Outcome.success(self.spool.rows(table.key), proof)
                    continue
                counts += self._counts([table])
            count = counts[index]
            if isinstance(count, BadRequestError):
                _log.warning(
                    "%s: the server refused to count form %s; its rows are proven by the pass alone",
                    self.study, table.key,
                )  # fmt: skip
                count = self.spool.rows(table.key)
            elif isinstance(count, ImednetError):
                if self._is_fatal(count):
                    raise count
                self.result.outcomes[table.key] = Outcome.failure(count)
                agreed = False
                continue
            if count != self.spool.rows(table.key) and table.form_id is not None and table.form_key is not None:
                count = self.sdk.records.count(self.study, form_id=table.form_id)
            if count == self.spool.rows(table.key):
                self.result.outcomes[table.key] = Outcome.success(count, proof)
                continue
            agreed = False
            self._reread_form(table)

    def _reread_form(self, table: Table) -> None:
        """Read a form whose count differs from the pass: the study is changing, or the server's filter is unreliable.

        A record of the pass that is missing from the form's own read must no longer exist.
        """
        before = self._record_ids(table.key)
        if self._read_form(table) is not None:
            return
        missing = sorted(before - self._record_ids(table.key))
        assignment, problem = FormAssignment(self.tables), None
        if len(missing) > _MOST_LOOKED_FOR:
            problem = f"misses {len(missing)} records of the pass, too many to look up"
        for start in range(0, 0 if problem else len(missing), MOST_PARTS):
            records = self.sdk.records.list(self.study, record_id=missing[start : start + MOST_PARTS])
            for record in records:
                if assignment.key(record.form_id, record.form_key) == table.key:
                    problem = f"does not find record {record.record_id}, which is in the study"
        if problem is not None:
            error = IncompleteReadError(
                f"form {table.key}: the server's filter by form {problem}. Next: run the export again; if that does "
                "not help, ask the vendor"
            )
            self.result.outcomes[table.key] = Outcome.failure(error)
            self.spool.note(unfound=True)  # this run cannot be resumed: rows of its pass were dropped

    def _record_ids(self, key: str) -> set[int]:
        """Ids of the spooled records of a table."""
        record_ids: set[int] = set()
        for lines in self.spool.batches(key, 10_000, 2**24):
            record_ids.update(decode(line)["recordId"] for line in lines)
        return record_ids

    def _counts(self, tables: list[Table]) -> list[int | ImednetError]:
        """The server's record count of each form, or the error it raised; requests run in parallel."""

        def count(table: Table) -> int | ImednetError:
            try:
                return self.sdk.records.count(self.study, **_filter(table))
            except ImednetError as error:
                return error

        with ThreadPoolExecutor(self.sdk._client.max_in_flight, "imednet-count") as pool:
            return list(pool.map(count, tables))

    # ---- one form after another

    def _read_forms(self, tables: list[Table], reason: ImednetError | None = None) -> None:
        """Read forms one by one, each regardless of failures in others. Raises if none could be read."""
        fatal: ImednetError | None = None
        for table in tables:
            if self.result.outcomes[table.key].status == "SUCCESS":
                continue
            if fatal is None:
                try:
                    reason = self._read_form(table) or reason
                except ImednetError as error:
                    fatal = error
            if fatal is not None:
                self.result.outcomes[table.key] = Outcome.failure(fatal)
            self._note()
        if (
            tables
            and not self.options.entities
            and all(self.result.outcomes[table.key].status == "FAILED" for table in tables)
        ):
            raise fatal or reason or IncompleteReadError("no form could be read. Next: run the export again")

    def _read_form(self, table: Table) -> ImednetError | None:
        """Read one form into the spool; return an error that concerns this form only, and raise any other."""
        self.spool.drop(table.key)
        try:
            found = set[Any]()
            proof, of_its_id = self._take_form(table, _filter(table), found)
            if self._count_by_id(table) not in (None, of_its_id):
                more, _ = self._take_form(table, {"form_id": table.form_id}, found)
                proof = proof if more.status == "proven" else more
        except ImednetError as error:
            self.spool.drop(table.key)
            if self._is_fatal(error):
                raise
            self.result.outcomes[table.key] = Outcome.failure(error)
            return error
        self.result.proofs[f"records of {table.key}"] = proof
        self.result.outcomes[table.key] = Outcome.success(self.spool.rows(table.key), proof)
        self._rows_read += self.spool.rows(table.key)
        return None

    def _take_form(self, table: Table, wanted: dict[str, Any], found: set[Any]) -> tuple[Proof, int]:
        """Spool the records of a form that a filter finds.

        Args:
            table: the form's table. Records that a filter finds and that belong to another form by their id are left.
            wanted: the filter.
            found: numbers of the records that are spooled, which grow.

        Returns:
            The proof of the read, and how many of its records have the form's id.
        """
        assignment, of_its_id, read = FormAssignment(self.tables), 0, 0
        pages = self.sdk.records.line_pages(self.study, fields=_FIELDS, consistency=self.options.consistency, **wanted)
        for page in pages:
            lines = []
            for line, form_id, form_key, record_id in page.rows:
                read += 1
                of_its_id += str(form_id) == str(table.form_id)
                if assignment.key(form_id, form_key) == table.key and (record_id is None or record_id not in found):
                    lines.append(line)
                    found.add(record_id)
            self.spool.append(table.key, lines)
            if self.progress is not None:
                self.progress(self.spool.rows(table.key), max(self.spool.rows(table.key), page.total))
        assert pages.proof is not None
        if pages.proof.rows != read:
            raise IncompleteReadError(f"form {table.key}: the rows spooled do not add up to the rows read")
        return pages.proof, of_its_id

    def _count_by_id(self, table: Table) -> int | None:
        """How many records have the id of a form, which may have another key; `None` where that need not be asked."""
        if table.form_key is None or table.form_id is None:
            return None
        try:
            return self.sdk.records.count(self.study, form_id=table.form_id)
        except BadRequestError:
            return None

    def _check_unlisted(self) -> None:
        """After forms were read one by one, check whether the study has records of forms that it does not list."""
        key = self.tables.unassigned.key
        missing_before = self.spool.notes.get("missing")
        if missing_before is not None and not self.result.failed and missing_before == self._rows_read:
            self.result.outcomes[key] = Outcome("SUCCESS", 0, "unproven", "counts")
            return
        try:
            total = self.sdk.records.count(self.study)
            for name, form_id in self.tables.left_out.items():
                form: dict[str, Any] = {"form_key": name} if form_id is None else {"form_id": form_id}
                self.result.left_out[name] = self.sdk.records.count(self.study, **form)
        except ImednetError as error:
            self.result.outcomes[key] = Outcome.failure(error)
            return
        known = sum(self.spool.rows(table.key) for table in self.tables.forms) + sum(self.result.left_out.values())
        self.result.missing = total - known
        if self.result.missing and not self.result.failed and self._forms_add_up():
            self.result.missing = 0
        self.spool.note(missing=self.result.missing)
        if self.result.missing == 0 or self.result.failed:  # checked again once all forms were read
            self.result.outcomes[key] = Outcome("SUCCESS", 0, "unproven", "counts")
        else:
            self.result.outcomes[key] = Outcome.failure(
                IncompleteReadError(f"{self.result.missing} records belong to no form that was read")
            )

    def _forms_add_up(self) -> bool:
        """Whether the counts of all forms add up to the study's count, so that no record is of an unlisted form."""
        for _ in range(_COUNT_ATTEMPTS):
            counts = self._counts(list(self.tables.forms))
            total = self.sdk.records.count(self.study) - sum(self.result.left_out.values())
            answered = [count for count in counts if isinstance(count, int)]
            if len(answered) == len(counts) and total == sum(answered):
                return True
        return False

    # ---- other lists

    def _read_list(self, table: Table) -> None:
        """Read a list other than the records; a server that lacks it gives the outcome `ABSENT`."""
        resource = RESOURCES[table.key[1:]]
        endpoint = getattr(self.sdk, resource.name)
        self.spool.drop(table.key)
        try:
            pages = endpoint.line_pages(self.study, consistency=self.options.consistency, **resource.wide)
            for page in pages:
                lines = [line for (line,) in page.rows]
                if resource.name == "codings" and self.tables.blinded_terms:
                    lines = [without_blinded_terms(line, self.tables.blinded_terms) for line in lines]
                self.spool.append(table.key, lines)
        except NotFoundError as error:
            self.result.outcomes[table.key] = replace(Outcome.failure(error), status="ABSENT")
        except ImednetError as error:
            self.spool.drop(table.key)
            self.result.outcomes[table.key] = Outcome.failure(error)
        else:
            self.result.proofs[table.key[1:]] = pages.proof
            self.result.outcomes[table.key] = Outcome.success(self.spool.rows(table.key), pages.proof)
        self._note()


def _filter(table: Table) -> dict[str, Any]:
    """The filter keyword for the records of one form."""
    return {"form_id": table.form_id} if table.form_key is None else {"form_key": table.form_key}


def unchanged(sdk: ImednetSDK, study_key: str, spool: Spool) -> bool:
    """Whether the study is as it was when an earlier run began: the same number of records, and none changed since.

    Sends two small requests. If the server cannot answer them, the study counts as changed.
    """
    since, total = spool.notes.get("since"), spool.notes.get("total")
    if not since or total is None:
        return False
    try:
        moment = f"{since.strip().replace(' ', 'T')}Z"
        changed = sdk.records.count(study_key, date_modified=(">=", moment))
        return changed == 0 and sdk.records.count(study_key) == total
    except (BadRequestError, AttributeError):
        return False
