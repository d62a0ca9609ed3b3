# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
"""List the intervals of a study, each with its forms.

List the intervals of a study, each with its forms. Answers come in pages, see the page parameters.
"""

from __future__ import annotations

from typing import Final

from ...types import Operation, PageFacts

OPERATION: Final = Operation(
    name="list_intervals",
    method="GET",
    path="/api/v1/edc/studies/{study_key}/intervals",
    tag="intervals",
    success=(200,),
    answer="IntervalPage",
    path_parameters=("study_key",),
    query_parameters=(
        "page",
        "size",
        "sort",
        "filter",
    ),
    header_parameters=(),
    page=PageFacts(
        items="Interval",
        max_size=500,
        default_sort=("intervalId",),
        key=("intervalId",),
        number="intervalId",
        design=True,
    ),
)
