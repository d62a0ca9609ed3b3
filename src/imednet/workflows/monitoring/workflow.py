"""`sdk.workflows.monitoring`: the tables that data managers and monitors work with.

Each method reads the lists it needs and gives a `MonitoringTable`. For several tables of one study, read once and pass
the data on: `data = monitoring.read(...)`, then `query_status(data, by="form")` from the modules beside this one.

>>> from imednet import ImednetSDK
>>> from imednet.sandbox import Sandbox
>>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
...     table = sdk.workflows.monitoring.enrolment("TIDEWATER-201", by="site")
>>> table.total["siteName"], table.total["registered"] >= table.total["enrolled"] > 0
('all sites', True)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict, Unpack

from imednet_api.models import Record

from ...core.concurrency import async_gather, gather
from ...core.reading.proof import Proof
from ...errors import ArgumentError
from ...models.study_config import StudyConfiguration
from ...utils.truth import is_true
from ..base import AsyncWorkflow, Workflow, latest
from ..coding_reconciliation import coded_variables
from ..subject_data import AsyncSubjectDataWorkflow, SubjectDataWorkflow
from ..visits import exits_of
from . import (
    coding_backlog,
    data_changes,
    diary,
    enrolment,
    entry_lag,
    expected_pages,
    listings,
    query_tables,
    record_tables,
    site_performance,
    visit_adherence,
)
from .casebook import casebook
from .groupings import (
    ChangesBy,
    CodingBy,
    CompletenessBy,
    DiaryBy,
    EnrolmentBy,
    LagBy,
    MissingBy,
    QueryBy,
    StatusBy,
    VisitBy,
)
from .kri.inputs import lists_for
from .kri.report import KriReport, Level, kri_report
from .kri.settings import KriSettings
from .kri.snapshots import Result
from .missing_pages import missing_pages
from .study_data import OF_SUBJECTS, ListName, RecordFacts, StudyData, live_variables
from .table import MonitoringTable


class Narrowing(TypedDict, total=False):
    """Keywords of every table.

    Attributes:
        site: only this site, by its number or name.
        subject_key: only this subject.
        include_deleted: also deleted subjects and what belongs to them.
        exit_date: `"FORM.VARIABLE"` of the day a subject left, such as `"EOS.EXDAT"`; without it, visits of subjects
            who left count as missed, since the API does not say who left.
    """

    site: int | str | None
    subject_key: str | None
    include_deleted: bool
    exit_date: str | None


class AsyncMonitoringWorkflow(AsyncWorkflow):
    """Tables for data managers and monitors."""

    async def read(
        self,
        study_key: str,
        lists: Iterable[ListName],
        *,
        answers: Iterable[str] = (),
        points: bool = False,
        coded: bool = False,
        site: int | str | None = None,
        subject_key: str | None = None,
        include_deleted: bool = False,
        exit_date: str | None = None,
    ) -> StudyData:
        """Read lists of a study for any number of tables; each is read once.

        Args:
            study_key: the study.
            lists: names of the lists, such as those in `enrolment.LISTS`.
            answers: keys of forms whose answers are wanted.
            points: count the data points of each record.
            coded: read the codings, and the answers of all forms that have any.
            site: only this site, by its number or name.
            subject_key: only this subject.
            include_deleted: also deleted subjects and what belongs to them.
            exit_date: `"FORM.VARIABLE"` of the day a subject left.

        Raises:
            NotFoundError: the study has no such site or subject.
            ArgumentError: the study has no such form or variable.
        """
        exit_form, _, exit_variable = (exit_date or "").partition(".")
        if exit_date is not None and not (exit_form and exit_variable):
            raise ArgumentError("exit_date is written FORM.VARIABLE, such as EOS.EXDAT")
        codings = await self._sdk.codings.list(study_key) if coded else None
        variables = coded_variables(codings) if codings is not None else {}
        forms = tuple(dict.fromkeys([*answers, *variables, *([exit_form] if exit_form else [])]))
        wanted: set[ListName] = {"sites", "subjects", *lists}
        if points:
            wanted |= {"variables", "records"}
        if exit_form:
            wanted.add("variables")
        if forms:
            wanted.add("forms")
        names: Sequence[ListName] = sorted(wanted - {"records"} - ({"codings"} if coded else set()))
        found = dict(
            zip(
                names, await async_gather(*[self._reading(study_key, name, subject_key) for name in names]), strict=True
            )
        )
        if codings is not None:
            found["codings"] = codings
        proofs: dict[str, Proof] = {name: rows.proof for name, rows in found.items()}
        known = {form.form_key for form in found.get("forms", ())}
        if unknown := [form for form in forms if form not in known]:
            raise ArgumentError(f"study {study_key!r} has no form {unknown[0]!r}. Next: imednet forms list {study_key}")
        if exit_form and not any(
            one.form_key == exit_form and str(one.variable_name).casefold() == exit_variable.casefold()
            for one in found["variables"]
        ):
            step = f"Next: imednet variables list {study_key}"
            raise ArgumentError(f"study {study_key!r} has no variable {exit_form}.{exit_variable}. {step}")
        live = live_variables(found["variables"]) if points else None
        facts, kept = await self._records(study_key, forms, proofs, subject_key, live, everything="records" in wanted)
        listed: dict[str, Any] = {name: list(rows) for name, rows in found.items()}
        data = StudyData(
            study_key,
            latest(proofs.values()),
            proofs,
            **listed,
            records=facts,
            answers=kept,
            exits=exits_of(kept[exit_form], exit_variable) if exit_form else None,
            coded=variables,
        )
        everyone = data
        if not include_deleted:
            data = data.without_deleted_subjects()
        if site is not None:
            data = data.of_site(site)
        if subject_key is not None:
            data = self._one(everyone, data, subject_key)
        return data

    @staticmethod
    def _one(everyone: StudyData, data: StudyData, subject_key: str) -> StudyData:
        """The data of one subject, or an error that says why it is not among those that were chosen."""
        if not any(one.subject_key == subject_key for one in data.subjects or ()):
            there = [one for one in everyone.subjects or () if one.subject_key == subject_key]
            if any(is_true(one.deleted) for one in there):
                raise ArgumentError("this subject is deleted. Next: include_deleted=True, or --deleted")
            if there:
                raise ArgumentError(
                    f"this subject belongs to site {there[0].site_id}, and not to the one that was named"
                )
        return data.of_subject(subject_key)

    def _reading(self, study_key: str, name: ListName, subject_key: str | None) -> Any:
        """A call that reads a list, of one subject where its rows belong to subjects."""
        filters: dict[str, Any] = {"include_inactive": True} if name == "users" else {}
        if subject_key is not None and name in ("subjects", *OF_SUBJECTS):
            filters["subject_key"] = subject_key
        return lambda: getattr(self._sdk, name).list(study_key, **filters)

    async def _records(
        self,
        study_key: str,
        forms: Sequence[str],
        proofs: dict[str, Proof],
        subject_key: str | None,
        live: Mapping[str, frozenset[str]] | None,
        *,
        everything: bool,
    ) -> tuple[list[RecordFacts] | None, dict[str, list[Record]]]:
        """The facts of all records, and whole records of some forms; one read for both."""
        kept: dict[str, list[Record]] = {form: [] for form in forms}
        if not everything:
            for form in forms:
                rows = await self._sdk.records.list(study_key, form_key=form, subject_key=subject_key)
                proofs[f"records of {form}"] = rows.proof
                kept[form] = list(rows)
            return None, kept
        facts = []
        reading = self._sdk.records.iter(study_key, subject_key=subject_key)
        async for record in reading:
            facts.append(RecordFacts.of(record, live))
            if record.form_key in kept:
                kept[record.form_key].append(record)
        assert reading.proof is not None
        proofs["records"] = reading.proof
        return facts, kept

    async def enrolment(
        self,
        study_key: str,
        *,
        by: EnrolmentBy = "site",
        target: int | None = None,
        target_date: str | None = None,
        **narrowing: Unpack[Narrowing],
    ) -> MonitoringTable:
        """Subjects and how many are enrolled: the funnel, by status, by month against a target, or by site."""
        data = await self.read(study_key, enrolment.LISTS, **narrowing)
        return enrolment.enrolment(data, by=by, target=target, target_date=target_date)

    async def missing_pages(
        self, study_key: str, *, by: MissingBy = "page", include_epro: bool = False, **narrowing: Unpack[Narrowing]
    ) -> MonitoringTable:
        """Pages that visits expect and nobody has entered, the longest overdue first."""
        data = await self.read(study_key, expected_pages.LISTS, **narrowing)
        return missing_pages(data, by=by, include_epro=include_epro)

    async def visit_adherence(
        self, study_key: str, *, by: VisitBy = "interval", days: int = 14, **narrowing: Unpack[Narrowing]
    ) -> MonitoringTable:
        """Visits in, before and after their window, missed and coming."""
        data = await self.read(study_key, visit_adherence.LISTS, **narrowing)
        return visit_adherence.visit_adherence(data, by=by, days=days)

    async def entry_lag(
        self,
        study_key: str,
        *,
        by: LagBy = "site",
        late_after: int = entry_lag.LATE_AFTER,
        **narrowing: Unpack[Narrowing],
    ) -> MonitoringTable:
        """Days from a visit to the record of it."""
        data = await self.read(study_key, entry_lag.LISTS, **narrowing)
        return entry_lag.entry_lag(data, by=by, late_after=late_after)

    async def query_status(
        self, study_key: str, *, by: QueryBy = "site", **narrowing: Unpack[Narrowing]
    ) -> MonitoringTable:
        """Queries by state, open ones by age and by who must act next."""
        data = await self.read(study_key, query_tables.lists_for(by), **narrowing)
        return query_tables.query_status(data, by=by)

    async def query_response(
        self, study_key: str, *, by: QueryBy = "site", **narrowing: Unpack[Narrowing]
    ) -> MonitoringTable:
        """How long queries wait for a first answer, and for being closed."""
        data = await self.read(study_key, query_tables.lists_for(by), **narrowing)
        return query_tables.query_response(data, by=by)

    async def site_performance(self, study_key: str, **narrowing: Unpack[Narrowing]) -> MonitoringTable:
        """Sites beside each other: subjects, queries, missing pages, entry lag."""
        return site_performance.site_performance(await self.read(study_key, site_performance.LISTS, **narrowing))

    async def record_status(
        self, study_key: str, *, by: StatusBy = "form", **narrowing: Unpack[Narrowing]
    ) -> MonitoringTable:
        """Records by status."""
        data = await self.read(study_key, record_tables.STATUS_LISTS, **narrowing)
        return record_tables.record_status(data, by=by)

    async def completeness(
        self, study_key: str, *, by: CompletenessBy = "form", **narrowing: Unpack[Narrowing]
    ) -> MonitoringTable:
        """How many of the pages that visits expect are there; `by="cell"` is subject and form."""
        data = await self.read(study_key, record_tables.LISTS, **narrowing)
        return record_tables.completeness(data, by=by)

    async def coding_backlog(
        self,
        study_key: str,
        *,
        by: CodingBy = "form",
        variables: Mapping[str, str] | None = None,
        **narrowing: Unpack[Narrowing],
    ) -> MonitoringTable:
        """Terms that are coded, coded again, without a code, and not coded."""
        for form, name in (variables or {}).items():
            await self._check_variable(study_key, form, name)
        data = await self.read(
            study_key, coding_backlog.LISTS, answers=variables or (), coded=variables is None, **narrowing
        )
        return coding_backlog.coding_backlog(data, by=by, variables=variables)

    async def data_changes(
        self, study_key: str, *, by: ChangesBy = "role", **narrowing: Unpack[Narrowing]
    ) -> MonitoringTable:
        """Saved states of records by user, role, reason, site or form."""
        return data_changes.data_changes(await self.read(study_key, data_changes.LISTS, **narrowing), by=by)

    async def diary(
        self, study_key: str, *, by: DiaryBy = "subject", group: str = "ePRO", **narrowing: Unpack[Narrowing]
    ) -> MonitoringTable:
        """Diary days that were due, and those that have a record."""
        return diary.diary(await self.read(study_key, diary.LISTS, **narrowing), by=by, group=group)

    async def listing(
        self,
        study_key: str,
        configuration: StudyConfiguration,
        table: str = "adverse_events",
        *,
        serious: bool = False,
        **narrowing: Unpack[Narrowing],
    ) -> MonitoringTable:
        """The rows of a canonical table, such as adverse events, by a mapping."""
        form = listings.mapping_of(configuration, table).form
        data = await self.read(study_key, listings.LISTS, answers=[form], **narrowing)
        return listings.listing(data, configuration, table, serious=serious)

    async def casebook(self, study_key: str, subject_key: str) -> MonitoringTable:
        """All there is of one subject: answers, queries, codings and saved states, in the order of its visits."""
        data = await AsyncSubjectDataWorkflow(self._sdk).get_all_subject_data(study_key, subject_key)
        return casebook(data, await self._sdk.variables.list(study_key))

    async def kri(
        self,
        study_key: str,
        settings: KriSettings,
        *,
        level: Level = "Site",
        history: Iterable[Result] = (),
        exit_date: str | None = None,
    ) -> KriReport:
        """The key risk indicators of a study, by site or country; `history` are results of earlier runs.

        They compare sites with the whole study, so it cannot be narrowed; deleted subjects never count.
        """
        points = "kri0008" in settings.indicators
        data = await self.read(
            study_key, lists_for(settings), answers=settings.forms, points=points, exit_date=exit_date
        )
        return kri_report(data, settings, level=level, history=history)


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class MonitoringWorkflow(Workflow):
    """Tables for data managers and monitors."""

    def read(
        self,
        study_key: str,
        lists: Iterable[ListName],
        *,
        answers: Iterable[str] = (),
        points: bool = False,
        coded: bool = False,
        site: int | str | None = None,
        subject_key: str | None = None,
        include_deleted: bool = False,
        exit_date: str | None = None,
    ) -> StudyData:
        """Read lists of a study for any number of tables; each is read once.

        Args:
            study_key: the study.
            lists: names of the lists, such as those in `enrolment.LISTS`.
            answers: keys of forms whose answers are wanted.
            points: count the data points of each record.
            coded: read the codings, and the answers of all forms that have any.
            site: only this site, by its number or name.
            subject_key: only this subject.
            include_deleted: also deleted subjects and what belongs to them.
            exit_date: `"FORM.VARIABLE"` of the day a subject left.

        Raises:
            NotFoundError: the study has no such site or subject.
            ArgumentError: the study has no such form or variable.
        """
        exit_form, _, exit_variable = (exit_date or "").partition(".")
        if exit_date is not None and not (exit_form and exit_variable):
            raise ArgumentError("exit_date is written FORM.VARIABLE, such as EOS.EXDAT")
        codings = self._sdk.codings.list(study_key) if coded else None
        variables = coded_variables(codings) if codings is not None else {}
        forms = tuple(dict.fromkeys([*answers, *variables, *([exit_form] if exit_form else [])]))
        wanted: set[ListName] = {"sites", "subjects", *lists}
        if points:
            wanted |= {"variables", "records"}
        if exit_form:
            wanted.add("variables")
        if forms:
            wanted.add("forms")
        names: Sequence[ListName] = sorted(wanted - {"records"} - ({"codings"} if coded else set()))
        found = dict(zip(names, gather(*[self._reading(study_key, name, subject_key) for name in names]), strict=True))
        if codings is not None:
            found["codings"] = codings
        proofs: dict[str, Proof] = {name: rows.proof for name, rows in found.items()}
        known = {form.form_key for form in found.get("forms", ())}
        if unknown := [form for form in forms if form not in known]:
            raise ArgumentError(f"study {study_key!r} has no form {unknown[0]!r}. Next: imednet forms list {study_key}")
        if exit_form and not any(
            one.form_key == exit_form and str(one.variable_name).casefold() == exit_variable.casefold()
            for one in found["variables"]
        ):
            step = f"Next: imednet variables list {study_key}"
            raise ArgumentError(f"study {study_key!r} has no variable {exit_form}.{exit_variable}. {step}")
        live = live_variables(found["variables"]) if points else None
        facts, kept = self._records(study_key, forms, proofs, subject_key, live, everything="records" in wanted)
        listed: dict[str, Any] = {name: list(rows) for name, rows in found.items()}
        data = StudyData(
            study_key,
            latest(proofs.values()),
            proofs,
            **listed,
            records=facts,
            answers=kept,
            exits=exits_of(kept[exit_form], exit_variable) if exit_form else None,
            coded=variables,
        )
        everyone = data
        if not include_deleted:
            data = data.without_deleted_subjects()
        if site is not None:
            data = data.of_site(site)
        if subject_key is not None:
            data = self._one(everyone, data, subject_key)
        return data

    @staticmethod
    def _one(everyone: StudyData, data: StudyData, subject_key: str) -> StudyData:
        """The data of one subject, or an error that says why it is not among those that were chosen."""
        if not any(one.subject_key == subject_key for one in data.subjects or ()):
            there = [one for one in everyone.subjects or () if one.subject_key == subject_key]
            if any(is_true(one.deleted) for one in there):
                raise ArgumentError("this subject is deleted. Next: include_deleted=True, or --deleted")
            if there:
                raise ArgumentError(
                    f"this subject belongs to site {there[0].site_id}, and not to the one that was named"
                )
        return data.of_subject(subject_key)

    def _reading(self, study_key: str, name: ListName, subject_key: str | None) -> Any:
        """A call that reads a list, of one subject where its rows belong to subjects."""
        filters: dict[str, Any] = {"include_inactive": True} if name == "users" else {}
        if subject_key is not None and name in ("subjects", *OF_SUBJECTS):
            filters["subject_key"] = subject_key
        return lambda: getattr(self._sdk, name).list(study_key, **filters)

    def _records(
        self,
        study_key: str,
        forms: Sequence[str],
        proofs: dict[str, Proof],
        subject_key: str | None,
        live: Mapping[str, frozenset[str]] | None,
        *,
        everything: bool,
    ) -> tuple[list[RecordFacts] | None, dict[str, list[Record]]]:
        """The facts of all records, and whole records of some forms; one read for both."""
        kept: dict[str, list[Record]] = {form: [] for form in forms}
        if not everything:
            for form in forms:
                rows = self._sdk.records.list(study_key, form_key=form, subject_key=subject_key)
                proofs[f"records of {form}"] = rows.proof
                kept[form] = list(rows)
            return None, kept
        facts = []
        reading = self._sdk.records.iter(study_key, subject_key=subject_key)
        for record in reading:
            facts.append(RecordFacts.of(record, live))
            if record.form_key in kept:
                kept[record.form_key].append(record)
        assert reading.proof is not None
        proofs["records"] = reading.proof
        return facts, kept

    def enrolment(
        self,
        study_key: str,
        *,
        by: EnrolmentBy = "site",
        target: int | None = None,
        target_date: str | None = None,
        **narrowing: Unpack[Narrowing],
    ) -> MonitoringTable:
        """Subjects and how many are enrolled: the funnel, by status, by month against a target, or by site."""
        data = self.read(study_key, enrolment.LISTS, **narrowing)
        return enrolment.enrolment(data, by=by, target=target, target_date=target_date)

    def missing_pages(
        self, study_key: str, *, by: MissingBy = "page", include_epro: bool = False, **narrowing: Unpack[Narrowing]
    ) -> MonitoringTable:
        """Pages that visits expect and nobody has entered, the longest overdue first."""
        data = self.read(study_key, expected_pages.LISTS, **narrowing)
        return missing_pages(data, by=by, include_epro=include_epro)

    def visit_adherence(
        self, study_key: str, *, by: VisitBy = "interval", days: int = 14, **narrowing: Unpack[Narrowing]
    ) -> MonitoringTable:
        """Visits in, before and after their window, missed and coming."""
        data = self.read(study_key, visit_adherence.LISTS, **narrowing)
        return visit_adherence.visit_adherence(data, by=by, days=days)

    def entry_lag(
        self,
        study_key: str,
        *,
        by: LagBy = "site",
        late_after: int = entry_lag.LATE_AFTER,
        **narrowing: Unpack[Narrowing],
    ) -> MonitoringTable:
        """Days from a visit to the record of it."""
        data = self.read(study_key, entry_lag.LISTS, **narrowing)
        return entry_lag.entry_lag(data, by=by, late_after=late_after)

    def query_status(self, study_key: str, *, by: QueryBy = "site", **narrowing: Unpack[Narrowing]) -> MonitoringTable:
        """Queries by state, open ones by age and by who must act next."""
        data = self.read(study_key, query_tables.lists_for(by), **narrowing)
        return query_tables.query_status(data, by=by)

    def query_response(
        self, study_key: str, *, by: QueryBy = "site", **narrowing: Unpack[Narrowing]
    ) -> MonitoringTable:
        """How long queries wait for a first answer, and for being closed."""
        data = self.read(study_key, query_tables.lists_for(by), **narrowing)
        return query_tables.query_response(data, by=by)

    def site_performance(self, study_key: str, **narrowing: Unpack[Narrowing]) -> MonitoringTable:
        """Sites beside each other: subjects, queries, missing pages, entry lag."""
        return site_performance.site_performance(self.read(study_key, site_performance.LISTS, **narrowing))

    def record_status(
        self, study_key: str, *, by: StatusBy = "form", **narrowing: Unpack[Narrowing]
    ) -> MonitoringTable:
        """Records by status."""
        data = self.read(study_key, record_tables.STATUS_LISTS, **narrowing)
        return record_tables.record_status(data, by=by)

    def completeness(
        self, study_key: str, *, by: CompletenessBy = "form", **narrowing: Unpack[Narrowing]
    ) -> MonitoringTable:
        """How many of the pages that visits expect are there; `by="cell"` is subject and form."""
        data = self.read(study_key, record_tables.LISTS, **narrowing)
        return record_tables.completeness(data, by=by)

    def coding_backlog(
        self,
        study_key: str,
        *,
        by: CodingBy = "form",
        variables: Mapping[str, str] | None = None,
        **narrowing: Unpack[Narrowing],
    ) -> MonitoringTable:
        """Terms that are coded, coded again, without a code, and not coded."""
        for form, name in (variables or {}).items():
            self._check_variable(study_key, form, name)
        data = self.read(study_key, coding_backlog.LISTS, answers=variables or (), coded=variables is None, **narrowing)
        return coding_backlog.coding_backlog(data, by=by, variables=variables)

    def data_changes(
        self, study_key: str, *, by: ChangesBy = "role", **narrowing: Unpack[Narrowing]
    ) -> MonitoringTable:
        """Saved states of records by user, role, reason, site or form."""
        return data_changes.data_changes(self.read(study_key, data_changes.LISTS, **narrowing), by=by)

    def diary(
        self, study_key: str, *, by: DiaryBy = "subject", group: str = "ePRO", **narrowing: Unpack[Narrowing]
    ) -> MonitoringTable:
        """Diary days that were due, and those that have a record."""
        return diary.diary(self.read(study_key, diary.LISTS, **narrowing), by=by, group=group)

    def listing(
        self,
        study_key: str,
        configuration: StudyConfiguration,
        table: str = "adverse_events",
        *,
        serious: bool = False,
        **narrowing: Unpack[Narrowing],
    ) -> MonitoringTable:
        """The rows of a canonical table, such as adverse events, by a mapping."""
        form = listings.mapping_of(configuration, table).form
        data = self.read(study_key, listings.LISTS, answers=[form], **narrowing)
        return listings.listing(data, configuration, table, serious=serious)

    def casebook(self, study_key: str, subject_key: str) -> MonitoringTable:
        """All there is of one subject: answers, queries, codings and saved states, in the order of its visits."""
        data = SubjectDataWorkflow(self._sdk).get_all_subject_data(study_key, subject_key)
        return casebook(data, self._sdk.variables.list(study_key))

    def kri(
        self,
        study_key: str,
        settings: KriSettings,
        *,
        level: Level = "Site",
        history: Iterable[Result] = (),
        exit_date: str | None = None,
    ) -> KriReport:
        """The key risk indicators of a study, by site or country; `history` are results of earlier runs.

        They compare sites with the whole study, so it cannot be narrowed; deleted subjects never count.
        """
        points = "kri0008" in settings.indicators
        data = self.read(study_key, lists_for(settings), answers=settings.forms, points=points, exit_date=exit_date)
        return kri_report(data, settings, level=level, history=history)
