# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
"""List the visits of all subjects of a study.

List the visits of all subjects of a study. Answers come in pages, see the page parameters.
"""

from __future__ import annotations

from typing import Final

from ...types import Operation, PageFacts

OPERATION: Final = Operation(
    name="list_visits",
    method="GET",
    path="/api/v1/edc/studies/{study_key}/visits",
    tag="visits",
    success=(200,),
    answer="VisitPage",
    path_parameters=("study_key",),
    query_parameters=(
        "page",
        "size",
        "sort",
        "filter",
    ),
    header_parameters=(),
    page=PageFacts(
        items="Visit",
        max_size=500,
        default_sort=("visitId",),
        key=("visitId",),
        number="visitId",
        filterable=(
            "intervalGroupId",
            "intervalGroupName",
        ),
    ),
)
