"""`sdk.workflows.audit_trail`: who changed which record, when and why; and, between two snapshots, which answers.

The API's revisions hold no values: they say who, when, why and which status. Old and new answers are known only from
exports that were kept, so two of them are compared, and each change comes with the revisions between them.

>>> from imednet import ImednetSDK
>>> from imednet.sandbox import Sandbox
>>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
...     trail = list(sdk.workflows.audit_trail.entries("TIDEWATER-201", subject_key="301-001"))
>>> len(trail) > 100, trail[0].revision.record_revision
(True, 1)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from imednet_api.models import RecordRevision, User
from imednet_api.types import utc

from ..errors import ArgumentError
from ..integrations.on_disk.snapshots import Snapshot, ValueChange, value_changes
from .base import AsyncWorkflow, Workflow

NO_VALUES = "old and new values are not available from the API; compare two exports with audit_trail.changes"


@dataclass(frozen=True)
class AuditEntry:
    """One saved state of a record.

    Attributes:
        revision: the revision.
        name: first and last name of its user; `None` for logins that are not listed.
        active: whether the user is active in the study; `None` for unknown logins.
    """

    revision: RecordRevision
    name: str | None = None
    active: bool | None = None

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table."""
        revision = self.revision
        return {
            "recordRevisionId": revision.record_revision_id,
            "recordId": revision.record_id,
            "recordRevision": revision.record_revision,
            "formKey": revision.form_key,
            "subjectKey": revision.subject_key,
            "dateCreated": revision.date_created,
            "user": revision.user,
            "name": self.name,
            "active": self.active,
            "role": revision.role,
            "recordStatus": revision.record_status,
            "reasonForChange": revision.reason_for_change,
            "deleted": revision.deleted,
        }


@dataclass(frozen=True)
class RevisionGap:
    """Revision numbers that a record lacks.

    Attributes:
        record_id: the record.
        missing: the numbers from 1 to the highest one that are not listed.
    """

    record_id: int
    missing: tuple[int, ...]


@dataclass(frozen=True)
class AuditedChange:
    """An answer that changed between two snapshots, with the revisions of its record between them.

    Attributes:
        change: what changed.
        entries: the revisions of its record between the snapshots; one of them made the change.
    """

    change: ValueChange
    entries: tuple[AuditEntry, ...] = field(default=(), repr=False)

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table."""
        users = dict.fromkeys(str(entry.revision.user) for entry in self.entries)
        reasons = dict.fromkeys(
            entry.revision.reason_for_change for entry in self.entries if entry.revision.reason_for_change
        )
        return {
            **self.change.to_row(),
            "users": ", ".join(users),
            "reasons": "; ".join(map(str, reasons)),
            "last": max((str(entry.revision.date_created) for entry in self.entries), default=None),
        }


def gaps(numbers: dict[int, Sequence[int]]) -> list[RevisionGap]:
    """Find records whose revisions are not numbered from 1 on without a gap.

    >>> gaps({7: [1, 2, 4], 8: [1, 2]})
    [RevisionGap(record_id=7, missing=(3,))]
    """
    incomplete = []
    for record_id, present in sorted(numbers.items()):
        missing = tuple(sorted(set(range(1, max(present, default=0) + 1)) - set(present)))
        if missing:
            incomplete.append(RevisionGap(record_id, missing))
    return incomplete


def entry(revision: RecordRevision, users: dict[str | None, User]) -> AuditEntry:
    """A revision with the name behind its login."""
    user = users.get(revision.user)
    if user is None:
        return AuditEntry(revision)
    name = " ".join(part for part in (user.first_name, user.last_name) if part) or None
    return AuditEntry(revision, name, user.user_active_in_study)


def moment_of(value: date | datetime | str | None, name: str) -> Any:
    """A day or moment as a filter takes it; texts without a zone are UTC. Raises ArgumentError for other texts."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ArgumentError(f"{name} must be a day or a moment in ISO form, such as 2026-09-01") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


class AsyncAuditTrailWorkflow(AsyncWorkflow):
    """The audit trail: who changed what, when and why."""

    async def entries(
        self,
        study_key: str,
        *,
        record_id: int | None = None,
        subject_key: str | None = None,
        user: str | None = None,
        since: date | datetime | str | None = None,
        until: date | datetime | str | None = None,
    ) -> AsyncIterator[AuditEntry]:
        """Read the audit trail entry by entry, in the order of its numbers; entries are not kept in memory.

        Args:
            study_key: the study.
            record_id: only this record.
            subject_key: only this subject.
            user: only this login.
            since, until: from this moment on, and before that one; days and ISO texts are UTC.

        Raises:
            NotFoundError: the study has no such subject.
        """
        filters: dict[str, Any] = {"record_id": record_id, "subject_key": subject_key, "user": user}
        bounds = {">=": moment_of(since, "since"), "<": moment_of(until, "until")}
        bounds = {operator: moment for operator, moment in bounds.items() if moment is not None}
        if bounds:
            filters["date_created"] = bounds
        users = await self._users(study_key)
        found = False
        async for revision in self._sdk.record_revisions.iter(study_key, **filters):
            found = True
            yield entry(revision, users)
        if subject_key is not None and not found:
            await self._check_subject(study_key, subject_key)

    async def gaps(
        self, study_key: str, *, record_id: int | None = None, subject_key: str | None = None
    ) -> list[RevisionGap]:
        """Find records whose revision numbers have gaps. This needs all revisions of a record, so it takes no dates.

        Args:
            study_key: the study.
            record_id, subject_key: only this record, or the records of this subject.
        """
        numbers: dict[int, list[int]] = {}
        async for revision in self._sdk.record_revisions.iter(study_key, record_id=record_id, subject_key=subject_key):
            if revision.record_id is not None and revision.record_revision is not None:
                numbers.setdefault(revision.record_id, []).append(revision.record_revision)
        if subject_key is not None and not numbers:
            await self._check_subject(study_key, subject_key)
        return gaps(dict(numbers))

    async def changes(self, study_key: str, before: str | Path, after: str | Path) -> list[AuditedChange]:
        """List the answers that changed between two snapshots, each with the revisions of its record between them.

        Args:
            study_key: the study.
            before, after: folders of two exports of the study with the same options; each with its `manifest.json`.

        Raises:
            ArgumentError: a folder holds no export, or the two were made with different options.
        """
        first, second = Snapshot(before), Snapshot(after)
        changes = list(value_changes(first, second))
        users = await self._users(study_key)
        since, until = utc(first.taken), utc(second.taken)
        trail: dict[int | None, list[AuditEntry]] = {}
        revisions = await self._sdk.record_revisions.list(study_key, date_created=(">=", since) if since else None)
        for revision in revisions:
            moment = utc(revision.date_created)
            if until is None or moment is None or moment <= until:
                trail.setdefault(revision.record_id, []).append(entry(revision, users))
        return [AuditedChange(change, tuple(trail.get(change.record_id, ()))) for change in changes]

    async def _users(self, study_key: str) -> dict[str | None, User]:
        users = await self._sdk.users.list(study_key, include_inactive=True)
        return {user.login: user for user in users}


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class AuditTrailWorkflow(Workflow):
    """The audit trail: who changed what, when and why."""

    def entries(
        self,
        study_key: str,
        *,
        record_id: int | None = None,
        subject_key: str | None = None,
        user: str | None = None,
        since: date | datetime | str | None = None,
        until: date | datetime | str | None = None,
    ) -> Iterator[AuditEntry]:
        """Read the audit trail entry by entry, in the order of its numbers; entries are not kept in memory.

        Args:
            study_key: the study.
            record_id: only this record.
            subject_key: only this subject.
            user: only this login.
            since, until: from this moment on, and before that one; days and ISO texts are UTC.

        Raises:
            NotFoundError: the study has no such subject.
        """
        filters: dict[str, Any] = {"record_id": record_id, "subject_key": subject_key, "user": user}
        bounds = {">=": moment_of(since, "since"), "<": moment_of(until, "until")}
        bounds = {operator: moment for operator, moment in bounds.items() if moment is not None}
        if bounds:
            filters["date_created"] = bounds
        users = self._users(study_key)
        found = False
        for revision in self._sdk.record_revisions.iter(study_key, **filters):
            found = True
            yield entry(revision, users)
        if subject_key is not None and not found:
            self._check_subject(study_key, subject_key)

    def gaps(
        self, study_key: str, *, record_id: int | None = None, subject_key: str | None = None
    ) -> list[RevisionGap]:
        """Find records whose revision numbers have gaps. This needs all revisions of a record, so it takes no dates.

        Args:
            study_key: the study.
            record_id, subject_key: only this record, or the records of this subject.
        """
        numbers: dict[int, list[int]] = {}
        for revision in self._sdk.record_revisions.iter(study_key, record_id=record_id, subject_key=subject_key):
            if revision.record_id is not None and revision.record_revision is not None:
                numbers.setdefault(revision.record_id, []).append(revision.record_revision)
        if subject_key is not None and not numbers:
            self._check_subject(study_key, subject_key)
        return gaps(dict(numbers))

    def changes(self, study_key: str, before: str | Path, after: str | Path) -> list[AuditedChange]:
        """List the answers that changed between two snapshots, each with the revisions of its record between them.

        Args:
            study_key: the study.
            before, after: folders of two exports of the study with the same options; each with its `manifest.json`.

        Raises:
            ArgumentError: a folder holds no export, or the two were made with different options.
        """
        first, second = Snapshot(before), Snapshot(after)
        changes = list(value_changes(first, second))
        users = self._users(study_key)
        since, until = utc(first.taken), utc(second.taken)
        trail: dict[int | None, list[AuditEntry]] = {}
        revisions = self._sdk.record_revisions.list(study_key, date_created=(">=", since) if since else None)
        for revision in revisions:
            moment = utc(revision.date_created)
            if until is None or moment is None or moment <= until:
                trail.setdefault(revision.record_id, []).append(entry(revision, users))
        return [AuditedChange(change, tuple(trail.get(change.record_id, ()))) for change in changes]

    def _users(self, study_key: str) -> dict[str | None, User]:
        users = self._sdk.users.list(study_key, include_inactive=True)
        return {user.login: user for user in users}
