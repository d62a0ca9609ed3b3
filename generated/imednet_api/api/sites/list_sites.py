# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
"""List the sites of a study.

List the sites of a study. Answers come in pages, see the page parameters.
"""

from __future__ import annotations

from typing import Final

from ...types import Operation, PageFacts

OPERATION: Final = Operation(
    name="list_sites",
    method="GET",
    path="/api/v1/edc/studies/{study_key}/sites",
    tag="sites",
    success=(200,),
    answer="SitePage",
    path_parameters=("study_key",),
    query_parameters=(
        "page",
        "size",
        "sort",
        "filter",
    ),
    header_parameters=(),
    page=PageFacts(
        items="Site",
        max_size=500,
        default_sort=("siteId",),
        key=("siteId",),
        number="siteId",
    ),
)
