"""The base of all workflows: an SDK, a clock, and lookups that several of them need."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from imednet_api.types import utc

from ..core.concurrency import async_sleep, sleep
from ..core.polling import Clock
from ..errors import ArgumentError, NotFoundError
from ..validation.cache import Choices, async_read_schema, read_schema
from ..validation.schema import StudySchema

if TYPE_CHECKING:
    from imednet_api.models import Site

    from ..core.reading.proof import Proof
    from ..resource_attributes import AsyncSDKProtocol, SDKProtocol


def not_found(kind: str, study_key: str) -> NotFoundError:
    """The error for a subject or site that a study does not have; an empty result would look like no data."""
    message = f"study {study_key!r} has no {kind} of this key, name or number. Next: imednet {kind}s list {study_key}"
    return NotFoundError(None, message=message, study_key=study_key)


def latest(proofs: Iterable[Proof]) -> datetime:
    """The server's time at the end of the last read.

    Raises:
        ArgumentError: no server time is known, so nothing has an age.
    """
    moments = [moment for proof in proofs if (moment := utc(proof.server_to)) is not None]
    if not moments:
        raise ArgumentError("the server gave no time with its lists, so ages and due days cannot be told")
    return max(moments)


def site_number(sites: Iterable[Site], site: int | str, study_key: str) -> int | None:
    """The number of the site that a caller names: a text is the name of a site, or else its number in digits.

    Raises:
        NotFoundError: the study has no such site.
        ArgumentError: several sites have this name, or it is the name of one and the number of another.
    """
    wanted = {
        one.site_id
        for one in sites
        if str(one.site_id) == str(site) or (isinstance(site, str) and one.site_name == site)
    }
    if not wanted:
        raise not_found("site", study_key)
    if len(wanted) > 1:
        listed = ", ".join(sorted(map(str, wanted)))
        raise ArgumentError(f"several sites answer to this name; name one by its number: {listed}")
    return wanted.pop()


class AsyncWorkflow:
    """Base of all workflows; made by `sdk.workflows`.

    Args:
        sdk: an `AsyncImednetSDK`.
        clock: waits in place of the real clock, for tests.
    """

    def __init__(self, sdk: AsyncSDKProtocol, *, clock: Clock | None = None) -> None:
        self._sdk = sdk
        self._clock = clock

    def _now(self) -> float:
        """The time, in seconds since 1970."""
        return self._clock.now() if self._clock is not None else time.time()

    async def _sleep(self, seconds: float) -> None:
        """Wait some seconds."""
        if self._clock is not None:
            self._clock.sleep(seconds)
        else:
            await async_sleep(seconds)

    async def _check_variable(self, study_key: str, form_key: str, name: str) -> None:
        """Raise ArgumentError if a form has no such variable; an empty result would look like no data."""
        variables = await self._sdk.variables.list(study_key)
        if not any((variable.form_key, variable.variable_name) == (form_key, name) for variable in variables):
            step = f"Next: imednet variables list {study_key}"
            raise ArgumentError(f"study {study_key!r} has no variable {form_key}.{name}. {step}")

    async def _check_subject(self, study_key: str, subject_key: str) -> None:
        """Raise NotFoundError if the study has no such subject; an empty result would look like no data."""
        if not await self._sdk.subjects.count(study_key, subject_key=subject_key):
            raise not_found("subject", study_key)

    async def _schema(self, study_key: str, choices: Choices | None = None) -> StudySchema:
        """Read the study's design as it is now."""
        return await async_read_schema(self._sdk, study_key, choices)


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class Workflow:
    """Base of all workflows; made by `sdk.workflows`.

    Args:
        sdk: an `ImednetSDK`.
        clock: waits in place of the real clock, for tests.
    """

    def __init__(self, sdk: SDKProtocol, *, clock: Clock | None = None) -> None:
        self._sdk = sdk
        self._clock = clock

    def _now(self) -> float:
        """The time, in seconds since 1970."""
        return self._clock.now() if self._clock is not None else time.time()

    def _sleep(self, seconds: float) -> None:
        """Wait some seconds."""
        if self._clock is not None:
            self._clock.sleep(seconds)
        else:
            sleep(seconds)

    def _check_variable(self, study_key: str, form_key: str, name: str) -> None:
        """Raise ArgumentError if a form has no such variable; an empty result would look like no data."""
        variables = self._sdk.variables.list(study_key)
        if not any((variable.form_key, variable.variable_name) == (form_key, name) for variable in variables):
            step = f"Next: imednet variables list {study_key}"
            raise ArgumentError(f"study {study_key!r} has no variable {form_key}.{name}. {step}")

    def _check_subject(self, study_key: str, subject_key: str) -> None:
        """Raise NotFoundError if the study has no such subject; an empty result would look like no data."""
        if not self._sdk.subjects.count(study_key, subject_key=subject_key):
            raise not_found("subject", study_key)

    def _schema(self, study_key: str, choices: Choices | None = None) -> StudySchema:
        """Read the study's design as it is now."""
        return read_schema(self._sdk, study_key, choices)
