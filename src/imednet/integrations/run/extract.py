"""Pages of bytes -> a spool of lines by form, and for each form whether it is whole.

One pass over all records of the study is the cheapest proof; then each form's own count is compared. Where the pass
fails, or a form's count does not agree, forms are read alone by their key, so that one that fails stops no other.
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
from ...sdk import ImednetSDK
from ..tables.layout import StudyTables, Table
from ..tables.options import ENTITIES, ExportOptions
from .outcomes import Extraction, Outcome
from .spool import Spool

Progress = Callable[[int, int], None]
"""Called with records read so far, and records the server has."""

_log = logging.getLogger("imednet")
_FIELDS: Final = ("formId", "formKey", "recordId")
_MOST: Final = 200
"""So many records that a form's own read lacks are looked for one by one; where more are lacking the form fails."""
_TRIES: Final = 3


class Extractor:
    """Reads the tables of one study into a spool.

    What an earlier run left in the spool is taken over: tables it had read, and the place where its pass was cut off.

    Args:
        progress: called as records come in.
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
        self._read_now = 0
        self.found = Extraction({table.key: Outcome() for table in tables.data})

    def run(self) -> Extraction:
        """Read everything.

        Raises ImednetError where nothing at all could be read, or where no further request makes sense.
        """
        self._go_on()
        forms, notes = list(self.tables.forms), self.spool.notes
        if self.options.forms is not None:
            self.found.outcomes[self.tables.unassigned.key] = Outcome("SUCCESS", 0)
            self._one_by_one(forms)
        elif "proof" in notes:
            self._one_by_one(forms)
        elif notes.get("alone"):
            self._one_by_one(forms)
            self._unlisted()
        else:
            try:
                self._pass()
            except ImednetError as error:
                if self._concerns_all(error):
                    raise
                _log.warning("%s: the pass over all records failed, forms are read one by one: %s", self.study, error)
                for table in self.tables.data:
                    self.spool.drop(table.key)
                self.spool.note(alone=True, token=None)
                self._one_by_one(forms, error)
                self._unlisted()
        for table in self.tables.entities:
            if self.found.outcomes[table.key].status != "SUCCESS":
                self._entity(table)
        return self.found

    def _go_on(self) -> None:
        """Take over what an earlier run had finished."""
        for key, facts in self.spool.notes.get("outcomes", {}).items():
            if facts["status"] == "SUCCESS" and key in self.found.outcomes:
                self.found.outcomes[key] = Outcome(**facts)
                self.found.resumed += self.spool.rows(key)
        if "proof" in self.spool.notes:
            facts = self.spool.notes["proof"]
            self.found.proof = Proof(**{**facts, "undeclared": (), "filtered_here": ()})
            self.found.left_out = self.spool.notes["left_out"]

    def _concerns_all(self, error: ImednetError) -> bool:
        """Whether a failure says that nothing more can be read: refused keys, or a server that is gone."""
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
        outcomes = {key: asdict(one) for key, one in self.found.outcomes.items()}
        self.spool.note(outcomes=outcomes, **notes)

    # ---- one pass over all records

    def _pass(self) -> None:
        by_id = {table.form_id: table.key for table in self.tables.forms if table.form_id is not None}
        by_key = {table.form_key: table.key for table in self.tables.forms if table.form_key is not None}
        out_by_id = {number: key for key, number in self.tables.left_out.items() if number is not None}
        other = self.tables.unassigned.key
        token, before = self.spool.notes.get("token"), dict(self.spool.notes.get("left_out") or {})
        left_out: dict[str, int] = before if token else {}
        pages = self._pages(token)
        read = sum(self.spool.rows(table.key) for table in self.tables.data) if token else 0
        self.found.resumed += read
        read += sum(left_out.values())
        for page in pages:
            lines: dict[str, list[Any]] = {}
            for line, form_id, form_key, number in page.rows:
                key = by_id.get(_plain(form_id)) or by_key.get(_plain(form_key))
                if key is None:
                    out = out_by_id.get(_plain(form_id)) or (form_key if form_key in self.tables.left_out else None)
                    if out is not None:
                        left_out[out] = left_out.get(out, 0) + 1
                        continue
                    key = other
                lines.setdefault(key, []).append(line)
                if number is None:
                    raise IncompleteReadError("records: a row has no identity")
            for key, found in lines.items():
                self.spool.append(key, found)
            read += len(page.rows)
            if "since" not in self.spool.notes:
                self.spool.note(since=page.server_time, total=page.total)
            self.spool.note(token=page.token, left_out=left_out)
            if self.progress is not None:
                self.progress(read, max(read, page.total))
        proof = pages.proof
        assert proof is not None
        if token:
            proof = self._joined(proof, read)
        spooled = sum(self.spool.rows(table.key) for table in (*self.tables.forms, self.tables.unassigned))
        if spooled + sum(left_out.values()) != proof.rows:
            raise IncompleteReadError("the rows of all forms do not sum up to the rows read; nothing was written")
        self.found.proof, self.found.left_out = proof, left_out
        self.found.proofs["records"] = proof
        self._compare(proof)
        self.found.outcomes[other] = Outcome.success(self.spool.rows(other), proof)
        self._note(proof=asdict(proof), left_out=left_out)

    def _pages(self, token: str | None) -> RowPages[tuple[Any, ...]]:
        return self.sdk.records.line_pages(
            self.study, fields=_FIELDS, resume=token, consistency=self.options.consistency
        )

    def _joined(self, proof: Proof, read: int) -> Proof:
        """The proof of a pass that was gone on with: what came before had been handed on whole."""
        return replace(proof, total=self.spool.notes["total"], rows=read)

    def _compare(self, proof: Proof) -> None:
        """Each form's own count must agree with the rows of the pass; the largest follows from the total."""
        forms = sorted(self.tables.forms, key=lambda table: self.spool.rows(table.key))
        if proof.quiet:  # a form of which a proven pass has no row has none
            for table in [table for table in forms if not self.spool.rows(table.key)]:
                self.found.outcomes[table.key] = Outcome.success(0, proof)
                forms.remove(table)
        agreed = True
        counts = self._counts(forms[:-1])
        for place, table in enumerate(forms):
            if place == len(forms) - 1:
                if agreed and proof.quiet and len(forms) > 1:
                    self.found.outcomes[table.key] = Outcome.success(self.spool.rows(table.key), proof)
                    continue
                counts += self._counts([table])
            count = counts[place]
            if isinstance(count, BadRequestError):
                _log.warning("%s: the server refused to count form %s; its pass alone is proven", self.study, table.key)
                count = self.spool.rows(table.key)
            elif isinstance(count, ImednetError):
                if self._concerns_all(count):
                    raise count
                self.found.outcomes[table.key] = Outcome.failure(count)
                agreed = False
                continue
            if count != self.spool.rows(table.key) and table.form_id is not None and table.form_key is not None:
                count = self.sdk.records.count(self.study, form_id=table.form_id)
            if count == self.spool.rows(table.key):
                self.found.outcomes[table.key] = Outcome.success(count, proof)
                continue
            agreed = False
            self._form_again(table)

    def _form_again(self, table: Table) -> None:
        """Read a form alone whose count is not that of the pass: people work on the study, or its filter is unsound.

        Rows of the pass that the form's own read does not have must be gone.
        """
        before = self._numbers(table.key)
        if self._form(table) is not None:
            return
        lacking = sorted(before - self._numbers(table.key))
        problem = (
            f"lacks {len(lacking)} records of the pass, more than are looked for" if len(lacking) > _MOST else None
        )
        for at in range(0, 0 if problem else len(lacking), MOST_PARTS):
            rows = self.sdk.records.list(self.study, record_id=lacking[at : at + MOST_PARTS])
            for row in rows:
                if _plain(row.form_id) == table.form_id or row.form_key == table.form_key:
                    problem = f"does not find record {row.record_id}, which is in the study"
        if problem is not None:
            error = IncompleteReadError(
                f"form {table.key}: the filter of the form {problem}. Next: run the export again; if it stays so, ask "
                "the vendor"
            )
            self.found.outcomes[table.key] = Outcome.failure(error)
            self.spool.note(unfound=True)  # nothing of this run can be gone on with: rows of the pass are gone

    def _numbers(self, key: str) -> set[int]:
        """The numbers of the spooled records of a table."""
        found: set[int] = set()
        for lines in self.spool.batches(key, 10_000, 2**24):
            found.update(decode(line)["recordId"] for line in lines)
        return found

    def _counts(self, tables: list[Table]) -> list[int | ImednetError]:
        """How many records each form has, asked for side by side, or the error that came instead."""

        def count(table: Table) -> int | ImednetError:
            try:
                return self.sdk.records.count(self.study, **_filter(table))
            except ImednetError as error:
                return error

        with ThreadPoolExecutor(self.sdk._client.max_in_flight, "imednet-count") as pool:
            return list(pool.map(count, tables))

    # ---- one form after another

    def _one_by_one(self, tables: list[Table], reason: ImednetError | None = None) -> None:
        """Read forms alone; nothing of one is lost where another one fails. Raises where not one could be read."""
        fatal: ImednetError | None = None
        for table in tables:
            if self.found.outcomes[table.key].status == "SUCCESS":
                continue
            if fatal is None:
                try:
                    reason = self._form(table) or reason
                except ImednetError as error:
                    fatal = error
            if fatal is not None:
                self.found.outcomes[table.key] = Outcome.failure(fatal)
            self._note()
        if (
            tables
            and not self.options.entities
            and all(self.found.outcomes[table.key].status == "FAILED" for table in tables)
        ):
            raise fatal or reason or IncompleteReadError("no form could be read. Next: run the export again")

    def _form(self, table: Table) -> ImednetError | None:
        """Read one form alone into the spool; what went wrong, where that says nothing about other forms."""
        self.spool.drop(table.key)
        try:
            pages = self.sdk.records.line_pages(self.study, consistency=self.options.consistency, **_filter(table))
            for page in pages:
                self.spool.append(table.key, [line for (line,) in page.rows])
                if self.progress is not None:
                    self.progress(self.spool.rows(table.key), max(self.spool.rows(table.key), page.total))
        except ImednetError as error:
            self.spool.drop(table.key)
            if self._concerns_all(error):
                raise
            self.found.outcomes[table.key] = Outcome.failure(error)
            return error
        assert pages.proof is not None
        if pages.proof.rows != self.spool.rows(table.key):
            raise IncompleteReadError(f"form {table.key}: the rows do not sum up to the rows read")
        self.found.proofs[f"records of {table.key}"] = pages.proof
        self.found.outcomes[table.key] = Outcome.success(self.spool.rows(table.key), pages.proof)
        self._read_now += self.spool.rows(table.key)
        return None

    def _unlisted(self) -> None:
        """After forms were read alone: whether the study has records of forms that it does not list."""
        key = self.tables.unassigned.key
        before = self.spool.notes.get("missing")
        if before is not None and not self.found.failed and before == self._read_now:
            self.found.outcomes[key] = Outcome("SUCCESS", 0, "unproven", "counts")
            return
        try:
            total = self.sdk.records.count(self.study)
            for name, number in self.tables.left_out.items():
                form: dict[str, Any] = {"form_key": name} if number is None else {"form_id": number}
                self.found.left_out[name] = self.sdk.records.count(self.study, **form)
        except ImednetError as error:
            self.found.outcomes[key] = Outcome.failure(error)
            return
        known = sum(self.spool.rows(table.key) for table in self.tables.forms) + sum(self.found.left_out.values())
        self.found.missing = total - known
        if self.found.missing and not self.found.failed and self._forms_add_up():
            self.found.missing = 0
        self.spool.note(missing=self.found.missing)
        if self.found.missing == 0 or self.found.failed:  # what is missing is looked at again once all forms are there
            self.found.outcomes[key] = Outcome("SUCCESS", 0, "unproven", "counts")
        else:
            self.found.outcomes[key] = Outcome.failure(
                IncompleteReadError(f"{self.found.missing} records belong to no form that was read")
            )

    def _forms_add_up(self) -> bool:
        """Whether the counts of all forms are together the count of the study: no record is of another form then."""
        for _ in range(_TRIES):
            counts = self._counts(list(self.tables.forms))
            stand = self.sdk.records.count(self.study) - sum(self.found.left_out.values())
            if all(isinstance(count, int) for count in counts) and stand == sum(map(int, counts)):  # type: ignore[arg-type]
                return True
        return False

    # ---- other lists

    def _entity(self, table: Table) -> None:
        endpoint = getattr(self.sdk, ENTITIES[table.key[1:]])
        wide = {"include_inactive": True} if table.key == "_users" else {}
        self.spool.drop(table.key)
        try:
            pages = endpoint.line_pages(self.study, consistency=self.options.consistency, **wide)
            for page in pages:
                self.spool.append(table.key, [line for (line,) in page.rows])
        except NotFoundError as error:
            self.found.outcomes[table.key] = replace(Outcome.failure(error), status="ABSENT")
        except ImednetError as error:
            self.spool.drop(table.key)
            self.found.outcomes[table.key] = Outcome.failure(error)
        else:
            self.found.proofs[table.key[1:]] = pages.proof
            self.found.outcomes[table.key] = Outcome.success(self.spool.rows(table.key), pages.proof)
        self._note()


def _filter(table: Table) -> dict[str, Any]:
    """What asks the server for the records of one form."""
    return {"form_id": table.form_id} if table.form_key is None else {"form_key": table.form_key}


def _plain(value: Any) -> Any:
    """A value that can be looked up; a list or object names no form."""
    return None if isinstance(value, (list, dict)) else value


def unchanged(sdk: ImednetSDK, study_key: str, spool: Spool) -> bool:
    """Whether the study is as it was when an earlier run began: as many records, and none changed since.

    Two small requests. What cannot be told counts as a change.
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
