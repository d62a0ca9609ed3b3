"""The documented path of the retry loop; see `transport.retry_loop` and `transport.executor`."""

from .transport.executor import RequestExecutor as SyncRequestExecutor
from .transport.retry_loop import Outcome, RetryPlan

__all__ = ["Outcome", "RetryPlan", "SyncRequestExecutor"]
