"""`sdk.workflows.visits`: visits that are in their window, late, early, missed or upcoming; and diary compliance.

Nothing is invented: a visit without a window is never late, and all dates come from the server. A visit without a date
is missed once its window has passed, and with it the further days its interval allows for forms filled in by the
subject, unless the subject left before the visit was due.

>>> from imednet import ImednetSDK
>>> from imednet.sandbox import Sandbox
>>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
...     counts = sdk.workflows.visits.counts("TIDEWATER-201", sites=False, exit_date="EOS.EXDAT")
>>> counts[1].interval_name, counts[1].states["missed"] < counts[1].states["in window"]
('Baseline', True)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, TypedDict, Unpack

from imednet_api.models import Interval, Record, Subject, Visit

from ..core.concurrency import async_gather, gather
from ..errors import ArgumentError
from ..utils.days import written_day
from ..utils.truth import is_true
from .base import AsyncWorkflow, Workflow, latest, not_found

VisitState = Literal["in window", "early", "late", "missed", "future", "after exit", "deleted", "no window"]

Exits = Mapping[int, str]
"""Number of a subject -> the day the subject left, as `YYYY-MM-DD`."""


class WindowOptions(TypedDict, total=False):
    """Keywords of `windows`."""

    exit_date: str | None
    days: int
    include_disabled: bool
    subject_key: str | None


@dataclass(frozen=True)
class VisitWindow:
    """One visit and where it stands in its window.

    Attributes:
        visit: the visit.
        state: its state, such as `late`.
        site_id: the site of its subject.
        days: days late (above 0) or early (below 0); for a future visit the days until it is due.
        due_soon: whether it is due within the days that were asked for.
    """

    visit: Visit
    state: VisitState
    site_id: int | None = None
    days: int | None = None
    due_soon: bool = False

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table."""
        visit = self.visit
        return {
            "subjectKey": visit.subject_key,
            "siteId": self.site_id,
            "intervalName": visit.interval_name,
            "state": self.state,
            "days": self.days,
            "startDate": visit.start_date or None,
            "dueDate": visit.due_date or None,
            "endDate": visit.end_date or None,
            "visitDate": visit.visit_date or None,
            "visitId": visit.visit_id,
        }


@dataclass(frozen=True)
class WindowCounts:
    """Visits of one interval at one site, or at all of them.

    Attributes:
        interval_id, interval_name: the interval.
        site_id: the site; `None` where all are counted together.
        states: how many visits have each state.
        due_soon: how many are due within the days that were asked for.
    """

    interval_id: int | None
    interval_name: str | None
    site_id: int | None
    states: dict[str, int]
    due_soon: int = 0

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table."""
        return {
            "intervalName": self.interval_name,
            "siteId": self.site_id,
            **{state: self.states.get(state, 0) for state in STATES},
            "dueSoon": self.due_soon,
        }


DIARY_DAYS: frozenset[VisitState] = frozenset({"in window", "early", "late", "missed"})
"""States of diary days that were due."""

STATES: tuple[VisitState, ...] = (
    "in window", "early", "late", "missed", "future", "after exit", "deleted", "no window",
)  # fmt: skip


@dataclass(frozen=True)
class DiaryCompliance:
    """Diary compliance of one subject.

    Attributes:
        subject_key: the subject.
        kept: diary days that were due and have a record.
        due: diary days that were due; days still within their grace period do not count.
    """

    subject_key: str | None
    kept: int
    due: int

    @property
    def rate(self) -> float | None:
        """Kept of due, between 0 and 1; `None` where nothing was due."""
        return self.kept / self.due if self.due else None

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table."""
        rate = None if self.rate is None else round(100 * self.rate, 1)
        return {"subjectKey": self.subject_key, "kept": self.kept, "due": self.due, "percent": rate}


def visit_state(visit: Visit, interval: Interval | None, exit_day: str | None, today: str) -> VisitState:
    """The state of a visit on a day.

    >>> visit = Visit(start_date="2026-01-01", end_date="2026-01-09", visit_date="2026-01-12")
    >>> visit_state(visit, None, None, "2026-02-01")
    'late'
    """
    if is_true(visit.deleted):
        return "deleted"
    start, end = day_of(visit.start_date), day_of(visit.end_date)
    if start is None or end is None:
        return "no window"
    done = day_of(visit.visit_date)
    if visit.visit_date and done is None:
        return "no window"
    if done is not None:
        return "early" if done < start else "late" if done > end else "in window"
    due = day_of(visit.due_date) or start
    if exit_day is not None and due.isoformat() > exit_day:
        return "after exit"
    grace = (interval.epro_grace_period or 0) if interval is not None else 0
    return "missed" if (end + timedelta(days=grace)).isoformat() < today else "future"


def day_of(value: date | str | None) -> date | None:
    """The day of a date or time; `None` where it is missing, partial or no date.

    >>> day_of("2026-02-03 10:00:00"), day_of("2026-02"), day_of("UNK")
    (datetime.date(2026, 2, 3), None, None)
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date) or value is None:
        return value
    return written_day(value)


def windows(
    visits: Iterable[Visit],
    intervals: Iterable[Interval],
    subjects: Iterable[Subject],
    exits: Exits,
    today: str,
    *,
    days: int = 14,
    disabled: bool = False,
) -> list[VisitWindow]:
    """All visits with their states; those of disabled intervals only on request."""
    known = {interval.interval_id: interval for interval in intervals}
    subjects_by_id = {subject.subject_id: subject for subject in subjects}
    soon = (date.fromisoformat(today) + timedelta(days=days)).isoformat()
    visit_windows = []
    for visit in visits:
        interval = known.get(visit.interval_id)
        if interval is not None and is_true(interval.disabled) and not disabled:
            continue
        subject = subjects_by_id.get(visit.subject_id)
        exit_day = exits.get(visit.subject_id) if visit.subject_id is not None else None
        state = visit_state(visit, interval, exit_day, today)
        due = visit.due_date or visit.start_date
        coming = state == "future" and bool(due) and str(visit.end_date)[:10] >= today and str(due)[:10] <= soon
        visit_windows.append(
            VisitWindow(visit, state, subject.site_id if subject else None, _days(visit, state, today), coming)
        )
    return visit_windows


def _days(visit: Visit, state: VisitState, today: str) -> int | None:
    if state in ("late", "missed"):
        return _between(visit.end_date, visit.visit_date if state == "late" else today)
    if state == "early":
        return _between(visit.start_date, visit.visit_date)
    return _between(today, visit.due_date or visit.start_date) if state == "future" else None


def _between(first: str | None, second: str | None) -> int | None:
    start, end = day_of(first), day_of(second)
    return (end - start).days if start is not None and end is not None else None


def counted(visit_windows: Iterable[VisitWindow], *, sites: bool = True) -> list[WindowCounts]:
    """Count visits by interval, and by site unless `sites=False`."""
    groups: dict[tuple[Any, Any], list[VisitWindow]] = {}
    for visit_window in visit_windows:
        groups.setdefault((visit_window.visit.interval_id, visit_window.site_id if sites else None), []).append(
            visit_window
        )
    return [
        WindowCounts(
            interval_id,
            members[0].visit.interval_name,
            site_id,
            dict(Counter(visit_window.state for visit_window in members)),
            sum(visit_window.due_soon for visit_window in members),
        )
        for (interval_id, site_id), members in sorted(
            groups.items(), key=lambda pair: tuple((part is None, part or 0) for part in pair[0])
        )
    ]


def exits_of(records: Iterable[Record], variable: str) -> dict[int, str]:
    """The day each subject left, by the records of a form; if the date is missing, the day of the record."""
    exits: dict[int, str] = {}
    for record in records:
        if is_true(record.deleted) or record.subject_id is None:
            continue
        answers = {name.casefold(): value for name, value in (record.record_data or {}).items()}
        entered = day_of(str(answers.get(variable.casefold()) or "") or str(record.date_created or ""))
        if entered is None:
            continue
        day = entered.isoformat()
        exits[record.subject_id] = max(day, exits.get(record.subject_id, day))
    return exits


class AsyncVisitsWorkflow(AsyncWorkflow):
    """Visits and their windows; diary compliance."""

    async def windows(
        self,
        study_key: str,
        *,
        exit_date: str | None = None,
        days: int = 14,
        include_disabled: bool = False,
        subject_key: str | None = None,
    ) -> list[VisitWindow]:
        """List the visits with their states on the server's day.

        Args:
            study_key: the study.
            exit_date: `"FORM.VARIABLE"` of the day a subject left, such as `"EOS.EXDAT"`; without it, visits of
                subjects that left count as missed, since the API does not say who left.
            days: visits due within so many days are marked.
            include_disabled: also visits of disabled intervals.
            subject_key: only this subject.
        """
        if isinstance(days, bool) or not isinstance(days, int) or days < 0:
            raise ArgumentError("days must be a whole number, at least 0")
        form, _, variable = (exit_date or "").partition(".")
        if exit_date is not None and not (form and variable):
            raise ArgumentError("exit_date is written FORM.VARIABLE, such as EOS.EXDAT")
        if form:
            await self._check_variable(study_key, form, variable)
        visits, intervals, subjects, exits = await async_gather(
            lambda: self._sdk.visits.list(study_key, subject_key=subject_key),
            lambda: self._sdk.intervals.list(study_key),
            lambda: self._sdk.subjects.list(study_key, subject_key=subject_key),
            lambda: self._exits(study_key, form, variable, subject_key),
        )
        if subject_key is not None and not subjects:
            raise not_found("subject", study_key)
        today = latest([visits.proof]).date().isoformat()
        return windows(visits, intervals, subjects, exits, today, days=days, disabled=include_disabled)

    async def _exits(self, study_key: str, form: str, variable: str, subject_key: str | None) -> dict[int, str]:
        """The day each subject left, by a variable of a form; empty without a form."""
        if not form:
            return {}
        return exits_of(await self._sdk.records.list(study_key, form_key=form, subject_key=subject_key), variable)

    async def counts(
        self, /, study_key: str, *, sites: bool = True, **options: Unpack[WindowOptions]
    ) -> list[WindowCounts]:
        """Count visits by interval and state, and by site unless `sites=False`.

        Args:
            study_key: the study.
            sites: count each site apart.
            **options: arguments of `windows`.
        """
        return counted(await self.windows(study_key, **options), sites=sites)

    async def diary_compliance(
        self, /, study_key: str, group: str = "ePRO", **options: Unpack[WindowOptions]
    ) -> list[DiaryCompliance]:
        """Diary compliance of each subject: days with a record, of the days that were due.

        Args:
            study_key: the study.
            group: name of the group of intervals that are diary days.
            **options: arguments of `windows`.
        """
        intervals = await self._sdk.intervals.list(study_key)
        wanted = {
            interval.interval_id
            for interval in intervals
            if interval.interval_group_name == group and not is_true(interval.disabled)
        }
        if not wanted:
            groups = sorted(
                {str(interval.interval_group_name) for interval in intervals if interval.interval_group_name}
            )
            raise ArgumentError(f"no interval is in group {group!r}; there are {', '.join(groups)}")
        visits: Sequence[VisitWindow] = await self.windows(study_key, **options)
        days = [day for day in visits if day.visit.interval_id in wanted and day.state in DIARY_DAYS]
        diary = [interval for interval in intervals if interval.interval_id in wanted]
        forms = {form.form_key for interval in diary for form in interval.forms or ()}
        kept: set[int | None] = set()
        for form_key in sorted(str(form) for form in forms):
            rows = await self._sdk.records.list(study_key, form_key=form_key, subject_key=options.get("subject_key"))
            kept |= {row.visit_id for row in rows if not is_true(row.deleted)}
        due = Counter(day.visit.subject_key for day in days)
        done = Counter(day.visit.subject_key for day in days if day.visit.visit_id in kept)
        return [DiaryCompliance(key, done[key], due[key]) for key in sorted(due, key=str)]


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class VisitsWorkflow(Workflow):
    """Visits and their windows; diary compliance."""

    def windows(
        self,
        study_key: str,
        *,
        exit_date: str | None = None,
        days: int = 14,
        include_disabled: bool = False,
        subject_key: str | None = None,
    ) -> list[VisitWindow]:
        """List the visits with their states on the server's day.

        Args:
            study_key: the study.
            exit_date: `"FORM.VARIABLE"` of the day a subject left, such as `"EOS.EXDAT"`; without it, visits of
                subjects that left count as missed, since the API does not say who left.
            days: visits due within so many days are marked.
            include_disabled: also visits of disabled intervals.
            subject_key: only this subject.
        """
        if isinstance(days, bool) or not isinstance(days, int) or days < 0:
            raise ArgumentError("days must be a whole number, at least 0")
        form, _, variable = (exit_date or "").partition(".")
        if exit_date is not None and not (form and variable):
            raise ArgumentError("exit_date is written FORM.VARIABLE, such as EOS.EXDAT")
        if form:
            self._check_variable(study_key, form, variable)
        visits, intervals, subjects, exits = gather(
            lambda: self._sdk.visits.list(study_key, subject_key=subject_key),
            lambda: self._sdk.intervals.list(study_key),
            lambda: self._sdk.subjects.list(study_key, subject_key=subject_key),
            lambda: self._exits(study_key, form, variable, subject_key),
        )
        if subject_key is not None and not subjects:
            raise not_found("subject", study_key)
        today = latest([visits.proof]).date().isoformat()
        return windows(visits, intervals, subjects, exits, today, days=days, disabled=include_disabled)

    def _exits(self, study_key: str, form: str, variable: str, subject_key: str | None) -> dict[int, str]:
        """The day each subject left, by a variable of a form; empty without a form."""
        if not form:
            return {}
        return exits_of(self._sdk.records.list(study_key, form_key=form, subject_key=subject_key), variable)

    def counts(self, /, study_key: str, *, sites: bool = True, **options: Unpack[WindowOptions]) -> list[WindowCounts]:
        """Count visits by interval and state, and by site unless `sites=False`.

        Args:
            study_key: the study.
            sites: count each site apart.
            **options: arguments of `windows`.
        """
        return counted(self.windows(study_key, **options), sites=sites)

    def diary_compliance(
        self, /, study_key: str, group: str = "ePRO", **options: Unpack[WindowOptions]
    ) -> list[DiaryCompliance]:
        """Diary compliance of each subject: days with a record, of the days that were due.

        Args:
            study_key: the study.
            group: name of the group of intervals that are diary days.
            **options: arguments of `windows`.
        """
        intervals = self._sdk.intervals.list(study_key)
        wanted = {
            interval.interval_id
            for interval in intervals
            if interval.interval_group_name == group and not is_true(interval.disabled)
        }
        if not wanted:
            groups = sorted(
                {str(interval.interval_group_name) for interval in intervals if interval.interval_group_name}
            )
            raise ArgumentError(f"no interval is in group {group!r}; there are {', '.join(groups)}")
        visits: Sequence[VisitWindow] = self.windows(study_key, **options)
        days = [day for day in visits if day.visit.interval_id in wanted and day.state in DIARY_DAYS]
        diary = [interval for interval in intervals if interval.interval_id in wanted]
        forms = {form.form_key for interval in diary for form in interval.forms or ()}
        kept: set[int | None] = set()
        for form_key in sorted(str(form) for form in forms):
            rows = self._sdk.records.list(study_key, form_key=form_key, subject_key=options.get("subject_key"))
            kept |= {row.visit_id for row in rows if not is_true(row.deleted)}
        due = Counter(day.visit.subject_key for day in days)
        done = Counter(day.visit.subject_key for day in days if day.visit.visit_id in kept)
        return [DiaryCompliance(key, done[key], due[key]) for key in sorted(due, key=str)]
