# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
from __future__ import annotations

import builtins
from collections.abc import Sequence as _Sequence
from datetime import datetime as _datetime
from typing import Any as _Any
from typing import Self as _Self

from attrs import define as _define
from attrs import field as _field

from ..types import Model as _Model
from ..types import Rest as _Rest
from ..types import pick as _pick
from ..types import utc as _utc


@_define(repr=False)
class Job(_Model):
    """The handle of an asynchronous write.

    Attributes:
        job_id: Number of the job, an opaque text.
        batch_id: Number used in the path, an opaque text.
        state: State in any case; an unknown word is not an end.
        date_created: When it was made, UTC.
        date_started: When it was started, UTC.
        date_finished: When it was finished, UTC.
    """

    FIELDS = {
        "jobId": "job_id",
        "batchId": "batch_id",
        "state": "state",
        "dateCreated": "date_created",
        "dateStarted": "date_started",
        "dateFinished": "date_finished",
    }
    SHOWN = (
        "job_id",
        "batch_id",
        "state",
    )
    TIMES = (
        "dateCreated",
        "dateStarted",
        "dateFinished",
    )
    _pick = _pick(FIELDS)

    job_id: str | None = None
    batch_id: str | None = None
    state: str | None = None
    date_created: str | None = None
    date_started: str | None = None
    date_finished: str | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.job_id,
            self.batch_id,
            self.state,
            self.date_created,
            self.date_started,
            self.date_finished,
        ) = values
        self._rest = rest
        return self

    @builtins.property
    def date_created_utc(self) -> _datetime | None:
        """`date_created` as an aware time; `None` where there is none, or where it is no time."""
        return _utc(self.date_created)

    @builtins.property
    def date_started_utc(self) -> _datetime | None:
        """`date_started` as an aware time; `None` where there is none, or where it is no time."""
        return _utc(self.date_started)

    @builtins.property
    def date_finished_utc(self) -> _datetime | None:
        """`date_finished` as an aware time; `None` where there is none, or where it is no time."""
        return _utc(self.date_finished)
