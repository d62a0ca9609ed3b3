"""Schemas of studies, kept until they are refreshed; blocking and asynchronous."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .schema import ItemsRefusedError, Problem, StudySchema

Choices = Mapping[tuple[str, str], Sequence[str]]
_LISTS = ("forms", "variables", "intervals")


class _Kept:
    """What both caches share."""

    def __init__(self, sdk: Any, choices: Mapping[str, Choices] | None = None) -> None:
        self._sdk = sdk
        self._choices = dict(choices or {})
        self._kept: dict[str, StudySchema] = {}

    def know(self, study_key: str, choices: Choices) -> None:
        """Choices of a study's variables, such as those of a data dictionary; they are checked from now on."""
        self._choices[study_key] = choices
        self._kept.pop(study_key, None)

    def _keep(self, study_key: str, lists: Sequence[Any]) -> StudySchema:
        forms, variables, intervals = lists
        made = StudySchema.of(study_key, forms, variables, intervals, self._choices.get(study_key))
        self._kept[study_key] = made
        return made


class SchemaCache(_Kept):
    """Schemas of studies over a blocking SDK.

    >>> from imednet import ImednetSDK
    >>> from imednet.sandbox import Sandbox
    >>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
    ...     schema = SchemaCache(sdk).get("TIDEWATER-201")
    >>> schema.form("AE").kind("AESTDAT"), schema.form("SS").accepts_records
    (<FieldKind.PARTIAL: 'partial date'>, False)
    """

    def get(self, study_key: str) -> StudySchema:
        """The schema of a study, read when it is asked for first."""
        return self._kept.get(study_key) or self.refresh(study_key)

    def refresh(self, study_key: str) -> StudySchema:
        """Read the design of a study again."""
        return self._keep(study_key, [getattr(self._sdk, name).list(study_key, refresh=True) for name in _LISTS])


class AsyncSchemaCache(_Kept):
    """Schemas of studies over an asynchronous SDK; see `SchemaCache`."""

    async def get(self, study_key: str) -> StudySchema:
        """The schema of a study, read when it is asked for first."""
        return self._kept.get(study_key) or await self.refresh(study_key)

    async def refresh(self, study_key: str) -> StudySchema:
        """Read the design of a study again."""
        return self._keep(study_key, [await getattr(self._sdk, name).list(study_key, refresh=True) for name in _LISTS])


class SchemaValidator:
    """Checks items against a study's design before they are written.

    Attributes:
        schema: the cache; `schema.refresh(study_key)` reads a design again.
    """

    def __init__(self, sdk: Any) -> None:
        self.schema = SchemaCache(sdk)

    def problems(self, study_key: str, items: Sequence[Mapping[str, Any]]) -> list[Problem]:
        """Everything that is wrong with these items; empty where nothing is."""
        return self.schema.get(study_key).check(items)

    def validate(self, study_key: str, items: Sequence[Mapping[str, Any]]) -> None:
        """Raises ItemsRefusedError, with all problems, where something is wrong."""
        if found := self.problems(study_key, items):
            raise ItemsRefusedError(found, study_key)


class AsyncSchemaValidator:
    """Checks items against a study's design before they are written; see `SchemaValidator`."""

    def __init__(self, sdk: Any) -> None:
        self.schema = AsyncSchemaCache(sdk)

    async def problems(self, study_key: str, items: Sequence[Mapping[str, Any]]) -> list[Problem]:
        """Everything that is wrong with these items; empty where nothing is."""
        return (await self.schema.get(study_key)).check(items)

    async def validate(self, study_key: str, items: Sequence[Mapping[str, Any]]) -> None:
        """Raises ItemsRefusedError, with all problems, where something is wrong."""
        if found := await self.problems(study_key, items):
            raise ItemsRefusedError(found, study_key)
