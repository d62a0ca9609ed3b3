# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
"""List the users of a study with their roles.

List the users of a study with their roles. Answers come in pages, see the page parameters.
"""

from __future__ import annotations

from typing import Final

from ...types import UNSET, Operation, PageFacts, Request, Unset

OPERATION: Final = Operation(
    name="list_users",
    method="GET",
    path="/api/v1/edc/studies/{study_key}/users",
    tag="users",
    success=(200,),
    answer="UserPage",
    path_parameters=("study_key",),
    query_parameters=(
        "page",
        "size",
        "sort",
        "includeInactive",
    ),
    header_parameters=(),
    page=PageFacts(
        items="User",
        max_size=500,
        default_sort=("login",),
        key=("userId",),
        key_else=("login",),
        walk=("login",),
    ),
)


def request(
    study_key: str,
    *,
    page: int | None | Unset = UNSET,
    size: int | None | Unset = UNSET,
    sort: list[str] | None | Unset = UNSET,
    include_inactive: bool | None | Unset = UNSET,
) -> Request:
    """List the users of a study with their roles.

    Args:
        study_key: Key of the study. An unknown key is answered with 403, not 404.
        page: Number of the page, from 0.
        size: Rows a page. Compare it with the size that the answer echoes.
        sort: Field and direction, as in `recordId,asc`; repeated for secondary fields.
        include_inactive: Also list users who are inactive in the study.

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
            ("includeInactive", include_inactive),
        ),
    )
