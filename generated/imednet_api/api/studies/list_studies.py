# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
"""List the studies the keys may see.

List the studies the keys may see. Answers come in pages, see the page parameters.
"""

from __future__ import annotations

from typing import Final

from ...types import UNSET, Operation, PageFacts, Request, Unset

OPERATION: Final = Operation(
    name="list_studies",
    method="GET",
    path="/api/v1/edc/studies",
    tag="studies",
    success=(200,),
    answer="StudyPage",
    path_parameters=(),
    query_parameters=(
        "page",
        "size",
        "sort",
        "filter",
    ),
    header_parameters=(),
    page=PageFacts(
        items="Study",
        max_size=500,
        default_sort=("studyKey",),
        key=("studyKey",),
        design=True,
    ),
)


def request(
    *,
    page: int | None | Unset = UNSET,
    size: int | None | Unset = UNSET,
    sort: list[str] | None | Unset = UNSET,
    filter: str | None | Unset = UNSET,
) -> Request:
    """List the studies the keys may see.

    Args:
        page: Number of the page, from 0.
        size: Rows a page. Compare it with the size that the answer echoes.
        sort: Field and direction, as in `recordId,asc`; repeated for secondary fields.
        filter: Expression such as `formKey==AE;siteId==301`: `;` is AND, `,` is OR, an attribute may occur once.

    Raises:
        ValueError: a part of the path is empty.
    """
    return OPERATION.request(
        path={},
        query=(
            ("page", page),
            ("size", size),
            ("sort", sort),
            ("filter", filter),
        ),
    )
