"""What several tests need."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from imednet import AsyncImednetSDK, ImednetSDK
from imednet.core.filtering.split import named_filters, plan
from imednet.endpoints.rows import AsyncRowIterator, AsyncRowPages, RowIterator, RowPages
from imednet.sandbox import Study
from imednet_api.types import Operation

STUDY = "TIDEWATER-201"

LISTS = {
    "sites": "sites",
    "forms": "forms",
    "intervals": "intervals",
    "variables": "variables",
    "subjects": "subjects",
    "visits": "visits",
    "records": "records",
    "record_revisions": "recordRevisions",
    "queries": "queries",
    "codings": "codings",
    "users": "users",
}
"""Attribute of the SDK -> last part of the path."""
PATIENCE = 300
"""Seconds that a test waits for something that ends by itself, so that a busy machine fails none."""


def examples(count: int) -> int:
    """How many examples a test draws: `count`, or a few of them while somebody edits (`nox -s fast`)."""
    return max(10, count // 25) if os.environ.get("IMEDNET_TEST_PROFILE") == "dev" else count


class Door:
    """An SDK called the same way whether it is blocking or asynchronous."""

    def __init__(self, kind: str, options: dict[str, Any]) -> None:
        self.kind = kind
        self._runner = asyncio.Runner() if kind == "async" else None
        self.sdk: Any = AsyncImednetSDK(**options) if kind == "async" else ImednetSDK(**options)

    def call(self, path: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a method such as `records.list`; iterators come back as lists."""
        target = self.sdk
        for name in path.split("."):
            target = getattr(target, name)
        return self.run(target, *args, **kwargs)

    def run(self, target: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call a function, where the SDK is asynchronous in its event loop."""
        if self._runner is not None:
            # A runner keeps the context of its first run; each call means the context it is made in.
            return self._runner.run(self._finish(target, args, kwargs), context=copy_context())
        found = target(*args, **kwargs)
        return list(found) if isinstance(found, (RowIterator, RowPages)) else found

    async def _finish(self, target: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        found = target(*args, **kwargs)
        if isinstance(found, (AsyncRowIterator, AsyncRowPages)):
            return [one async for one in found]
        return await found

    def close(self) -> None:
        if self._runner is not None:
            self._runner.run(self.sdk.aclose())
            self._runner.close()
        else:
            self.sdk.close()


Ways = Callable[..., Door]


def served(study: Study, name: str) -> list[dict[str, Any]]:
    """The sandbox's own dictionaries of a list, as a blinded key sees them, in the order of the identity."""
    rows = study.rows(name, unblinded=False)
    if name == "users":
        return [row for row in rows if row["userActiveInStudy"]]
    return rows


def validator(spec: dict[str, Any], ref: str) -> Draft202012Validator:
    """A validator for one component of the description."""
    whole = {**spec, "$schema": "https://json-schema.org/draft/2020-12/schema"}
    registry: Registry[Any] = Registry().with_resource("urn:spec", Resource.from_contents(whole))
    return Draft202012Validator({"$ref": f"urn:spec{ref}"}, registry=registry)


def built(operation: Operation, attributes: dict[str, Any], extra: dict[str, Any] | None = None) -> str | None:
    """The expression that the server is sent for these keywords."""
    return ";".join(plan(operation, named_filters(operation, attributes, extra)).server) or None
