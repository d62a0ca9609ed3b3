"""Exports: whole studies into files. Optional libraries are loaded when a function needs them."""

from ..errors import ExportBatchError, ExportConfigurationError, ExportError
from .study_export import ExportedForm, ExportReport, export_study, export_to_csv, export_to_parquet

__all__ = [
    "ExportBatchError",
    "ExportConfigurationError",
    "ExportError",
    "ExportReport",
    "ExportedForm",
    "export_study",
    "export_to_csv",
    "export_to_parquet",
]
