"""Records of a study with their answers; the one resource that can be written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import httpx

from imednet_api.api.records import create_records
from imednet_api.types import Model, Request

from ..core.filtering.grammar import check_record_data_filter
from ..core.http_client_base import Reader
from ..core.options import CallOptions
from ..core.transport.responses import decoded, hidden_failure, not_json
from ..errors import ArgumentError
from ..utils.quiet import quiet
from .lists.typed import AsyncTypedRecords, TypedRecords

if TYPE_CHECKING:
    from imednet_api.models import Job


Item = Mapping[str, Any] | Model

_ADDRESS = re.compile(r"[!-~]+@[!-~]+")


def create_request(study_key: str, items: Sequence[Item], email_notify: bool | str | None) -> Request:
    """The request that writes items. Raises ArgumentError for what cannot be sent."""
    if isinstance(email_notify, str) and not _ADDRESS.fullmatch(email_notify):
        raise ArgumentError("email_notify (x-email-notify) must be True, False or one address, such as dm@example.org")
    if not isinstance(items, Sequence) or isinstance(items, (str, bytes)) or not items:
        raise ArgumentError("records_data must be a list with at least one item, even for a single item")
    body: list[Any] = quiet([])
    for number, item in enumerate(map(quiet, items)):
        if not isinstance(item, (Mapping, Model)):
            raise ArgumentError(f"item {number} of records_data must be a mapping or a model such as NewRecord")
        plain = quiet(item.to_dict() if isinstance(item, Model) else dict(item))
        if "data" not in plain:
            hint = "; answers are written under 'data', not 'recordData'" if "recordData" in plain else ""
            raise ArgumentError(f"item {number} of records_data has no 'data'{hint}")
        # An identifier that is present but empty changes what the server does, so empty ones are left out.
        body.append({name: value for name, value in plain.items() if name == "data" or value not in (None, "")})
    notify = str(email_notify).lower() if isinstance(email_notify, bool) else email_notify
    return create_records.request(study_key, body=body, x_email_notify=notify)


def job_reader(study_key: str) -> Reader[Job]:
    """Make a reader of jobs. It also takes a list of one job; an empty list becomes a job without any facts.

    The reader raises ApiError for a failure inside a success, and `httpx.DecodingError` for anything but a job.
    """

    def read(response: httpx.Response) -> Job:
        from imednet_api.models import Job  # here, because models are loaded when they are used first

        body = decoded(response)
        if body == []:
            return Job()
        if isinstance(body, list):
            body = body[0]
        if not isinstance(body, dict):
            raise not_json(response)
        hidden = hidden_failure(body.get("metadata"), response, study_key)
        if hidden is not None:
            raise hidden
        if not {"jobId", "batchId", "state"} & body.keys():
            raise httpx.DecodingError("the answer is not a job", request=response.request)
        return Job.from_dict(body)

    return read


class AsyncRecordsEndpoint(AsyncTypedRecords):
    """Records of a study with their answers.

    Lists also take `record_data_filter="AESER==Yes"`, an expression over answers. It uses either `;` or `,`, not both;
    `=~` means "contains".
    """

    def _parameter(self, name: str, value: Any) -> str:
        value = quiet(value)
        text = quiet(super()._parameter(name, value))
        if name == "recordDataFilter":
            check_record_data_filter(text)
        return text

    async def create(
        self,
        study_key: str | None,
        records_data: Sequence[Item],
        email_notify: bool | str | None = None,
        *,
        timeout: float | httpx.Timeout | None = None,
        retries: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Job:
        """Register subjects, create records or update records, as the identifiers of each item decide.

        The request is sent once. After a network error or a failure of the server the outcome is unknown: read the
        records back before you send them again. `workflows.record_update` does this for you.

        Args:
            study_key: the study; the one of this thread or task when it is `None`.
            records_data: items to write, as dictionaries or as models such as `NewRecord`; answers stand under `data`.
            email_notify: an address to notify when the job has finished, or a boolean.
            timeout, retries, headers: for this call alone.

        Returns:
            The job. `jobs.get(study_key, job.batch_id)` returns its state, never what became of single items.
        """
        records_data, email_notify = quiet(records_data), quiet(email_notify)
        study_key = self._study(study_key)
        request = create_request(study_key, records_data, email_notify)
        options = CallOptions(timeout, retries, headers)
        return await self._client.fetch(request, job_reader(study_key), study_key, options)


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class RecordsEndpoint(TypedRecords):
    """Records of a study with their answers.

    Lists also take `record_data_filter="AESER==Yes"`, an expression over answers. It uses either `;` or `,`, not both;
    `=~` means "contains".
    """

    def _parameter(self, name: str, value: Any) -> str:
        value = quiet(value)
        text = quiet(super()._parameter(name, value))
        if name == "recordDataFilter":
            check_record_data_filter(text)
        return text

    def create(
        self,
        study_key: str | None,
        records_data: Sequence[Item],
        email_notify: bool | str | None = None,
        *,
        timeout: float | httpx.Timeout | None = None,
        retries: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Job:
        """Register subjects, create records or update records, as the identifiers of each item decide.

        The request is sent once. After a network error or a failure of the server the outcome is unknown: read the
        records back before you send them again. `workflows.record_update` does this for you.

        Args:
            study_key: the study; the one of this thread or task when it is `None`.
            records_data: items to write, as dictionaries or as models such as `NewRecord`; answers stand under `data`.
            email_notify: an address to notify when the job has finished, or a boolean.
            timeout, retries, headers: for this call alone.

        Returns:
            The job. `jobs.get(study_key, job.batch_id)` returns its state, never what became of single items.
        """
        records_data, email_notify = quiet(records_data), quiet(email_notify)
        study_key = self._study(study_key)
        request = create_request(study_key, records_data, email_notify)
        options = CallOptions(timeout, retries, headers)
        return self._client.fetch(request, job_reader(study_key), study_key, options)
