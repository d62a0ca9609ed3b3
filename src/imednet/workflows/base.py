"""What every workflow has: the SDK it works over, and the schemas of studies."""

from __future__ import annotations

import time
from typing import Any

from ..core.polling import Clock
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

    def _schema(self, study_key: str, choices: Choices | None = None) -> Steps[StudySchema]:
        """The study's design as it is now."""
        names = ("forms", "variables", "intervals")
        forms, variables, intervals = yield Many([call(f"{name}.list", study_key, refresh=True) for name in names])
        return StudySchema.of(study_key, forms, variables, intervals, choices)
