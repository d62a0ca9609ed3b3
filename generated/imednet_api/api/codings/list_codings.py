# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
"""List the coding activity of a study, a row for each revision of a coding.

List the coding activity of a study, a row for each revision of a coding. Answers come in pages, see the page
parameters.
"""

from __future__ import annotations

from typing import Final

from ...types import Operation, PageFacts

OPERATION: Final = Operation(
    name="list_codings",
    method="GET",
    path="/api/v1/edc/studies/{study_key}/codings",
    tag="codings",
    success=(200,),
    answer="CodingPage",
    path_parameters=("study_key",),
    query_parameters=(
        "page",
        "size",
        "sort",
        "filter",
    ),
    header_parameters=(),
    page=PageFacts(
        items="Coding",
        max_size=500,
        default_sort=("formId",),
        key=(
            "codingId",
            "revision",
        ),
        number="codingId",
    ),
)
