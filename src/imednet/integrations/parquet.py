"""Parquet: one file per table, with types from the study's design and the facts of each column in its metadata."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ._optional import _require_optional_dep
from .files import FileSink
from .on_disk.exported_files import read_parquet
from .on_disk.folder import PARTITION, ExportFolder, beside
from .tables.arrow import pyarrow, record_batch, schema_of
from .tables.batches import Batch
from .tables.layout import Shape, StudyTables, Table

_GROUP_ROWS = 10_000
_GROUP_BYTES = 16_000_000
_LONGEST_FOLDER = 180


class ParquetSink(FileSink):
    """A folder of Parquet files.

    Args:
        folder: where the files go.
        hive: name the files of forms `study=KEY/form=KEY/part-0.parquet`, partitions that Arrow, DuckDB, polars, Spark
            and Hive read as one dataset of many studies. Other tables go to the folder of the manifest, where no reader
            of the dataset meets them; `home` gives one outside the dataset.
    """

    kind = "parquet"
    shape = Shape(values="both")
    ending = "parquet"
    arrow = True
    batch_rows = 2_000

    def __init__(self, folder: str | os.PathLike[str], *, hive: bool = False) -> None:
        pyarrow()
        self._parquet = _require_optional_dep("pyarrow.parquet", "export")
        super().__init__(folder)
        self._hive = hive
        if hive:
            self.kind = "parquet-partitioned"  # type: ignore[misc]
            self.data = self.folder
        self._writer: Any = None

    def begin(self, tables: StudyTables, home: ExportFolder | None) -> None:
        """Choose the file names."""
        super().begin(tables, home)
        if self._hive:
            assert home is not None
            study = partition_name(tables.study_key)
            home.check_partition(study)
            kept = {key: file.removesuffix(".parquet") for key, file in home.files().items()}
            taken = {stem.casefold() for stem in kept.values()}  # on some disks, `AE` and `ae` are one folder
            for key in (*tables.listed, tables.unassigned.key):
                if key not in kept:
                    folder = f"{study}/form={_folder_name(key)}"
                    places = (f"{folder}/part-{number}" for number in count())
                    kept[key] = next(place for place in places if place.casefold() not in taken)
                    taken.add(kept[key].casefold())
                self._stems[key] = kept[key]

    @staticmethod
    def home(folder: str | os.PathLike[str], study_key: str) -> Path:
        """The folder of manifest, log and other tables of one study's partitions in `folder`."""
        return beside(folder, partition_name(study_key))

    def read_rows(self, path: Path) -> Iterator[Mapping[str, Any]]:
        """The rows of a Parquet file, by column."""
        return read_parquet(path)

    def open_file(self, path: Path, table: Table) -> None:
        """Open the file of a table."""
        self._schema = schema_of(table)
        self._held: list[Any] = []
        self._rows = self._bytes = 0
        self._writer = self._parquet.ParquetWriter(path, self._schema)

    def write_rows(self, batch: Batch) -> None:
        """Collect rows up to a row group: small groups make files larger, large ones take memory."""
        rows = record_batch(batch, self._schema)
        self._held.append(rows)
        self._rows += len(rows)
        self._bytes += rows.nbytes
        if self._rows >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._write_group()

    def close_file(self) -> None:
        """Write the last row group and close the file."""
        writer, self._writer = self._writer, None
        if writer is not None:
            try:
                if self._held:
                    self._write_group(writer)
            finally:
                writer.close()

    def _write_group(self, writer: Any = None) -> None:
        table = pyarrow().Table.from_batches(self._held, schema=self._schema)
        self._held, self._rows, self._bytes = [], 0, 0
        (writer or self._writer).write_table(table, row_group_size=max(1, len(table)))
        pyarrow().default_memory_pool().release_unused()


def partition_name(study_key: str) -> str:
    """The folder of one study's partition."""
    return f"{PARTITION}{_folder_name(study_key)}"


def _folder_name(key: str) -> str:
    """A key as part of a path, percent-encoded so that any file system accepts it."""
    name = quote(key.encode("utf-8", "replace"), safe="")
    if len(name) <= _LONGEST_FOLDER:
        return name
    return f"{name[:_LONGEST_FOLDER]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
