"""The object behind `sdk.workflows`: an attribute for each workflow, made at first use."""

from __future__ import annotations

import inspect
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from ..resource_attributes import AsyncSDKProtocol, SDKProtocol
    from .audit_trail import AsyncAuditTrailWorkflow, AuditTrailWorkflow
    from .coding_reconciliation import AsyncCodingReconciliationWorkflow, CodingReconciliationWorkflow
    from .data_extraction import AsyncDataExtractionWorkflow, DataExtractionWorkflow
    from .drift import AsyncDriftWorkflow, DriftWorkflow
    from .monitoring.workflow import AsyncMonitoringWorkflow, MonitoringWorkflow
    from .query_management import AsyncQueryManagementWorkflow, QueryManagementWorkflow
    from .record_mapper import AsyncRecordMapperWorkflow, RecordMapperWorkflow
    from .record_update import (
        AsyncRecordUpdateWorkflow,
        AsyncRegisterSubjectsWorkflow,
        RecordUpdateWorkflow,
        RegisterSubjectsWorkflow,
    )
    from .study_structure import AsyncStudyStructureWorkflow, StudyStructureWorkflow
    from .subject_data import AsyncSubjectDataWorkflow, SubjectDataWorkflow
    from .visits import AsyncVisitsWorkflow, VisitsWorkflow


class _Namespace:
    """Base of both namespaces."""

    def names(self) -> list[str]:
        """Names of all workflows."""
        return [name for name, value in vars(type(self)).items() if isinstance(value, cached_property)]

    if not TYPE_CHECKING:  # so that type checkers reject unknown names

        def __getattr__(self, name: str) -> Any:
            known = ", ".join(self.names())
            raise AttributeError(f"there is no workflow {name!r}; there are {known}", name=name, obj=self)

    def __repr__(self) -> str:
        return f"<workflows: {', '.join(self.names())}>"


def described() -> list[dict[str, str]]:
    """Every method of every workflow, with the first line of its docstring."""
    workflows = Workflows(cast(Any, None))
    return [
        {"workflow": name, "method": method, "does": (inspect.getdoc(value) or "").split("\n")[0]}
        for name in workflows.names()
        for method, value in vars(type(getattr(workflows, name))).items()
        if callable(value) and not method.startswith("_")
    ]


def create_workflows(sdk: Any) -> Workflows | AsyncWorkflows:
    """Make the workflows of an SDK; registered as an entry point of `imednet.plugins`."""
    # An asynchronous SDK is recognised by its name, so that a blocking program does not load it.
    asynchronous = any(cls.__name__ == "AsyncImednetSDK" for cls in type(sdk).__mro__)
    return AsyncWorkflows(sdk) if asynchronous else Workflows(sdk)


class AsyncWorkflows(_Namespace):
    """The workflows of an `AsyncImednetSDK`."""

    def __init__(self, sdk: AsyncSDKProtocol) -> None:
        self._sdk = sdk

    @cached_property
    def audit_trail(self) -> AsyncAuditTrailWorkflow:
        """The audit trail: who changed which record, when and why."""
        from .audit_trail import AsyncAuditTrailWorkflow

        return AsyncAuditTrailWorkflow(self._sdk)

    @cached_property
    def coding_reconciliation(self) -> AsyncCodingReconciliationWorkflow:
        """Terms that are coded, coded again, or not coded."""
        from .coding_reconciliation import AsyncCodingReconciliationWorkflow

        return AsyncCodingReconciliationWorkflow(self._sdk)

    @cached_property
    def data_extraction(self) -> AsyncDataExtractionWorkflow:
        """Records chosen by filters of the record, its subject and its visit."""
        from .data_extraction import AsyncDataExtractionWorkflow

        return AsyncDataExtractionWorkflow(self._sdk)

    @cached_property
    def record_mapper(self) -> AsyncRecordMapperWorkflow:
        """Records as DataFrames and as a tree."""
        from .record_mapper import AsyncRecordMapperWorkflow

        return AsyncRecordMapperWorkflow(self._sdk)

    @cached_property
    def drift(self) -> AsyncDriftWorkflow:
        """Differences between live answers and the description of the API."""
        from .drift import AsyncDriftWorkflow

        return AsyncDriftWorkflow(self._sdk)

    @cached_property
    def monitoring(self) -> AsyncMonitoringWorkflow:
        """Tables for data managers and monitors."""
        from .monitoring.workflow import AsyncMonitoringWorkflow

        return AsyncMonitoringWorkflow(self._sdk)

    @cached_property
    def query_management(self) -> AsyncQueryManagementWorkflow:
        """Queries by state, subject and site; counts and ageing."""
        from .query_management import AsyncQueryManagementWorkflow

        return AsyncQueryManagementWorkflow(self._sdk)

    @cached_property
    def study_structure(self) -> AsyncStudyStructureWorkflow:
        """The design of a study, and what changed in it."""
        from .study_structure import AsyncStudyStructureWorkflow

        return AsyncStudyStructureWorkflow(self._sdk)

    @cached_property
    def subject_data(self) -> AsyncSubjectDataWorkflow:
        """Everything about one subject."""
        from .subject_data import AsyncSubjectDataWorkflow

        return AsyncSubjectDataWorkflow(self._sdk)

    @cached_property
    def visits(self) -> AsyncVisitsWorkflow:
        """Visits and their windows; diary compliance."""
        from .visits import AsyncVisitsWorkflow

        return AsyncVisitsWorkflow(self._sdk)

    @cached_property
    def record_update(self) -> AsyncRecordUpdateWorkflow:
        """Writing of records, checked before and read back after."""
        from .record_update import AsyncRecordUpdateWorkflow

        return AsyncRecordUpdateWorkflow(self._sdk)

    @cached_property
    def register_subjects(self) -> AsyncRegisterSubjectsWorkflow:
        """Registration of many subjects."""
        from .record_update import AsyncRegisterSubjectsWorkflow

        return AsyncRegisterSubjectsWorkflow(self._sdk)


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class Workflows(_Namespace):
    """The workflows of an `ImednetSDK`."""

    def __init__(self, sdk: SDKProtocol) -> None:
        self._sdk = sdk

    @cached_property
    def audit_trail(self) -> AuditTrailWorkflow:
        """The audit trail: who changed which record, when and why."""
        from .audit_trail import AuditTrailWorkflow

        return AuditTrailWorkflow(self._sdk)

    @cached_property
    def coding_reconciliation(self) -> CodingReconciliationWorkflow:
        """Terms that are coded, coded again, or not coded."""
        from .coding_reconciliation import CodingReconciliationWorkflow

        return CodingReconciliationWorkflow(self._sdk)

    @cached_property
    def data_extraction(self) -> DataExtractionWorkflow:
        """Records chosen by filters of the record, its subject and its visit."""
        from .data_extraction import DataExtractionWorkflow

        return DataExtractionWorkflow(self._sdk)

    @cached_property
    def record_mapper(self) -> RecordMapperWorkflow:
        """Records as DataFrames and as a tree."""
        from .record_mapper import RecordMapperWorkflow

        return RecordMapperWorkflow(self._sdk)

    @cached_property
    def drift(self) -> DriftWorkflow:
        """Differences between live answers and the description of the API."""
        from .drift import DriftWorkflow

        return DriftWorkflow(self._sdk)

    @cached_property
    def monitoring(self) -> MonitoringWorkflow:
        """Tables for data managers and monitors."""
        from .monitoring.workflow import MonitoringWorkflow

        return MonitoringWorkflow(self._sdk)

    @cached_property
    def query_management(self) -> QueryManagementWorkflow:
        """Queries by state, subject and site; counts and ageing."""
        from .query_management import QueryManagementWorkflow

        return QueryManagementWorkflow(self._sdk)

    @cached_property
    def study_structure(self) -> StudyStructureWorkflow:
        """The design of a study, and what changed in it."""
        from .study_structure import StudyStructureWorkflow

        return StudyStructureWorkflow(self._sdk)

    @cached_property
    def subject_data(self) -> SubjectDataWorkflow:
        """Everything about one subject."""
        from .subject_data import SubjectDataWorkflow

        return SubjectDataWorkflow(self._sdk)

    @cached_property
    def visits(self) -> VisitsWorkflow:
        """Visits and their windows; diary compliance."""
        from .visits import VisitsWorkflow

        return VisitsWorkflow(self._sdk)

    @cached_property
    def record_update(self) -> RecordUpdateWorkflow:
        """Writing of records, checked before and read back after."""
        from .record_update import RecordUpdateWorkflow

        return RecordUpdateWorkflow(self._sdk)

    @cached_property
    def register_subjects(self) -> RegisterSubjectsWorkflow:
        """Registration of many subjects."""
        from .record_update import RegisterSubjectsWorkflow

        return RegisterSubjectsWorkflow(self._sdk)
