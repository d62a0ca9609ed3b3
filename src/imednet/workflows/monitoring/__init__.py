"""Monitoring: tables of enrolment, queries, missing pages and the like, each made by one function.

`workflow` reads lists and is `sdk.workflows.monitoring`. `study_data` is what was read, `table` is what comes out, and
each module beside them makes the tables of one subject from the data alone, so that reports and dashboards read once
and show many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..._lazy import loader

if TYPE_CHECKING:
    from .study_data import StudyData
    from .table import Chart, Column, MonitoringTable
    from .workflow import AsyncMonitoringWorkflow, MonitoringWorkflow

_HOMES = {
    "AsyncMonitoringWorkflow": "workflow", "Chart": "table", "Column": "table", "MonitoringTable": "table",
    "MonitoringWorkflow": "workflow", "StudyData": "study_data",
}  # fmt: skip

__all__ = ["AsyncMonitoringWorkflow", "Chart", "Column", "MonitoringTable", "MonitoringWorkflow", "StudyData"]

_load = loader(__name__, _HOMES, globals())


def __getattr__(name: str) -> Any:
    return _load(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
