"""Jobs: the state of writes, which the server carries out in the background."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import httpx

from imednet_api.api.jobs import get_job
from imednet_api.types import Request

from ..core.options import CallOptions
from ..core.protocols import AsyncReadingClient, ReadingClient
from ..utils.url import check_path_part
from .lists.shared import GenericEndpoint
from .records import job_reader

if TYPE_CHECKING:
    from imednet_api.models import Job


def _request(study_key: str, batch_id: str) -> Request:
    return get_job.request(study_key, check_path_part("batch_id", batch_id))


class AsyncJobsEndpoint(GenericEndpoint[AsyncReadingClient]):
    """The state of a batch of written records. The API has no list of jobs."""

    async def get(
        self,
        study_key: str | None,
        batch_id: str,
        *,
        timeout: float | httpx.Timeout | None = None,
        retries: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Job:
        """Read the state of a batch.

        Args:
            study_key: the study; the one of this thread or task when it is `None`.
            batch_id: `batch_id` of the answer to `records.create`; `job_id` is another value.
            timeout, retries, headers: for this call alone.
        """
        study_key = self._study(study_key)
        options = CallOptions(timeout, retries, headers)
        return await self._client.fetch(_request(study_key, batch_id), job_reader(study_key), study_key, options)


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class JobsEndpoint(GenericEndpoint[ReadingClient]):
    """The state of a batch of written records. The API has no list of jobs."""

    def get(
        self,
        study_key: str | None,
        batch_id: str,
        *,
        timeout: float | httpx.Timeout | None = None,
        retries: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Job:
        """Read the state of a batch.

        Args:
            study_key: the study; the one of this thread or task when it is `None`.
            batch_id: `batch_id` of the answer to `records.create`; `job_id` is another value.
            timeout, retries, headers: for this call alone.
        """
        study_key = self._study(study_key)
        options = CallOptions(timeout, retries, headers)
        return self._client.fetch(_request(study_key, batch_id), job_reader(study_key), study_key, options)
