# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
"""List the records of a study with their answers.

List the records of a study with their answers. Answers come in pages, see the page parameters.
"""

from __future__ import annotations

from typing import Final

from ...types import Operation, PageFacts

OPERATION: Final = Operation(
    name="list_records",
    method="GET",
    path="/api/v1/edc/studies/{study_key}/records",
    tag="records",
    success=(200,),
    answer="RecordPage",
    path_parameters=("study_key",),
    query_parameters=(
        "page",
        "size",
        "sort",
        "filter",
        "recordDataFilter",
    ),
    header_parameters=(),
    page=PageFacts(
        items="Record",
        max_size=500,
        default_sort=("recordId",),
        key=("recordId",),
        number="recordId",
    ),
)
