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
from ..types import read as _read
from ..types import undecoded as _undecoded
from ..types import utc as _utc


@_undecoded(
    forms=lambda: IntervalForm,
)
@_define(repr=False)
class Interval(_Model):
    """A planned visit with its window and forms.

    Attributes:
        study_key: Key of the study.
        interval_id: Number of the interval.
        interval_name: Name of the interval.
        interval_description: Description of the interval.
        interval_sequence: Place in the schedule.
        interval_group_id: Number of the group.
        interval_group_name: Name of the group.
        disabled: Is retired.
        date_created: When it was made, UTC.
        date_modified: When it was changed last, UTC.
        timeline: How the window is given.
        defined_using_interval: Name of the reference interval.
        window_calculation_form: Name of the reference form.
        window_calculation_date: Name of the variable that holds the reference date.
        actual_date_form: Name of the form that holds the actual date.
        actual_date: Name of the variable that holds the actual date.
        due_date_will_be_in: Days from the reference date to the due date.
        negative_slack: Days allowed before the due date.
        positive_slack: Days allowed after the due date.
        epro_grace_period: Further days for forms filled in by the subject.
        forms: Forms of the interval.
    """

    FIELDS = {
        "studyKey": "study_key",
        "intervalId": "interval_id",
        "intervalName": "interval_name",
        "intervalDescription": "interval_description",
        "intervalSequence": "interval_sequence",
        "intervalGroupId": "interval_group_id",
        "intervalGroupName": "interval_group_name",
        "disabled": "disabled",
        "dateCreated": "date_created",
        "dateModified": "date_modified",
        "timeline": "timeline",
        "definedUsingInterval": "defined_using_interval",
        "windowCalculationForm": "window_calculation_form",
        "windowCalculationDate": "window_calculation_date",
        "actualDateForm": "actual_date_form",
        "actualDate": "actual_date",
        "dueDateWillBeIn": "due_date_will_be_in",
        "negativeSlack": "negative_slack",
        "positiveSlack": "positive_slack",
        "eproGracePeriod": "epro_grace_period",
        "forms": "forms",
    }
    SHOWN = (
        "study_key",
        "interval_id",
        "interval_name",
    )
    TIMES = (
        "dateCreated",
        "dateModified",
    )
    UNDECODED = ("forms",)
    _pick = _pick(FIELDS)

    study_key: str | None = None
    interval_id: int | None = None
    interval_name: str | None = None
    interval_description: str | None = None
    interval_sequence: int | None = None
    interval_group_id: int | None = None
    interval_group_name: str | None = None
    disabled: bool | None = None
    date_created: str | None = None
    date_modified: str | None = None
    timeline: str | None = None
    defined_using_interval: str | None = None
    window_calculation_form: str | None = None
    window_calculation_date: str | None = None
    actual_date_form: str | None = None
    actual_date: str | None = None
    due_date_will_be_in: int | None = None
    negative_slack: int | None = None
    positive_slack: int | None = None
    epro_grace_period: int | None = None
    forms: list[IntervalForm] | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.study_key,
            self.interval_id,
            self.interval_name,
            self.interval_description,
            self.interval_sequence,
            self.interval_group_id,
            self.interval_group_name,
            self.disabled,
            self.date_created,
            self.date_modified,
            self.timeline,
            self.defined_using_interval,
            self.window_calculation_form,
            self.window_calculation_date,
            self.actual_date_form,
            self.actual_date,
            self.due_date_will_be_in,
            self.negative_slack,
            self.positive_slack,
            self.epro_grace_period,
            self.forms,
        ) = values
        if type(values[20]) is not bytes:
            self.forms = _read(IntervalForm, values[20])
        self._rest = rest
        return self

    @builtins.property
    def date_created_utc(self) -> _datetime | None:
        """`date_created` as an aware time; `None` where there is none, or where it is no time."""
        return _utc(self.date_created)

    @builtins.property
    def date_modified_utc(self) -> _datetime | None:
        """`date_modified` as an aware time; `None` where there is none, or where it is no time."""
        return _utc(self.date_modified)


from .interval_form import IntervalForm  # noqa: E402
