"""What stands behind `sdk.workflows`: an attribute for each workflow, made when it is used first."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .audit_trail import AsyncAuditTrailWorkflow, AuditTrailWorkflow
    from .coding_reconciliation import AsyncCodingReconciliationWorkflow, CodingReconciliationWorkflow
    from .data_extraction import AsyncDataExtractionWorkflow, DataExtractionWorkflow
    from .drift import AsyncDriftWorkflow, DriftWorkflow
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

_HOMES: Final = {
    "audit_trail": ("audit_trail", "AuditTrailWorkflow"),
    "coding_reconciliation": ("coding_reconciliation", "CodingReconciliationWorkflow"),
    "data_extraction": ("data_extraction", "DataExtractionWorkflow"),
    "record_mapper": ("record_mapper", "RecordMapperWorkflow"),
    "drift": ("drift", "DriftWorkflow"),
    "query_management": ("query_management", "QueryManagementWorkflow"),
    "study_structure": ("study_structure", "StudyStructureWorkflow"),
    "subject_data": ("subject_data", "SubjectDataWorkflow"),
    "visits": ("visits", "VisitsWorkflow"),
    "record_update": ("record_update", "RecordUpdateWorkflow"),
    "register_subjects": ("record_update", "RegisterSubjectsWorkflow"),
}
"""Attribute -> module and class; the asynchronous class has `Async` before its name."""


class _Namespace:
    _prefix = ""

    def __init__(self, sdk: Any) -> None:
        self._sdk = sdk

    def __getattr__(self, name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"there is no workflow {name!r}; there are {', '.join(_HOMES)}", name=name, obj=self)
        module, cls = _HOMES[name]
        made = getattr(import_module(f".{module}", __package__), self._prefix + cls)(self._sdk)
        return self.__dict__.setdefault(name, made)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_HOMES})

    def __repr__(self) -> str:
        return f"<workflows: {', '.join(_HOMES)}>"


class Workflows(_Namespace):
    """The workflows of an `ImednetSDK`."""

    audit_trail: AuditTrailWorkflow
    coding_reconciliation: CodingReconciliationWorkflow
    data_extraction: DataExtractionWorkflow
    drift: DriftWorkflow
    query_management: QueryManagementWorkflow
    record_mapper: RecordMapperWorkflow
    study_structure: StudyStructureWorkflow
    subject_data: SubjectDataWorkflow
    visits: VisitsWorkflow
    record_update: RecordUpdateWorkflow
    register_subjects: RegisterSubjectsWorkflow


class AsyncWorkflows(_Namespace):
    """The workflows of an `AsyncImednetSDK`."""

    _prefix = "Async"

    audit_trail: AsyncAuditTrailWorkflow
    coding_reconciliation: AsyncCodingReconciliationWorkflow
    data_extraction: AsyncDataExtractionWorkflow
    drift: AsyncDriftWorkflow
    query_management: AsyncQueryManagementWorkflow
    record_mapper: AsyncRecordMapperWorkflow
    study_structure: AsyncStudyStructureWorkflow
    subject_data: AsyncSubjectDataWorkflow
    visits: AsyncVisitsWorkflow
    record_update: AsyncRecordUpdateWorkflow
    register_subjects: AsyncRegisterSubjectsWorkflow


def described() -> list[dict[str, str]]:
    """Every workflow and method with its first line, for people."""
    found = []
    for name, (module, cls) in _HOMES.items():
        kind = getattr(import_module(f".{module}", __package__), cls)
        for method, value in vars(kind).items():
            if callable(value) and not method.startswith("_"):
                found.append({"workflow": name, "method": method, "does": str(value.__doc__).split("\n")[0]})
    return found


def create_workflows(sdk: Any) -> Workflows | AsyncWorkflows:
    """The factory that is registered under `imednet.plugins`."""
    # An asynchronous SDK is told by its name, so that a blocking program does not load it.
    asynchronous = any(cls.__name__ == "AsyncImednetSDK" for cls in type(sdk).__mro__)
    return AsyncWorkflows(sdk) if asynchronous else Workflows(sdk)
