"""Flat methods of an SDK, such as `sdk.get_sites(...)` for `sdk.sites.list(...)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .core.polling import AsyncJobPoller, JobPoller
from .resource_attributes import AsyncSDKProtocol, ResourceLists, SDKProtocol

if TYPE_CHECKING:
    from imednet_api.models import Job

__all__ = ["AsyncJobPoller", "AsyncSDKProtocol", "JobPoller", "SDKConvenienceMixin", "SDKProtocol"]


class SDKConvenienceMixin(ResourceLists):
    """Each method calls `list`, `get` or `create` of one endpoint with the same arguments."""

    def poll_job(
        self: SDKProtocol, study_key: str | None, batch_id: str, *, interval: float = 5, timeout: float = 300
    ) -> Job:
        """Wait for a job to end and return it, whatever its state.

        Args:
            study_key: the study; the one of this thread or task when it is `None`.
            batch_id: `batch_id` of the job that `records.create` returned.
            interval: seconds between two checks; the first ones follow sooner, late ones after up to 15 seconds.
            timeout: seconds in all.

        Raises:
            JobTimeoutError: the job has not ended in time; also a `TimeoutError`.
        """
        return JobPoller(self.jobs.get).run(study_key, batch_id, interval, timeout)

    async def async_poll_job(
        self: AsyncSDKProtocol, study_key: str | None, batch_id: str, *, interval: float = 5, timeout: float = 300
    ) -> Job:
        """Wait for a job to end and return it; see `poll_job`."""
        return await AsyncJobPoller(self.jobs.get).run(study_key, batch_id, interval, timeout)

    def get_job(self: SDKProtocol, study_key: str, batch_id: str) -> Job:
        """Read the state of a batch."""
        return self.jobs.get(study_key, batch_id)

    async def async_get_job(self: AsyncSDKProtocol, study_key: str, batch_id: str) -> Job:
        """Read the state of a batch."""
        return await self.jobs.get(study_key, batch_id)

    def create_record(
        self: SDKProtocol,
        study_key: str,
        records_data: list[dict[str, Any]],
        email_notify: bool | str | None = None,
    ) -> Job:
        """Write records; see `RecordsEndpoint.create`."""
        return self.records.create(study_key, records_data, email_notify)
