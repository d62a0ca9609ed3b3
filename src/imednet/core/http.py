"""The documented path of `transport.executor`."""

from .transport.executor import Outcome, RetryPlan, SyncRequestExecutor

__all__ = ["Outcome", "RetryPlan", "SyncRequestExecutor"]
