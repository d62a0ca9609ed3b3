# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
"""List the users of a study with their roles.

List the users of a study with their roles. Answers come in pages, see the page parameters.
"""

from __future__ import annotations

from typing import Final

from ...types import Operation, PageFacts

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
