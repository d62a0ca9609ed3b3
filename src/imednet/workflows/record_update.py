"""`sdk.workflows.record_update` and `sdk.workflows.register_subjects`: records checked, written and read back.

>>> from imednet import ImednetSDK
>>> from imednet.sandbox import Sandbox
>>> with Sandbox(switches={"jobSeconds": "0"}) as box, ImednetSDK(**box.credentials) as sdk:
...     write = sdk.workflows.record_update
...     report = write.create_new_record("TIDEWATER-201-DEV", "AE", "301-901", {"AENUM": 9, "AETERM": "Cough"})
>>> report.complete, report.outcomes[0].state
(True, 'stored')
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from ..core.polling import Clock
from ..utils.quiet import quiet
from ..validation.cache import Choices
from ..validation.schema import Problem
from .base import AsyncWorkflow, Workflow
from .writing.items import Identifier, item
from .writing.plan import BATCH, AsyncPlanner, Planner, WritePlan, sound
from .writing.submit import AsyncWriter, RunOptions, SubmitOptions, Writer, WriteReport

if TYPE_CHECKING:
    from ..resource_attributes import AsyncSDKProtocol, SDKProtocol


class AsyncRecordUpdateWorkflow(AsyncWorkflow):
    """Writes records: checks them, sends them once, waits for the job and reads them back."""

    def __init__(self, sdk: AsyncSDKProtocol, *, clock: Clock | None = None) -> None:
        super().__init__(sdk, clock=clock)
        self._planner = AsyncPlanner(sdk)
        self._writer = AsyncWriter(sdk, self._schema, self._sleep, self._now)

    async def check(
        self, study_key: str, items: Sequence[Mapping[str, Any]], choices: Choices | None = None
    ) -> list[Problem]:
        """Check items without writing them, and list all problems: forms, names, values, identifiers.

        Args:
            study_key: the study.
            items: as `sdk.records.create` takes them.
            choices: choices of variables, such as those of a data dictionary.
        """
        items = quiet(items)
        return (await self._schema(study_key, choices)).check(items)

    async def plan(
        self,
        study_key: str,
        items: Sequence[Mapping[str, Any]],
        *,
        batch_size: int = BATCH,
        choices: Choices | None = None,
    ) -> WritePlan:
        """Plan a run without writing: the exact bodies, and old and new answers of each record that exists.

        Raises:
            ItemsRefusedError: an item would not be accepted; its `problems` name all of them.
        """
        items = quiet(items)
        given = quiet(sound(items, batch_size))
        schema = await self._schema(study_key, choices)
        return await self._planner.plan(schema, quiet(dict(enumerate(given))), batch_size)

    async def submit(
        self, study_key: str, items: Sequence[Mapping[str, Any]] | WritePlan, **options: Unpack[SubmitOptions]
    ) -> WriteReport:
        """Write items: check them, send them batch by batch, wait for each job and read each item back.

        Args:
            study_key: the study.
            items: as `sdk.records.create` takes them, or a `WritePlan`; its records that changed since then are not
                written (`conflict`).
            email_notify: an address to notify when a job has finished, or a boolean.
            on_error: `stop` or `continue` after a batch in which not every item is stored.
            batch_size: items per request.
            journal: a file that records the run, so that it can be resumed after a crash: with the same items and
                journal, batches that may have gone out are read back, never sent again.
            interval: seconds between two checks of a job, at first.
            timeout: seconds to wait for a job, and for items whose request got no answer.
            choices: choices of variables, such as those of a data dictionary.
            on_progress: called with items done, items in all, and a message.
            resend_missing: send items again that an earlier run of this journal did not find, and a new check does
                not find either.
            refuse_written: refuse new records that another run with a journal in the same folder has, whatever its file
                is called.

        Returns:
            The outcome of each item; see `imednet.workflows.writing.items.State`.

        Raises:
            ItemsRefusedError: an item would not be accepted; nothing was sent.
            WrittenBeforeError: with `refuse_written`; nothing was sent.
        """
        items = quiet(items)
        return await self._writer.submit(study_key, items, **options)

    async def create_or_update_records(
        self, study_key: str, items: Sequence[Mapping[str, Any]] | WritePlan, **options: Unpack[SubmitOptions]
    ) -> WriteReport:
        """`submit` under another name."""
        items = quiet(items)
        return await self._writer.submit(study_key, items, **options)

    async def verify(self, journal: str | Path, *, timeout: float = 0) -> WriteReport:
        """Read back what a run wrote, by its journal. Sends nothing.

        Args:
            journal: the journal of the run.
            timeout: seconds to wait for items that are not there yet.
        """
        return await self._writer.verify(journal, timeout=timeout)

    async def register_subject(
        self,
        study_key: str,
        form: Identifier,
        site: Identifier,
        data: Mapping[str, Any],
        **options: Unpack[SubmitOptions],
    ) -> WriteReport:
        """Register a subject: write the first record of a new subject at a site.

        Args:
            study_key: the study.
            form: the form of registration, by key or number.
            site: the site, by name or number.
            data: answers by variable name.
            **options: as `submit` takes them.
        """
        data = quiet(data)
        return await self._writer.submit(study_key, [item(data, form, site=site)], **options)

    async def update_scheduled_record(
        self,
        study_key: str,
        form: Identifier,
        subject: Identifier,
        interval: Identifier,
        data: Mapping[str, Any],
        **options: Unpack[RunOptions],
    ) -> WriteReport:
        """Fill in or change the record of a form at a planned visit.

        Args:
            study_key: the study.
            form: the form, by key or number.
            subject: the subject, by key or number, or `{"subjectOid": ...}`.
            interval: the interval, by name or number.
            data: answers by variable name.
            **options: as `submit` takes them.
        """
        subject, data = quiet(subject), quiet(data)
        return await self._writer.submit(study_key, [item(data, form, subject=subject, interval=interval)], **options)

    async def create_new_record(
        self,
        study_key: str,
        form: Identifier,
        subject: Identifier,
        data: Mapping[str, Any],
        **options: Unpack[SubmitOptions],
    ) -> WriteReport:
        """Make a new record outside the planned visits, such as an adverse event.

        Args:
            study_key: the study.
            form: the form, by key or number.
            subject: the subject, by key or number, or `{"subjectOid": ...}`.
            data: answers by variable name.
            **options: as `submit` takes them.
        """
        subject, data = quiet(subject), quiet(data)
        return await self._writer.submit(study_key, [item(data, form, subject=subject)], **options)

    async def update_existing_record(
        self,
        study_key: str,
        form: Identifier,
        record: Identifier,
        data: Mapping[str, Any],
        **options: Unpack[SubmitOptions],
    ) -> WriteReport:
        """Change answers of a record that exists.

        Args:
            study_key: the study.
            form: its form, by key or number.
            record: the record, by number, or `{"recordOid": ...}`.
            data: answers by variable name.
            **options: as `submit` takes them.
        """
        record, data = quiet(record), quiet(data)
        return await self._writer.submit(study_key, [item(data, form, record=record)], **options)


class AsyncRegisterSubjectsWorkflow(AsyncWorkflow):
    """Registers subjects."""

    async def register_subjects(
        self,
        study_key: str,
        subjects: Sequence[Mapping[str, Any]],
        *,
        form: Identifier | None = None,
        **options: Unpack[SubmitOptions],
    ) -> WriteReport:
        """Register subjects, several per request.

        Args:
            study_key: the study.
            subjects: one mapping each: `siteName` or `siteId`, and `data` with the answers of registration; a
                `formKey` of its own where `form` is not given.
            form: the form of registration, by key or number.
            **options: as `record_update.submit` takes them.

        Returns:
            The outcome of each; its `subject_key` is the key the server assigned.
        """
        subjects = quiet(subjects)
        common = item({}, form) if form is not None else {}
        common.pop("data", None)
        items = quiet([{**common, **subject} for subject in map(quiet, subjects)])
        return await AsyncWriter(self._sdk, self._schema, self._sleep, self._now).submit(study_key, items, **options)


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class RecordUpdateWorkflow(Workflow):
    """Writes records: checks them, sends them once, waits for the job and reads them back."""

    def __init__(self, sdk: SDKProtocol, *, clock: Clock | None = None) -> None:
        super().__init__(sdk, clock=clock)
        self._planner = Planner(sdk)
        self._writer = Writer(sdk, self._schema, self._sleep, self._now)

    def check(
        self, study_key: str, items: Sequence[Mapping[str, Any]], choices: Choices | None = None
    ) -> list[Problem]:
        """Check items without writing them, and list all problems: forms, names, values, identifiers.

        Args:
            study_key: the study.
            items: as `sdk.records.create` takes them.
            choices: choices of variables, such as those of a data dictionary.
        """
        items = quiet(items)
        return (self._schema(study_key, choices)).check(items)

    def plan(
        self,
        study_key: str,
        items: Sequence[Mapping[str, Any]],
        *,
        batch_size: int = BATCH,
        choices: Choices | None = None,
    ) -> WritePlan:
        """Plan a run without writing: the exact bodies, and old and new answers of each record that exists.

        Raises:
            ItemsRefusedError: an item would not be accepted; its `problems` name all of them.
        """
        items = quiet(items)
        given = quiet(sound(items, batch_size))
        schema = self._schema(study_key, choices)
        return self._planner.plan(schema, quiet(dict(enumerate(given))), batch_size)

    def submit(
        self, study_key: str, items: Sequence[Mapping[str, Any]] | WritePlan, **options: Unpack[SubmitOptions]
    ) -> WriteReport:
        """Write items: check them, send them batch by batch, wait for each job and read each item back.

        Args:
            study_key: the study.
            items: as `sdk.records.create` takes them, or a `WritePlan`; its records that changed since then are not
                written (`conflict`).
            email_notify: an address to notify when a job has finished, or a boolean.
            on_error: `stop` or `continue` after a batch in which not every item is stored.
            batch_size: items per request.
            journal: a file that records the run, so that it can be resumed after a crash: with the same items and
                journal, batches that may have gone out are read back, never sent again.
            interval: seconds between two checks of a job, at first.
            timeout: seconds to wait for a job, and for items whose request got no answer.
            choices: choices of variables, such as those of a data dictionary.
            on_progress: called with items done, items in all, and a message.
            resend_missing: send items again that an earlier run of this journal did not find, and a new check does
                not find either.
            refuse_written: refuse new records that another run with a journal in the same folder has, whatever its file
                is called.

        Returns:
            The outcome of each item; see `imednet.workflows.writing.items.State`.

        Raises:
            ItemsRefusedError: an item would not be accepted; nothing was sent.
            WrittenBeforeError: with `refuse_written`; nothing was sent.
        """
        items = quiet(items)
        return self._writer.submit(study_key, items, **options)

    def create_or_update_records(
        self, study_key: str, items: Sequence[Mapping[str, Any]] | WritePlan, **options: Unpack[SubmitOptions]
    ) -> WriteReport:
        """`submit` under another name."""
        items = quiet(items)
        return self._writer.submit(study_key, items, **options)

    def verify(self, journal: str | Path, *, timeout: float = 0) -> WriteReport:
        """Read back what a run wrote, by its journal. Sends nothing.

        Args:
            journal: the journal of the run.
            timeout: seconds to wait for items that are not there yet.
        """
        return self._writer.verify(journal, timeout=timeout)

    def register_subject(
        self,
        study_key: str,
        form: Identifier,
        site: Identifier,
        data: Mapping[str, Any],
        **options: Unpack[SubmitOptions],
    ) -> WriteReport:
        """Register a subject: write the first record of a new subject at a site.

        Args:
            study_key: the study.
            form: the form of registration, by key or number.
            site: the site, by name or number.
            data: answers by variable name.
            **options: as `submit` takes them.
        """
        data = quiet(data)
        return self._writer.submit(study_key, [item(data, form, site=site)], **options)

    def update_scheduled_record(
        self,
        study_key: str,
        form: Identifier,
        subject: Identifier,
        interval: Identifier,
        data: Mapping[str, Any],
        **options: Unpack[RunOptions],
    ) -> WriteReport:
        """Fill in or change the record of a form at a planned visit.

        Args:
            study_key: the study.
            form: the form, by key or number.
            subject: the subject, by key or number, or `{"subjectOid": ...}`.
            interval: the interval, by name or number.
            data: answers by variable name.
            **options: as `submit` takes them.
        """
        subject, data = quiet(subject), quiet(data)
        return self._writer.submit(study_key, [item(data, form, subject=subject, interval=interval)], **options)

    def create_new_record(
        self,
        study_key: str,
        form: Identifier,
        subject: Identifier,
        data: Mapping[str, Any],
        **options: Unpack[SubmitOptions],
    ) -> WriteReport:
        """Make a new record outside the planned visits, such as an adverse event.

        Args:
            study_key: the study.
            form: the form, by key or number.
            subject: the subject, by key or number, or `{"subjectOid": ...}`.
            data: answers by variable name.
            **options: as `submit` takes them.
        """
        subject, data = quiet(subject), quiet(data)
        return self._writer.submit(study_key, [item(data, form, subject=subject)], **options)

    def update_existing_record(
        self,
        study_key: str,
        form: Identifier,
        record: Identifier,
        data: Mapping[str, Any],
        **options: Unpack[SubmitOptions],
    ) -> WriteReport:
        """Change answers of a record that exists.

        Args:
            study_key: the study.
            form: its form, by key or number.
            record: the record, by number, or `{"recordOid": ...}`.
            data: answers by variable name.
            **options: as `submit` takes them.
        """
        record, data = quiet(record), quiet(data)
        return self._writer.submit(study_key, [item(data, form, record=record)], **options)


class RegisterSubjectsWorkflow(Workflow):
    """Registers subjects."""

    def register_subjects(
        self,
        study_key: str,
        subjects: Sequence[Mapping[str, Any]],
        *,
        form: Identifier | None = None,
        **options: Unpack[SubmitOptions],
    ) -> WriteReport:
        """Register subjects, several per request.

        Args:
            study_key: the study.
            subjects: one mapping each: `siteName` or `siteId`, and `data` with the answers of registration; a
                `formKey` of its own where `form` is not given.
            form: the form of registration, by key or number.
            **options: as `record_update.submit` takes them.

        Returns:
            The outcome of each; its `subject_key` is the key the server assigned.
        """
        subjects = quiet(subjects)
        common = item({}, form) if form is not None else {}
        common.pop("data", None)
        items = quiet([{**common, **subject} for subject in map(quiet, subjects)])
        return Writer(self._sdk, self._schema, self._sleep, self._now).submit(study_key, items, **options)
