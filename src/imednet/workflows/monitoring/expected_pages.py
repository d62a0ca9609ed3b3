"""Pages that should be there: every form of a visit that has taken place or is overdue.

An interval lists its forms. A visit expects them once it is done, or once its window has passed; visits that are
planned, deleted, or due after their subject had left expect nothing (the rules of `workflows.visits`). A page is there
if a record of the form, not deleted, belongs to the visit. Forms that subjects fill in themselves are told apart, since
nobody can enter those later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from imednet_api.models import Visit

from ...utils.truth import is_true
from ..visits import VisitState, visit_state
from .study_data import ListName, RecordFacts, StudyData

LISTS: Final[tuple[ListName, ...]] = ("sites", "subjects", "visits", "intervals", "forms", "records")

EXPECTING: Final[frozenset[VisitState]] = frozenset({"in window", "early", "late", "missed"})


@dataclass(frozen=True, slots=True)
class ExpectedPage:
    """A form that a visit expects.

    Attributes:
        visit: the visit.
        state: the state of the visit.
        form_key: the form.
        epro: whether subjects fill it in themselves.
        records: the records that are there, not deleted; usually one.
    """

    visit: Visit
    state: VisitState
    form_key: str
    epro: bool
    records: tuple[RecordFacts, ...]


def expected_pages(data: StudyData) -> Iterator[ExpectedPage]:
    """All pages that visits expect on the server's day, those that are there and those that are missing."""
    data.need(*LISTS)
    intervals = {interval.interval_id: interval for interval in data.intervals or ()}
    there: dict[tuple[int, str], list[RecordFacts]] = {}
    for record in data.records or ():
        if record.visit_id is not None and not record.deleted:
            there.setdefault((record.visit_id, record.form_key), []).append(record)
    today = data.today.isoformat()
    for visit in data.visits or ():
        interval = intervals.get(visit.interval_id)
        if interval is None or is_true(interval.disabled) or visit.visit_id is None:
            continue
        exit_day = (data.exits or {}).get(visit.subject_id) if visit.subject_id is not None else None
        state = visit_state(visit, interval, exit_day, today)
        if state not in EXPECTING and not (state == "no window" and visit.visit_date):
            continue
        for listed in interval.forms or ():
            form_key = str(listed.form_key or "")
            form = data.form_by_key.get(form_key)
            if form is None or is_true(form.disabled):
                continue
            yield ExpectedPage(
                visit, state, form_key, is_true(form.epro_form), tuple(there.get((visit.visit_id, form_key), ()))
            )
