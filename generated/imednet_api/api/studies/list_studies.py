# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
"""List the studies the keys may see.

List the studies the keys may see. Answers come in pages, see the page parameters.
"""

from __future__ import annotations

from typing import Final

from ...types import Operation, PageFacts

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
