"""Exports: whole studies written to files, databases and warehouses.

`run` holds one run of an export, `tables` the layout of its tables, `on_disk` what it leaves in a folder. `sink` is the
interface of a target, and each target has a module of its own. Optional libraries are loaded when a sink needs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._lazy import loader

if TYPE_CHECKING:
    from ..errors import ExportBatchError, ExportConfigurationError, ExportError, ExportIncompleteError
    from ._optional import _require_optional_dep as _require_optional_dep
    from .dataframes import StudyFrames, records_to_dataframe, study_frames
    from .document import MongoDBSink
    from .duckdb import DuckDbSink
    from .excel import ExcelSink
    from .files import CsvSink, JsonLinesSink, JsonSink
    from .functions import (
        export_to_csv,
        export_to_duckdb,
        export_to_duckdb_by_form,
        export_to_excel,
        export_to_hive_parquet,
        export_to_json,
        export_to_long_sql,
        export_to_parquet,
        export_to_sav,
        export_to_sql,
        export_to_sql_by_form,
        export_to_xpt,
    )
    from .graph import Neo4jSink
    from .long import LongSink
    from .parquet import ParquetSink
    from .run.export import export_study
    from .run.export_async import export_study_async
    from .run.report import ExportedForm, ExportReport
    from .sink import ExportSink
    from .sink import _redact_uri as _redact_uri
    from .spss_sas import SavSink, XptSink
    from .sql import SqlSink
    from .tables.batches import Batch, Issue
    from .tables.layout import Column, Shape, StudyTables, Table
    from .tables.options import ExportOptions
    from .warehouse import SnowflakeSink

_HOMES = {
    **dict.fromkeys(("Batch", "Issue"), "tables.batches"),
    **dict.fromkeys(("Column", "Shape", "StudyTables", "Table"), "tables.layout"),
    **dict.fromkeys(("CsvSink", "JsonLinesSink", "JsonSink"), "files"),
    **dict.fromkeys(("ExportSink", "_redact_uri"), "sink"),
    **dict.fromkeys(("ExportedForm", "ExportReport"), "run.report"),
    **dict.fromkeys(("SavSink", "XptSink"), "spss_sas"),
    **dict.fromkeys(("StudyFrames", "records_to_dataframe", "study_frames"), "dataframes"),
    **dict.fromkeys(
        (
            "export_to_csv", "export_to_duckdb", "export_to_duckdb_by_form", "export_to_excel",
            "export_to_hive_parquet", "export_to_json", "export_to_long_sql", "export_to_parquet", "export_to_sav",
            "export_to_sql", "export_to_sql_by_form", "export_to_xpt",
        ),
        "functions",
    ),
    "DuckDbSink": "duckdb",
    "ExcelSink": "excel",
    "ExportOptions": "tables.options",
    "LongSink": "long",
    "MongoDBSink": "document",
    "Neo4jSink": "graph",
    "ParquetSink": "parquet",
    "SnowflakeSink": "warehouse",
    "SqlSink": "sql",
    "_require_optional_dep": "_optional",
    "export_study": "run.export",
    "export_study_async": "run.export_async",
    **dict.fromkeys(
        ("ExportBatchError", "ExportConfigurationError", "ExportError", "ExportIncompleteError"), ".errors"
    ),
}  # fmt: skip

__all__ = [
    "Batch",
    "Column",
    "CsvSink",
    "DuckDbSink",
    "ExcelSink",
    "ExportBatchError",
    "ExportConfigurationError",
    "ExportError",
    "ExportIncompleteError",
    "ExportOptions",
    "ExportReport",
    "ExportSink",
    "ExportedForm",
    "Issue",
    "JsonLinesSink",
    "JsonSink",
    "LongSink",
    "MongoDBSink",
    "Neo4jSink",
    "ParquetSink",
    "SavSink",
    "Shape",
    "SnowflakeSink",
    "SqlSink",
    "StudyFrames",
    "StudyTables",
    "Table",
    "XptSink",
    "export_study",
    "export_study_async",
    "export_to_csv",
    "export_to_duckdb",
    "export_to_duckdb_by_form",
    "export_to_excel",
    "export_to_hive_parquet",
    "export_to_json",
    "export_to_long_sql",
    "export_to_parquet",
    "export_to_sav",
    "export_to_sql",
    "export_to_sql_by_form",
    "export_to_xpt",
    "records_to_dataframe",
    "study_frames",
]

_load = loader(__name__, _HOMES, globals())


def __getattr__(name: str) -> Any:
    return _load(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
