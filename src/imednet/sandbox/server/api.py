"""`Api`: answers requests without a socket. Checks headers and keys, routes, and delegates lists, writes and jobs.

The socket is in `server`, faults in `faults`, the shapes of errors in `messages`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import unquote

from ..invent.design import STUDY, TWIN, Row
from ..invent.record_life import CLOCK_SECONDS, written
from ..study.study import FIELDS, Study, empty_studies, study_rows
from ..study.tables import KEYS, FixedRows, Table
from .calendar import advance
from .item_rules import read_items
from .jobs import Jobs
from .lists import Lists
from .manifest import manifest_of
from .messages import Answer, Problem, Request, encoded, invalid, not_found, problem_answer
from .switches import Switches
from .writes import store

PREFIX = "/api/v1/edc/"
PARAMETERS = ("page", "size", "sort", "filter")
OWN_PARAMETERS = {"records": ("recordDataFilter",), "users": ("includeInactive",)}
"""List -> the parameters that only this list has."""


class Api:
    """The API over a set of studies. Its clock moves only with writes and `advance`."""

    def __init__(
        self,
        studies: dict[str, Study],
        keys: list[dict[str, str]],
        switches: Switches | None = None,
        job_clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.studies = studies
        self.switches = switches if switches is not None else Switches()
        self.seconds = CLOCK_SECONDS
        self._write_lock = threading.RLock()
        self.lists = Lists(self.switches, self._write_lock)
        self.jobs = Jobs(self.switches, job_clock)
        self._visibility = {(pair["apiKey"], pair["securityKey"]): pair["sees"] for pair in keys}
        self._list_studies()

    @property
    def clock(self) -> str:
        """The server's time, as it appears in answers."""
        return written(self.seconds)

    def turn(self, chosen: dict[str, object]) -> None:
        """Set switches while the server runs.

        Raises:
            ValueError: for a switch or value that does not exist; none is set then.
        """
        with self._write_lock:
            self.switches.set(chosen)
            if "manyStudies" in chosen:
                more_studies = empty_studies(self.studies[STUDY].seed)
                for key in more_studies:
                    self.studies.pop(key, None)
                if self.switches.on("manyStudies"):
                    self.studies.update(more_studies)
                self._list_studies()
            self.lists.forget()

    def _list_studies(self) -> None:
        self._study_table = Table("studies", FixedRows(study_rows(self.studies)), FIELDS["studies"])

    def advance(self, days: int) -> Row:
        """Let days pass in the main study; returns how many records are new, changed and deleted."""
        with self._write_lock:
            return advance(self, self.studies[STUDY], days)

    def manifest(self, *, ledger: bool = True) -> Row:
        """Counts and hashes of everything served, taken while writes wait."""
        with self._write_lock:
            return manifest_of(self.studies, self.clock, ledger=ledger)

    def answer(self, request: Request) -> Answer:
        """Answer a request; failures are answered in the vendor's error envelope."""
        try:
            self._check_headers(request)
            unblinded = self._check_keys(request)
            self._settle_jobs()
            return self._dispatch(request, unblinded)
        except Problem as problem:
            return problem_answer(problem, request.path, self.clock, self.switches["errorBody"])

    # ---- checks

    def _check_keys(self, request: Request) -> bool:
        pair = (request.headers.get("x-api-key", ""), request.headers.get("x-imn-security-key", ""))
        if pair not in self._visibility:
            raise Problem(HTTPStatus.UNAUTHORIZED, "9001", "Insufficient permission to retrieve data")
        return self._visibility[pair] == "all"

    def _check_headers(self, request: Request) -> None:
        """Check `Content-Type` and `Accept`; the documentation wants a content type even without a body."""
        for name, switch in (("Content-Type", "missingContentType"), ("Accept", "missingAccept")):
            given = request.headers.get(name.lower(), "")
            is_json = given.partition(";")[0].strip().lower() == "application/json"
            if not is_json and self.switches[switch] == "refused":
                raise invalid(name, given)

    # ---- routes

    def _dispatch(self, request: Request, unblinded: bool) -> Answer:
        path = request.path
        if not path.startswith(PREFIX):
            raise not_found()
        parts = [unquote(part) for part in path[len(PREFIX) :].split("/")]
        if parts[0] != "studies" or len(parts) > 4:
            raise not_found()
        if len(parts) == 1:
            return self._list(request, self._study_table, None, unblinded)
        study = self._study(parts[1])
        if len(parts) == 2:
            self._require_method(request, "GET")
            raise Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "9000", "Unknown error")
        if len(parts) == 4:
            if parts[2] != "jobs":
                raise not_found()
            self._require_method(request, "GET")
            return Answer(200, encoded(self.jobs.show(study.key, parts[3])))
        name = parts[2]
        if name not in KEYS or name == "studies" or (name == "codings" and self.switches["codingsPage"] == "404"):
            raise not_found()
        if request.method == "POST" and name == "records":
            return self._post(request, study)
        return self._list(request, study.table(name), study, unblinded)

    def _check_parameters(self, name: str, query: dict[str, list[str]]) -> None:
        """Refuse or drop parameters that a list does not have, and filters on users."""
        for parameter in list(query):
            if parameter in PARAMETERS or parameter in OWN_PARAMETERS.get(name, ()):
                if not (name == "users" and parameter == "filter"):
                    continue
                switch, reason = "usersFilter", "The list has no filter"
            else:
                switch, reason = "unknownParameter", "Unknown parameter"
            if self.switches[switch] == "refused":
                raise invalid(parameter or "query", query[parameter][0], reason)
            del query[parameter]

    def _study(self, key: str) -> Study:
        study = self.studies.get(key)
        if study is not None:
            return study
        if self.switches["wrongStudyKey"] == "404":
            raise not_found()
        raise Problem(HTTPStatus.FORBIDDEN, "9001", "Insufficient permission to retrieve data", "studyKey", key)

    @staticmethod
    def _require_method(request: Request, *methods: str) -> None:
        if request.method not in methods:
            description = f"Request method {request.method} is not supported"
            raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, "1000", description, headers={"Allow": ", ".join(methods)})

    def _list(self, request: Request, table: Table, study: Study | None, unblinded: bool) -> Answer:
        self._require_method(request, *(("GET", "POST") if table.name == "records" else ("GET",)))
        query: dict[str, list[str]] = {}
        for key, value in request.query:
            query.setdefault(key, []).append(value)
        self._check_parameters(table.name, query)
        body = self.lists.page(request.path, request.target, table, study, query, unblinded, self.clock)
        return Answer(200, body, page=body)

    def pack(self, request: Request, answer: Answer) -> Answer:
        """Compress a page if the caller accepts gzip and no fault has changed the page."""
        accepted = _accepts_gzip(request.headers.get("accept-encoding", ""))
        if accepted and answer.page is answer.body and answer.page is not None and self.switches["gzip"] == "offered":
            answer.body = self.lists.zipped(answer.page)
            answer.headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return answer

    # ---- writing

    def _post(self, request: Request, study: Study) -> Answer:
        if study.key != TWIN and not self.switches.on("postToMainStudy"):
            raise Problem(HTTPStatus.FORBIDDEN, "9001", "Insufficient permission to write data", "studyKey", study.key)
        with self._write_lock:
            items = read_items(request.body, study, self.switches)
            self.seconds += 1
            job = self.jobs.take(study, items, self.clock, request.headers.get("x-email-notify", ""))
            self._settle_jobs()
        return Answer(int(self.switches["postStatus"]), encoded(self.jobs.receipt(job)))

    def _settle_jobs(self) -> None:
        """Store the items of jobs that have ended since the last request."""
        if not self.jobs.any_ended():
            return  # without the lock, so that a cached page does not wait for a writer
        with self._write_lock:
            for job in self.jobs.ended():
                for item in job.to_store(self.switches["jobOutcome"]):
                    store(job.study, item, self.clock)


def _accepts_gzip(header: str) -> bool:
    codings = [[part.strip() for part in coding.split(";")] for coding in header.lower().split(",")]
    return any(
        name == "gzip" and not any(part.replace(" ", "") in REFUSALS for part in parts) for name, *parts in codings
    )


REFUSALS = ("q=0", "q=0.0", "q=0.00", "q=0.000")
