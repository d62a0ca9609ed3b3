"""What every workflow has: the SDK it works over, and the schemas of studies."""

from __future__ import annotations

import time
from typing import Any

from ..core.polling import Clock
from ..errors import ArgumentError, NotFoundError
from ..validation.cache import Choices
from ..validation.schema import StudySchema
from .steps import Many, Steps, call


class Workflow:
    """Base of all workflows; made by `sdk.workflows`.

    Args:
        sdk: an `ImednetSDK` or an `AsyncImednetSDK`.
        clock: waits in place of the real clock, for tests.
    """

    def __init__(self, sdk: Any, *, clock: Clock | None = None) -> None:
        self._sdk = sdk
        self._sleep = clock.sleep if clock is not None else None
        self._now = clock.now if clock is not None else time.time

    def _variable(self, study_key: str, form_key: str, name: str) -> Steps[None]:
        """Raises ArgumentError where a form has no such variable: what is read by it would look like no data."""
        variables = yield call("variables.list", study_key)
        if not any((one.form_key, one.variable_name) == (form_key, name) for one in variables):
            what = f"study {study_key!r} has no variable {form_key}.{name}. Next: imednet variables list {study_key}"
            raise ArgumentError(what)

    def _schema(self, study_key: str, choices: Choices | None = None) -> Steps[StudySchema]:
        """The study's design as it is now."""
        names = ("forms", "variables", "intervals")
        forms, variables, intervals = yield Many([call(f"{name}.list", study_key, refresh=True) for name in names])
        return StudySchema.of(study_key, forms, variables, intervals, choices)


def not_found(what: str, study_key: str) -> NotFoundError:
    """The error for a subject or site that a study does not have; an empty answer would look like no data."""
    said = f"study {study_key!r} has no {what} of this key, name or number. Next: imednet {what}s list {study_key}"
    return NotFoundError(None, message=said, study_key=study_key)
