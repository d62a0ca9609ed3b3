# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
"""List the forms of a study.

List the forms of a study. Answers come in pages, see the page parameters.
"""

from __future__ import annotations

from typing import Final

from ...types import Operation, PageFacts

OPERATION: Final = Operation(
    name="list_forms",
    method="GET",
    path="/api/v1/edc/studies/{study_key}/forms",
    tag="forms",
    success=(200,),
    answer="FormPage",
    path_parameters=("study_key",),
    query_parameters=(
        "page",
        "size",
        "sort",
        "filter",
    ),
    header_parameters=(),
    page=PageFacts(
        items="Form",
        max_size=500,
        default_sort=("formId",),
        key=("formId",),
        number="formId",
        design=True,
    ),
)
