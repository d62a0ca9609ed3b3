# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
"""List the saved states of records. They hold no answers.

List the saved states of records. They hold no answers. Answers come in pages, see the page parameters.
"""

from __future__ import annotations

from typing import Final

from ...types import Operation, PageFacts

OPERATION: Final = Operation(
    name="list_record_revisions",
    method="GET",
    path="/api/v1/edc/studies/{study_key}/recordRevisions",
    tag="record_revisions",
    success=(200,),
    answer="RecordRevisionPage",
    path_parameters=("study_key",),
    query_parameters=(
        "page",
        "size",
        "sort",
        "filter",
    ),
    header_parameters=(),
    page=PageFacts(
        items="RecordRevision",
        max_size=500,
        default_sort=("recordRevisionId",),
        key=("recordRevisionId",),
        number="recordRevisionId",
    ),
)
