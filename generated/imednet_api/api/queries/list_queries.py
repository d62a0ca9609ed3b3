# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
"""List the queries of a study with their comments.

List the queries of a study with their comments. Answers come in pages, see the page parameters.
"""

from __future__ import annotations

from typing import Final

from ...types import Operation, PageFacts

OPERATION: Final = Operation(
    name="list_queries",
    method="GET",
    path="/api/v1/edc/studies/{study_key}/queries",
    tag="queries",
    success=(200,),
    answer="QueryPage",
    path_parameters=("study_key",),
    query_parameters=(
        "page",
        "size",
        "sort",
        "filter",
    ),
    header_parameters=(),
    page=PageFacts(
        items="Query",
        max_size=500,
        default_sort=("annotationId",),
        key=("annotationId",),
        number="annotationId",
    ),
)
