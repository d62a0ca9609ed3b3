"""Schemas of studies, kept until they are refreshed.

>>> from imednet import ImednetSDK
>>> from imednet.sandbox import Sandbox
>>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
...     schema = SchemaCache(sdk).get("TIDEWATER-201")
>>> schema.form("AE").kind("AESTDAT"), schema.form("SS").accepts_records
(<FieldKind.PARTIAL: 'partial date'>, False)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.concurrency import async_gather, gather
from .schema import ItemsRefusedError, Problem, StudySchema

if TYPE_CHECKING:
    from ..resource_attributes import AsyncSDKProtocol, SDKProtocol

Choices = Mapping[tuple[str, str], Sequence[str]]


async def async_read_schema(sdk: AsyncSDKProtocol, study_key: str, choices: Choices | None = None) -> StudySchema:
    """The design of a study as it is now."""
    forms, variables, intervals = await async_gather(
        lambda: sdk.forms.list(study_key, refresh=True),
        lambda: sdk.variables.list(study_key, refresh=True),
        lambda: sdk.intervals.list(study_key, refresh=True),
    )
    return StudySchema.of(study_key, forms, variables, intervals, choices)


class AsyncSchemaCache:
    """Schemas of studies, each read when it is asked for first.

    Args:
        sdk: an `AsyncImednetSDK`.
        choices: study -> choices of its variables.
    """

    def __init__(self, sdk: AsyncSDKProtocol, choices: Mapping[str, Choices] | None = None) -> None:
        self._sdk = sdk
        self._choices = dict(choices or {})
        self._kept: dict[str, StudySchema] = {}

    def know(self, study_key: str, choices: Choices) -> None:
        """Choices of a study's variables, such as those of a data dictionary; they are checked from now on."""
        self._choices[study_key] = choices
        self._kept.pop(study_key, None)

    async def get(self, study_key: str) -> StudySchema:
        """The schema of a study, read when it is asked for first."""
        return self._kept.get(study_key) or await self.refresh(study_key)

    async def refresh(self, study_key: str) -> StudySchema:
        """Read the design of a study again."""
        schema = await async_read_schema(self._sdk, study_key, self._choices.get(study_key))
        self._kept[study_key] = schema
        return schema


class AsyncSchemaValidator:
    """Checks items against a study's design before they are written.

    Attributes:
        schema: the cache; `schema.refresh(study_key)` reads a design again.
    """

    def __init__(self, sdk: AsyncSDKProtocol) -> None:
        self.schema = AsyncSchemaCache(sdk)

    async def problems(self, study_key: str, items: Sequence[Mapping[str, Any]]) -> list[Problem]:
        """Everything that is wrong with these items; empty where nothing is."""
        schema = await self.schema.get(study_key)
        return schema.check(items)

    async def validate(self, study_key: str, items: Sequence[Mapping[str, Any]]) -> None:
        """Raise ItemsRefusedError, with all problems, where something is wrong."""
        if found := await self.problems(study_key, items):
            raise ItemsRefusedError(found, study_key)


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


def read_schema(sdk: SDKProtocol, study_key: str, choices: Choices | None = None) -> StudySchema:
    """The design of a study as it is now."""
    forms, variables, intervals = gather(
        lambda: sdk.forms.list(study_key, refresh=True),
        lambda: sdk.variables.list(study_key, refresh=True),
        lambda: sdk.intervals.list(study_key, refresh=True),
    )
    return StudySchema.of(study_key, forms, variables, intervals, choices)


class SchemaCache:
    """Schemas of studies, each read when it is asked for first.

    Args:
        sdk: an `ImednetSDK`.
        choices: study -> choices of its variables.
    """

    def __init__(self, sdk: SDKProtocol, choices: Mapping[str, Choices] | None = None) -> None:
        self._sdk = sdk
        self._choices = dict(choices or {})
        self._kept: dict[str, StudySchema] = {}

    def know(self, study_key: str, choices: Choices) -> None:
        """Choices of a study's variables, such as those of a data dictionary; they are checked from now on."""
        self._choices[study_key] = choices
        self._kept.pop(study_key, None)

    def get(self, study_key: str) -> StudySchema:
        """The schema of a study, read when it is asked for first."""
        return self._kept.get(study_key) or self.refresh(study_key)

    def refresh(self, study_key: str) -> StudySchema:
        """Read the design of a study again."""
        schema = read_schema(self._sdk, study_key, self._choices.get(study_key))
        self._kept[study_key] = schema
        return schema


class SchemaValidator:
    """Checks items against a study's design before they are written.

    Attributes:
        schema: the cache; `schema.refresh(study_key)` reads a design again.
    """

    def __init__(self, sdk: SDKProtocol) -> None:
        self.schema = SchemaCache(sdk)

    def problems(self, study_key: str, items: Sequence[Mapping[str, Any]]) -> list[Problem]:
        """Everything that is wrong with these items; empty where nothing is."""
        schema = self.schema.get(study_key)
        return schema.check(items)

    def validate(self, study_key: str, items: Sequence[Mapping[str, Any]]) -> None:
        """Raise ItemsRefusedError, with all problems, where something is wrong."""
        if found := self.problems(study_key, items):
            raise ItemsRefusedError(found, study_key)
