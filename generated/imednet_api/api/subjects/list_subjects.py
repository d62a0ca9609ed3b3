# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
"""List the subjects of a study, deleted ones included.

List the subjects of a study, deleted ones included. Answers come in pages, see the page parameters.
"""

from __future__ import annotations

from typing import Final

from ...types import Operation, PageFacts

OPERATION: Final = Operation(
    name="list_subjects",
    method="GET",
    path="/api/v1/edc/studies/{study_key}/subjects",
    tag="subjects",
    success=(200,),
    answer="SubjectPage",
    path_parameters=("study_key",),
    query_parameters=(
        "page",
        "size",
        "sort",
        "filter",
    ),
    header_parameters=(),
    page=PageFacts(
        items="Subject",
        max_size=500,
        default_sort=("subjectId",),
        key=("subjectId",),
        number="subjectId",
    ),
)
