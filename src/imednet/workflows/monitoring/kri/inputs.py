"""What indicators count: numerator and denominator of each subject, from the lists of a study.

The subjects are those that are enrolled: who has a start of the time on study (definition D2 of docs/kri.md). Events of
other people are left out, and how many they are is told. Deleted subjects, visits and records never count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Final

from imednet_api.models import Query, Record

from ....errors import ArgumentError
from ....utils.truth import is_true
from ...visits import day_of, visit_state
from ..entry_lag import lags
from ..query_tables import responses
from ..study_data import ListName, StudyData
from .scores import SubjectCount
from .settings import DateVariable, IndicatorSettings, KriSettings

LISTS: Final[tuple[ListName, ...]] = (
    "sites", "subjects", "forms", "variables", "intervals", "visits", "records", "queries",
)  # fmt: skip


def lists_for(settings: KriSettings) -> tuple[ListName, ...]:
    """The lists the indicators need."""
    return (*LISTS, "record_revisions") if "own0001" in settings.indicators else LISTS


@dataclass(frozen=True)
class Measured:
    """What an indicator counts.

    Attributes:
        counts: one entry a subject that is enrolled (or screened), without its group.
        notes: what was left out.
    """

    counts: dict[int, tuple[float, float]] = field(repr=False)
    notes: tuple[str, ...] = ()

    def grouped(self, group_of: Callable[[int], str | None]) -> Iterator[SubjectCount]:
        """The counts with the group of each subject; subjects without one are left out."""
        for subject, (numerator, denominator) in self.counts.items():
            group = group_of(subject)
            if group is not None:
                yield SubjectCount(str(subject), group, numerator, denominator)


class Inputs:
    """Counts of a study for the indicators.

    Args:
        data: the study, with the answers of `settings.forms`.
        settings: what the indicators count.

    Raises:
        ArgumentError: the settings name a form or a variable that the study does not have.
    """

    def __init__(self, data: StudyData, settings: KriSettings) -> None:
        data.need(*lists_for(settings))
        self._data = data
        self._settings = settings
        names: dict[str, set[str]] = {}
        for variable in data.variables or ():
            names.setdefault(str(variable.form_key), set()).add(str(variable.variable_name).casefold())
        for form, name in settings.variables:
            if name.casefold() not in names.get(form, ()):
                raise ArgumentError(f"study {data.study_key!r} has no variable {form}.{name}, which the settings name")

    def measured(self, indicator: str) -> Measured:
        """The counts of one indicator."""
        settings = self._settings.indicators[indicator]
        counts: dict[str, Callable[[IndicatorSettings], Measured]] = {
            "kri0005": self._answers,
            "kri0006": self._discontinued,
            "kri0007": self._subjects,
            "kri0008": self._queries,
            "kri0009": self._slow_queries,
            "kri0010": self._late_pages,
            "kri0012": self._screen_failures,
            "kri0013": self._samples,
            "kri0014": self._subjects,
            "kri0015": self._early_deaths,
            "own0001": self._changed_records,
            "own0002": self._visits,
        }
        return counts.get(indicator, self._events)(settings)

    # ---- time on study

    @cached_property
    def days_on_study(self) -> dict[int, int]:
        """Enrolled subject -> days from its start to the earliest of its ends and the server's day; never below 0."""
        starts = self._starts
        ends = [self._days_of(end, min) for end in self._settings.ends]
        return {
            subject: max(0, (min([self._data.today, *(end[subject] for end in ends if subject in end)]) - start).days)
            for subject, start in starts.items()
        }

    def notes(self) -> list[str]:
        """What holds for all indicators: dates that are partial, so that people or ends do not count."""
        told = []
        for what, date_variables in (("start", (self._settings.start,)), ("end", self._settings.ends)):
            odd = sum(self._unread(one) for one in date_variables if one is not None)
            if odd:
                rest = "their subjects count as not enrolled" if what == "start" else "they end no time on study"
                told.append(f"{odd} dates of the {what} of the time on study are partial or no dates; {rest}")
        return told

    def _unread(self, variable: DateVariable) -> int:
        texts = (str(answers.get(variable.variable.casefold()) or "") for _, answers in self._records(variable.form))
        return sum(bool(text.strip()) and day_of(text) is None for text in texts)

    @cached_property
    def _starts(self) -> dict[int, date]:
        start = self._settings.start
        if start is not None:
            listed = {subject.subject_id for subject in self._data.subjects or ()}
            return {subject: day for subject, day in self._days_of(start, min).items() if subject in listed}
        return {
            subject.subject_id: day
            for subject in self._data.subjects or ()
            if subject.subject_id is not None and (day := day_of(subject.enrollment_start_date)) is not None
        }

    def _days_of(self, variable: DateVariable, pick: Callable[[Iterable[date]], date]) -> dict[int, date]:
        """Subject -> the complete date of a variable; partial ones count as missing (definition D7)."""
        found: dict[int, list[date]] = {}
        for record, answers in self._records(variable.form):
            day = day_of(str(answers.get(variable.variable.casefold()) or ""))
            if day is not None and record.subject_id is not None:
                found.setdefault(record.subject_id, []).append(day)
        return {subject: pick(days) for subject, days in found.items()}

    def _records(self, form: str | None) -> Iterator[tuple[Record, Mapping[str, Any]]]:
        """Records of a form that are not deleted, with their answers by names in small letters."""
        if form is None or form not in self._data.answers:
            raise ArgumentError(f"the answers of form {form!r} were not read")
        for record in self._data.answers[form]:
            if not is_true(record.deleted) and record.subject_id is not None:
                yield record, {name.casefold(): value for name, value in (record.record_data or {}).items()}

    # ---- counts

    def _result(
        self, numerators: Mapping[int, float], denominators: Mapping[int, float], *notes: str | None
    ) -> Measured:
        """Counts of the enrolled subjects; those of others are told and left out."""
        others = sum(count for subject, count in numerators.items() if subject not in self._starts)
        told = [f"{others:g} in people who are not enrolled are left out" if others else None, *notes]
        return Measured(
            {subject: (numerators.get(subject, 0), denominators.get(subject, 0)) for subject in self._starts},
            tuple(note for note in told if note),
        )

    def _counts(self, settings: IndicatorSettings) -> Counter[int]:
        """Records of a form, by subject, where the condition is true."""
        where = settings.where
        return Counter(
            record.subject_id
            for record, answers in self._records(settings.form)
            if record.subject_id is not None and (where is None or where(answers) is True)
        )

    def _events(self, settings: IndicatorSettings) -> Measured:
        events = self._counts(settings)
        no_time = sum(events[subject] for subject, days in self.days_on_study.items() if not days)
        note = f"{no_time} of subjects without a day on study stay in the numerator" if no_time else None
        return self._result(events, self.days_on_study, note)

    def _subjects(self, settings: IndicatorSettings) -> Measured:
        return self._result(dict.fromkeys(self._counts(settings), 1), dict.fromkeys(self._starts, 1))

    def _discontinued(self, settings: IndicatorSettings) -> Measured:
        if settings.form is not None:
            return self._subjects(settings)
        return self._result(dict.fromkeys(self._with_status(settings), 1), dict.fromkeys(self._starts, 1))

    def _with_status(self, settings: IndicatorSettings) -> Iterator[int]:
        for subject in self._data.subjects or ():
            if subject.subject_id is not None and str(subject.subject_status or "").casefold() in settings.statuses:
                yield subject.subject_id

    def _screen_failures(self, settings: IndicatorSettings) -> Measured:
        failed = set(self._with_status(settings))
        words = {str(one.subject_status or "").casefold() for one in self._data.subjects or ()}
        unknown = sorted(settings.statuses - words)
        people = [one.subject_id for one in self._data.subjects or () if one.subject_id is not None]
        note = f"no subject has the status {', '.join(unknown)}" if unknown else None
        return Measured({subject: (float(subject in failed), 1.0) for subject in people}, (note,) if note else ())

    def _answers(self, settings: IndicatorSettings) -> Measured:
        numerators: Counter[int] = Counter()
        denominators: Counter[int] = Counter()
        unknown = 0
        for record, answers in self._records(settings.form):
            for name in settings.variables:
                answer = answers.get(name.casefold())
                word = "" if answer is None else str(answer).strip()
                assert record.subject_id is not None
                denominators[record.subject_id] += word in settings.denominator
                numerators[record.subject_id] += word in settings.numerator
                unknown += bool(word) and word not in settings.denominator | settings.numerator
        if outside := settings.numerator - settings.denominator:
            raise ArgumentError(
                f"answers of the numerator must be in the denominator too: {', '.join(sorted(outside))}"
            )
        return self._result(numerators, denominators, f"{unknown} answers are neither" if unknown else None)

    def _samples(self, settings: IndicatorSettings) -> Measured:
        visited = {
            visit.visit_id for visit in self._data.visits or () if visit.visit_date and not is_true(visit.deleted)
        }
        done: Counter[int] = Counter()
        due: Counter[int] = Counter()
        assert settings.where is not None
        assert settings.otherwise is not None
        for record, answers in self._records(settings.form):
            if record.visit_id in visited and record.subject_id is not None:
                taken = settings.where(answers) is True
                done[record.subject_id] += taken
                due[record.subject_id] += taken or settings.otherwise(answers) is True
        return self._result(done, due)

    def _early_deaths(self, settings: IndicatorSettings) -> Measured:
        assert settings.date is not None
        assert settings.anchor is not None
        deaths, anchors = self._days_of(settings.date, min), self._days_of(settings.anchor, min)
        after = {subject: (day - anchors[subject]).days for subject, day in deaths.items() if subject in anchors}
        early = {subject: 1 for subject, days in after.items() if 0 <= days <= settings.limit}
        lost = sum(subject in self._starts and subject not in anchors for subject in deaths)
        before = sum(days < 0 for days in after.values())
        partial = sum(
            bool(str(answers.get(settings.date.variable.casefold()) or "").strip()) and record.subject_id not in deaths
            for record, answers in self._records(settings.date.form)
        )
        notes = [
            f"{partial} partial dates of death are left out" if partial else None,
            f"{lost} deaths without the other date are left out" if lost else None,
            f"{before} deaths lie before the other date and are left out" if before else None,
        ]
        return self._result(early, dict.fromkeys(self._starts, 1), *notes)

    @cached_property
    def _live_queries(self) -> list[Query]:
        """Queries that are not on a deleted record; those on a subject or visit count."""
        gone = {record.record_id for record in self._data.records or () if record.deleted}
        return [query for query in self._data.queries or () if query.record_id is None or query.record_id not in gone]

    def _queries(self, settings: IndicatorSettings) -> Measured:  # noqa: ARG002  (all counts share one signature)
        queries = Counter(query.subject_id for query in self._live_queries if query.subject_id is not None)
        points: Counter[int] = Counter()
        for record in self._data.records or ():
            if not record.deleted and record.subject_id is not None:
                points[record.subject_id] += record.points
        return self._result(queries, points)

    def _slow_queries(self, settings: IndicatorSettings) -> Measured:
        slow: Counter[int] = Counter()
        every: Counter[int] = Counter()
        silent = 0
        for query in self._live_queries:
            if query.subject_id is None:
                continue
            age = responses(query, self._data.moment).age
            if age is None:
                silent += 1
                continue
            every[query.subject_id] += 1
            slow[query.subject_id] += int(age) > settings.limit
        return self._result(slow, every, f"{silent} queries without a comment have no age" if silent else None)

    def _late_pages(self, settings: IndicatorSettings) -> Measured:
        late: Counter[int] = Counter()
        pages: Counter[int] = Counter()
        without = 0
        for lag in lags(self._data):
            subject = lag.record.subject_id
            if subject is None:
                continue
            if lag.days is None:
                without += 1
                continue
            pages[subject] += 1
            late[subject] += lag.days > settings.limit
        return self._result(late, pages, f"{without} pages have no lag" if without else None)

    def _changed_records(self, settings: IndicatorSettings) -> Measured:  # noqa: ARG002
        changed = {
            revision.record_id for revision in self._data.record_revisions or () if (revision.data_revision or 0) > 1
        }
        numerators: Counter[int] = Counter()
        denominators: Counter[int] = Counter()
        for record in self._data.records or ():
            if not record.deleted and record.subject_id is not None:
                denominators[record.subject_id] += 1
                numerators[record.subject_id] += record.record_id in changed
        return self._result(numerators, denominators)

    def _visits(self, settings: IndicatorSettings) -> Measured:  # noqa: ARG002
        intervals = {interval.interval_id: interval for interval in self._data.intervals or ()}
        outside: Counter[int] = Counter()
        due: Counter[int] = Counter()
        for visit in self._data.visits or ():
            interval = intervals.get(visit.interval_id)
            if interval is None or is_true(interval.disabled) or visit.subject_id is None:
                continue
            exit_day = (self._data.exits or {}).get(visit.subject_id)
            state = visit_state(visit, interval, exit_day, self._data.today.isoformat())
            if state in ("in window", "early", "late", "missed"):
                due[visit.subject_id] += 1
                outside[visit.subject_id] += state != "in window"
        note = None if self._data.exits is not None else "visits of subjects who left count as missed"
        return self._result(outside, due, note)
