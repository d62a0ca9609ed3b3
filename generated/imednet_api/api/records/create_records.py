# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
"""Register subjects, create records or update records.

The server decides from the identifiers present in each item which of the four actions happens. The answer is
the handle of a job; what became of the items must be read back. There is no idempotency key: a request whose
outcome is unknown must not be sent again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from typing import Any as _Any

from ...types import UNSET, Operation, Request, Unset

if TYPE_CHECKING:
    pass

OPERATION: Final = Operation(
    name="create_records",
    method="POST",
    path="/api/v1/edc/studies/{study_key}/records",
    tag="records",
    success=(
        200,
        202,
    ),
    answer="Job",
    path_parameters=("study_key",),
    query_parameters=(),
    header_parameters=("x-email-notify",),
)


def request(
    study_key: str,
    *,
    body: list[_Any],
    x_email_notify: str | None | Unset = UNSET,
) -> Request:
    """Register subjects, create records or update records.

    Args:
        study_key: Key of the study. An unknown key is answered with 403, not 404.
        x_email_notify: An e-mail address that is told when the job has finished.
        body: Items to write.

    Raises:
        ValueError: a part of the path is empty.
    """
    return OPERATION.request(
        path={
            "study_key": study_key,
        },
        headers=(("x-email-notify", x_email_notify),),
        body=body,
    )
