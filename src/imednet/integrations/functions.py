"""Exports to files, DuckDB and SQL as functions: one call each, all with the options of `ExportOptions`.

For MongoDB, Neo4j and Snowflake create the sink yourself and pass it to `export_study`.
"""

from __future__ import annotations

import os
from typing import Literal, Unpack

from ..sdk import ImednetSDK
from .duckdb import STORAGE_VERSION, DuckDbSink, duckdb_home
from .excel import ExcelSink
from .files import CsvSink, JsonLinesSink, JsonSink
from .long import LongSink
from .on_disk.folder import beside, state_folder
from .parquet import ParquetSink
from .relational.engine import place_of
from .run.export import export_study
from .run.extract import Progress
from .run.report import ExportReport
from .sink import ExportSink
from .spss_sas import SavSink, XptSink
from .sql import SqlSink
from .tables.options import ExportKeywords, ExportOptions

PathLike = str | os.PathLike[str]


def _export(
    sdk: ImednetSDK,
    study_key: str,
    sink: ExportSink,
    home: PathLike,
    progress: Progress | None,
    options: ExportKeywords,
) -> ExportReport:
    return export_study(sdk, study_key, sink, home=home, progress=progress, options=ExportOptions(**options))


def export_to_parquet(
    sdk: ImednetSDK,
    study_key: str,
    folder: PathLike,
    *,
    progress: Progress | None = None,
    **options: Unpack[ExportKeywords],
) -> ExportReport:
    """Write a study as Parquet, one file per form, with a `manifest.json` in the same folder.

    Args:
        sdk: the SDK to read with.
        study_key: the study.
        folder: a folder that does not exist, is empty, or holds an earlier export, which is replaced.
        progress: called with the records read so far and the records the server has.
        **options: as in `ExportOptions`: `forms=["AE"]`, `deleted="drop"`, `names="label"`, `values="typed"`, ...

    Raises:
        ExportConfigurationError: the folder or a setting cannot be used, or pyarrow is missing; nothing was written.
        ExportIncompleteError: some forms were written, others could not be read.
        ImednetError: the study could not be read; the folder is unchanged.

    >>> import tempfile
    >>> from imednet import ImednetSDK
    >>> from imednet.sandbox import Sandbox
    >>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk, tempfile.TemporaryDirectory() as folder:
    ...     export_to_parquet(sdk, "TIDEWATER-201", folder + "/study").complete
    True
    """
    return _export(sdk, study_key, ParquetSink(folder), folder, progress, options)


def export_to_hive_parquet(
    sdk: ImednetSDK,
    study_key: str,
    folder: PathLike,
    *,
    progress: Progress | None = None,
    **options: Unpack[ExportKeywords],
) -> ExportReport:
    """Write a study as Parquet partitions `study=KEY/form=KEY`, beside those of other studies.

    Manifest, log, dictionary, issues and other lists are in `FOLDER.export/study=KEY`, so that readers of the folder
    meet records alone; see `export_to_parquet`.
    """
    home = ParquetSink.home(folder, study_key)
    return _export(sdk, study_key, ParquetSink(folder, hive=True), home, progress, options)


def export_to_csv(
    sdk: ImednetSDK,
    study_key: str,
    folder: PathLike,
    *,
    progress: Progress | None = None,
    **options: Unpack[ExportKeywords],
) -> ExportReport:
    """Write a study as CSV, one file per form, with `read.R` and `read.sas`; see `export_to_parquet`."""
    sink = CsvSink(folder, excel_safe=bool(options.get("excel_safe")))
    return _export(sdk, study_key, sink, folder, progress, options)


def export_to_json(
    sdk: ImednetSDK,
    study_key: str,
    folder: PathLike,
    *,
    lines: bool = False,
    raw: bool = False,
    progress: Progress | None = None,
    **options: Unpack[ExportKeywords],
) -> ExportReport:
    """Write a study as JSON, one file per form; see `export_to_parquet`.

    Args:
        lines: write JSON Lines instead of a list.
        raw: write the server's records unchanged instead of tidy rows.
    """
    sink = (JsonLinesSink if lines else JsonSink)(folder, raw_records=raw)
    return _export(sdk, study_key, sink, folder, progress, options)


def export_to_excel(
    sdk: ImednetSDK,
    study_key: str,
    path: PathLike,
    *,
    progress: Progress | None = None,
    **options: Unpack[ExportKeywords],
) -> ExportReport:
    """Write a study as one workbook; manifest and log are in `PATH.export`; see `export_to_parquet`."""
    return _export(sdk, study_key, ExcelSink(path), beside(path), progress, options)


def export_to_duckdb(
    sdk: ImednetSDK,
    study_key: str,
    path: PathLike,
    *,
    schema: str = "main",
    storage_version: str = STORAGE_VERSION,
    progress: Progress | None = None,
    **options: Unpack[ExportKeywords],
) -> ExportReport:
    """Write a study to a DuckDB file, one table per form; manifest and log are in `PATH.export`; see `DuckDbSink`."""
    sink = DuckDbSink(path, schema=schema, storage_version=storage_version)
    return _export(sdk, study_key, sink, duckdb_home(path, schema), progress, options)


def export_to_sql(
    sdk: ImednetSDK,
    study_key: str,
    url: str,
    *,
    schema: str | None = None,
    prefix: str = "",
    lowercase: bool = False,
    home: PathLike | None = None,
    progress: Progress | None = None,
    **options: Unpack[ExportKeywords],
) -> ExportReport:
    """Write a study to a SQL database, one table per form; see `export_to_parquet` and `SqlSink`.

    Args:
        schema, prefix, lowercase: as in `SqlSink`.
        home: the folder of manifest and log; by default one for each study and database in your state folder.
    """
    sink = SqlSink(url, schema=schema, prefix=prefix, lowercase=lowercase)
    folder = home or state_folder(
        "sql", study_key, place_of(url), schema or "", prefix, profile_home=sdk.config.state_home
    )
    return _export(sdk, study_key, sink, folder, progress, options)


def export_to_long_sql(
    sdk: ImednetSDK,
    study_key: str,
    url: str,
    *,
    schema: str | None = None,
    prefix: str = "",
    lowercase: bool = False,
    home: PathLike | None = None,
    progress: Progress | None = None,
    **options: Unpack[ExportKeywords],
) -> ExportReport:
    """Write a study to one table `answers` of a SQL database: record, form, variable, value; see `export_to_sql`."""
    sink = SqlSink(url, schema=schema, prefix=prefix, lowercase=lowercase)
    place = home or state_folder(
        "sql-long", study_key, place_of(url), schema or "", prefix, profile_home=sdk.config.state_home
    )
    return _export(sdk, study_key, LongSink(sink), place, progress, options)


def export_to_sav(
    sdk: ImednetSDK,
    study_key: str,
    folder: PathLike,
    *,
    progress: Progress | None = None,
    **options: Unpack[ExportKeywords],
) -> ExportReport:
    """Write a study as SPSS files, one per form; see `export_to_parquet`."""
    return _export(sdk, study_key, SavSink(folder), folder, progress, options)


def export_to_xpt(
    sdk: ImednetSDK,
    study_key: str,
    folder: PathLike,
    *,
    version: Literal[5, 8] = 5,
    progress: Progress | None = None,
    **options: Unpack[ExportKeywords],
) -> ExportReport:
    """Write a study as SAS transport files of version 5 or 8, one per form; see `export_to_parquet` and `XptSink`."""
    return _export(sdk, study_key, XptSink(folder, version=version), folder, progress, options)


export_to_sql_by_form = export_to_sql
export_to_duckdb_by_form = export_to_duckdb
