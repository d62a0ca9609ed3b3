# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
"""List the sites of a study.

List the sites of a study. Answers come in pages, see the page parameters.
"""

from __future__ import annotations

from typing import Final

from ...types import UNSET, Operation, PageFacts, Request, Unset

OPERATION: Final = Operation(
    name="list_sites",
    method="GET",
    path="/api/v1/edc/studies/{study_key}/sites",
    tag="sites",
    success=(200,),
    answer="SitePage",
    path_parameters=("study_key",),
    query_parameters=(
        "page",
        "size",
        "sort",
        "filter",
    ),
    header_parameters=(),
    page=PageFacts(
        items="Site",
        max_size=500,
        default_sort=("siteId",),
        key=("siteId",),
        number="siteId",
    ),
)


def request(
    study_key: str,
    *,
    page: int | None | Unset = UNSET,
    size: int | None | Unset = UNSET,
    sort: list[str] | None | Unset = UNSET,
    filter: str | None | Unset = UNSET,
) -> Request:
    """List the sites of a study.

    Args:
        study_key: Key of the study. An unknown key is answered with 403, not 404.
        page: Number of the page, from 0.
        size: Rows a page. Compare it with the size that the answer echoes.
        sort: Field and direction, as in `recordId,asc`; repeated for secondary fields.
        filter: Expression such as `formKey==AE;siteId==301`: `;` is AND, `,` is OR, an attribute may occur once.

    Raises:
        ValueError: a part of the path is empty.
    """
    return OPERATION.request(
        path={
            "study_key": study_key,
        },
        query=(
            ("page", page),
            ("size", size),
            ("sort", sort),
            ("filter", filter),
        ),
    )
