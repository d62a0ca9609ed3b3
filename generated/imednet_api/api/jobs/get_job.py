# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
"""Read the state of one batch.

Only batchId goes into the path; jobId is another value. The job tells nothing about single items.
"""

from __future__ import annotations

from typing import Final

from ...types import Operation, Request

OPERATION: Final = Operation(
    name="get_job",
    method="GET",
    path="/api/v1/edc/studies/{study_key}/jobs/{batch_id}",
    tag="jobs",
    success=(200,),
    answer="Job",
    path_parameters=(
        "study_key",
        "batch_id",
    ),
    query_parameters=(),
    header_parameters=(),
)


def request(
    study_key: str,
    batch_id: str,
) -> Request:
    """Read the state of one batch.

    Args:
        study_key: Key of the study. An unknown key is answered with 403, not 404.
        batch_id: The batchId of the answer to createRecords, an opaque text.

    Raises:
        ValueError: a part of the path is empty.
    """
    return OPERATION.request(
        path={
            "study_key": study_key,
            "batch_id": batch_id,
        },
    )
