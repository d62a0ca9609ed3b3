"""A probe from the first request to the report."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from imednet_api.api import operation

from .._version import version
from ..resources import RESOURCES
from ..sdk import ImednetSDK
from ..utils.days import written_day
from . import measures, spelling, strictness
from .asking import Asker, BudgetSpent, Heard
from .report import Finding, ProbeReport, unknown

MOST_REQUESTS: Final = 60
REQUESTS_PER_SECOND: Final = 2.0

_PAGE: Final = "100"


def probe(
    sdk: ImednetSDK,
    study_key: str,
    *,
    most_requests: int = MOST_REQUESTS,
    requests_per_second: float | None = REQUESTS_PER_SECOND,
) -> ProbeReport:
    """Find out how a server answers. It only reads, and takes about half a minute.

    Args:
        sdk: its keys and address are used.
        study_key: a study that the keys may read; the more lists have rows, the more can be told.
        most_requests: when so many were sent, the questions that are left stay open.
        requests_per_second: the pace; `None` for as fast as answers come.

    Raises:
        ApiError: the keys or the study are refused.
        RequestError: the server cannot be reached.

    >>> from imednet.sandbox import Sandbox
    >>> with Sandbox(switches={"roleDates": "string"}) as box, ImednetSDK(**box.credentials) as sdk:
    ...     report = probe(sdk, "TIDEWATER-201", requests_per_second=None)
    ...     report.dialect["roleDates"].answer, report.requests <= 60
    ('string', True)
    """
    ask = Asker(sdk, study_key, most_requests, requests_per_second)
    try:
        return _asked(ask)
    finally:
        ask.close()


def _asked(ask: Asker) -> ProbeReport:
    ask.begin()  # keys and study, before anything else: their errors say what to do
    dialect: dict[str, Finding] = {}
    measured: dict[str, Finding] = {}
    pages: dict[str, list[dict[str, object]]] = {}
    spent = unknown("the requests that were allowed had been sent, or the server wanted no more of them")
    try:
        for resource in RESOURCES.values():
            if resource.listed and (heard := _first_page(ask, resource.name)).ok:
                pages[resource.name] = heard.rows
    except BudgetSpent:
        pass
    dialect |= {name: _settled(partial(settle, pages)) for name, settle in spelling.QUESTIONS.items()}
    scene = strictness.scene_of(ask, pages)
    for table, questions in ((dialect, strictness.QUESTIONS), (measured, measures.ASKED)):
        for name, question in questions.items():
            try:
                table[name] = _settled(partial(question, scene))
            except BudgetSpent:
                table[name] = spent
    for name, note in measures.notes(ask, pages).items():
        measured[name] = _settled(note)
    days = [str(day) for heard in ask.all if heard.timestamp and (day := written_day(heard.timestamp))]
    return ProbeReport(days[0] if days else None, version(), ask.sent, dialect, measured, strictness.UNASKED)


def _settled(question: Callable[[], Finding]) -> Finding:
    """The answer to a question; an answer of the server that it cannot make sense of leaves it open."""
    try:
        return question()
    except BudgetSpent:
        raise
    except Exception as error:  # noqa: BLE001  (a server may answer anything, and one odd answer must not end all)
        return unknown(f"the server's answer was not understood ({type(error).__name__})")


def _first_page(ask: Asker, name: str) -> Heard:
    resource = RESOURCES[name]
    more = [("includeInactive", "true")] if "include_inactive" in resource.wide else []
    if name == "studies":
        return ask.path("/api/v1/edc/studies", ("size", _PAGE))
    return ask.list(operation(f"list_{name}").path.rpartition("/")[2], ("size", _PAGE), *more)
