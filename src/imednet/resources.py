"""The table of resources: one line for each list of the API. SDKs, command line, exports and documentation read it.

What the API says of a list (its path, its fields, how its pages are sorted) is in the description in `openapi/`; this
table adds what a description cannot say. `CONTRIBUTING.md` tells how to add a resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of the API.

    Attributes:
        name: attribute of the SDK and module of `imednet.endpoints`; its list is the operation `list_NAME`.
        listed: whether it has a list; jobs have none.
        exported: whether exports offer the list beside records.
        wide: parameters that make the list as wide as possible, such as users who left a study.
    """

    name: str
    listed: bool = True
    exported: bool = True
    wide: Mapping[str, Any] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        """Name of the blocking endpoint class; the asynchronous one has `Async` before it.

        >>> Resource("record_revisions").endpoint
        'RecordRevisionsEndpoint'
        """
        return "".join(part.title() for part in self.name.split("_")) + "Endpoint"

    @property
    def words(self) -> str:
        """The name in plain words.

        >>> Resource("record_revisions").words
        'record revisions'
        """
        return self.name.replace("_", " ")


RESOURCES: Final = {
    resource.name: resource
    for resource in (
        Resource("studies", exported=False),
        Resource("sites"),
        Resource("forms"),
        Resource("intervals"),
        Resource("variables"),
        Resource("subjects"),
        Resource("visits"),
        Resource("records", exported=False),  # exported form by form
        Resource("record_revisions"),
        Resource("queries"),
        Resource("codings"),
        Resource("users", wide={"include_inactive": True}),
        Resource("jobs", listed=False, exported=False),
    )
}
"""Attribute of the SDK -> resource. A resource is added with one class in `imednet.endpoints` and one line here."""
