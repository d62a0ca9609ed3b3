"""Python SDK, command line, sandbox and exports for the iMednet EDC REST API. Unofficial.

    from imednet import ImednetSDK

    with ImednetSDK() as sdk:  # keys from IMEDNET_API_KEY and IMEDNET_SECURITY_KEY
        for record in sdk.records.iter("ABC-01", form_key="AE"):
            print(record.record_id, record.record_data)

Names are loaded when they are used first, so that importing the package, or one of its errors, loads little else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._lazy import loader

if TYPE_CHECKING:
    from .async_sdk import AsyncImednetSDK as AsyncImednetSDK
    from .config import Config as Config
    from .config import load_config as load_config
    from .core.base_client import BaseClient as BaseClient
    from .core.filtering.conditions import F as F
    from .core.retry import DefaultRetryPolicy as DefaultRetryPolicy
    from .core.retry import RetryPolicy as RetryPolicy
    from .core.retry import RetryState as RetryState
    from .errors import FilterConflictError as FilterConflictError
    from .errors import ImednetError as ImednetError
    from .errors import OrchestratorError as OrchestratorError
    from .errors import PluginLoadError as PluginLoadError
    from .orchestration import MultiStudyOrchestrator as MultiStudyOrchestrator
    from .orchestration import OrchestratorResult as OrchestratorResult
    from .orchestration import StudyWorkerCallable as StudyWorkerCallable
    from .plugins import PluginProtocol as PluginProtocol
    from .plugins import WorkflowsNamespaceProtocol as WorkflowsNamespaceProtocol
    from .sdk import ImednetSDK as ImednetClient
    from .sdk import ImednetSDK as ImednetSDK

_HOMES = {
    "AsyncImednetSDK": "async_sdk",
    "BaseClient": "core.base_client",
    "Config": "config",
    "DefaultRetryPolicy": "core.retry",
    "F": "core.conditions",
    "FilterConflictError": "errors",
    "ImednetClient": "sdk:ImednetSDK",
    "ImednetError": "errors",
    "ImednetSDK": "sdk",
    "MultiStudyOrchestrator": "orchestration",
    "OrchestratorError": "errors",
    "OrchestratorResult": "orchestration",
    "PluginLoadError": "errors",
    "PluginProtocol": "plugins",
    "RetryPolicy": "core.retry",
    "RetryState": "core.retry",
    "StudyWorkerCallable": "orchestration",
    "WorkflowsNamespaceProtocol": "plugins",
    "load_config": "config",
}

__all__ = (
    "AsyncImednetSDK",
    "BaseClient",
    "Config",
    "DefaultRetryPolicy",
    "F",
    "FilterConflictError",
    "ImednetClient",
    "ImednetError",
    "ImednetSDK",
    "MultiStudyOrchestrator",
    "OrchestratorError",
    "OrchestratorResult",
    "PluginLoadError",
    "PluginProtocol",
    "RetryPolicy",
    "RetryState",
    "StudyWorkerCallable",
    "WorkflowsNamespaceProtocol",
    "__version__",
    "load_config",
)

_load = loader(__name__, _HOMES, globals())


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from ._version import version

        return version()
    return _load(name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
