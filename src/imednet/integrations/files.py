"""Sinks that write one file per table into a folder: their common base, and CSV, JSON and JSON Lines.

Files are written to a hidden folder and moved to their final place once all of them are complete. Parquet, SPSS and SAS
build on `FileSink` in modules of their own.
"""

from __future__ import annotations

import csv
import json
import logging
import os
from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time
from pathlib import Path
from typing import IO, Any, ClassVar

from ..utils.csv_text import guarded
from ..validation.kinds import Kind, field_kinds
from .on_disk.exported_files import read_csv, read_json, read_json_lines
from .on_disk.folder import OURS, ExportFolder, checked_path
from .sink import ExportSink
from .tables.batches import Batch
from .tables.layout import DICTIONARY, Column, Part, Shape, StudyTables, Table, model_of
from .tables.naming import file_stems

_log = logging.getLogger("imednet")


class FileSink(ExportSink):
    """Base of sinks that write one file per table; a format implements opening, writing and closing a file.

    Args:
        folder: where the files go; it need not exist, may be empty, or may hold an earlier export.
    """

    ending: ClassVar[str] = "txt"
    files = True

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = checked_path(folder)
        self.staged: list[str] = []
        self._open: Table | None = None
        self._stems: dict[str, str] = {}
        self._staging: Path | None = None
        self._home: ExportFolder | None = None

    def begin(self, tables: StudyTables, home: ExportFolder | None) -> None:
        """Choose the file names."""
        assert home is not None
        self._home, self._staging = home, home.staging
        keys = sorted(tables.all_keys, key=tables.listed.__contains__)  # tables of ours have the first choice
        ending = f".{self.ending}"
        kept = {key: file.removesuffix(ending) for key, file in home.files().items() if file.endswith(ending)}
        self._stems = dict(zip(keys, file_stems(keys, OURS, kept), strict=True))

    def write_batch(self, batch: Batch) -> None:
        """Write one batch to its table's file."""
        if self._open is not batch.table:
            self._end()
            self._open = batch.table
            name = f"{self._stems[batch.table.key]}.{self.ending}"
            self.outputs[batch.table.key] = {"file": name}
            self.staged.append(name)
            self.open_file(self._path(name), batch.table)
        self.write_rows(batch)

    def end_table(self, table: Table) -> None:  # noqa: ARG002  (the interface of a sink)
        """Close the table's file."""
        self._end()

    def earlier_rows(self, table: Table) -> Iterator[Sequence[Any]]:
        """The rows that a table of the export itself has before this run."""
        assert self._home is not None
        path = self._home.earlier_file(table.key)
        for row in self.read_rows(path) if path is not None else ():
            yield [_as_kind(column.kind, row.get(column.name)) for column in table.columns]

    @abstractmethod
    def read_rows(self, path: Path) -> Iterator[Mapping[str, Any]]:
        """The rows of a file of this format, by column."""

    def give_up(self, table: Table) -> bool:
        """Remove the file of a table that could not be written."""
        self.close()
        name = self.outputs.pop(table.key, {}).get("file")
        if name is not None:
            self.staged.remove(name)
            self._path(name).unlink(missing_ok=True)
        return True

    def flush(self) -> None:
        """Close the last file; the export moves all files to their place."""
        self._end()

    def close(self) -> None:
        """Close the open file, if there is one."""
        if self._open is not None:
            self._open = None
            with suppress(Exception):
                self.close_file()

    def _end(self) -> None:
        if self._open is not None:
            self.close_file()
            self._open = None

    def _path(self, name: str) -> Path:
        assert self._staging is not None
        path = self._staging / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @abstractmethod
    def open_file(self, path: Path, table: Table) -> None:
        """Open the file of a table and write what comes before its rows."""

    @abstractmethod
    def write_rows(self, batch: Batch) -> None:
        """Add rows to the open file."""

    @abstractmethod
    def close_file(self) -> None:
        """Write what comes after the rows and close the file."""


def _as_kind(kind: Kind, cell: Any) -> Any:
    """A cell of a table of the export itself as it was written: texts, whole numbers and yes or no."""
    if cell is None or cell == "" or cell != cell:  # what is missing, in a format that has only numbers and texts
        return None
    if kind is Kind.INTEGER:
        return int(cell)
    if kind is Kind.BOOLEAN:
        return cell == "true" if isinstance(cell, str) else bool(cell)
    return cell


class TextFileSink(FileSink):
    """Base of the formats that are UTF-8 text."""

    newline: ClassVar[str] = "\n"

    def open_file(self, path: Path, table: Table) -> None:  # noqa: ARG002  (the interface of a sink)
        """Open the file of a table."""
        self._file: IO[str] = path.open("w", encoding="utf-8", newline="")

    def close_file(self) -> None:
        """Close the file."""
        self._file.close()


class CsvSink(TextFileSink):
    """CSV as in RFC 4180: UTF-8, CR LF between rows, quotes where needed; a missing value is an empty cell.

    Answers are written as the server sent them. `read.R` and `read.sas` in the same folder read the files with types
    and labels.

    Args:
        excel_safe: put an apostrophe before texts that a spreadsheet would take for a formula. This alters data.
        readers: write `read.R` and `read.sas`.
    """

    kind = "csv"
    shape = Shape(values="text")
    ending = "csv"

    def __init__(self, folder: str | os.PathLike[str], *, excel_safe: bool = False, readers: bool = True) -> None:
        super().__init__(folder)
        self._safe = excel_safe
        self._readers = readers
        self._written: dict[str, Table] = {}

    def open_file(self, path: Path, table: Table) -> None:
        """Open the file of a table and write the header."""
        super().open_file(path, table)
        self._writer = csv.writer(self._file, lineterminator="\r\n")
        self._writer.writerow(table.names)
        self._written[path.name] = table

    def end_forms(self, kept: Collection[str]) -> None:
        """Take the tables of earlier runs that stay into `read.R` and `read.sas`, by the dictionary beside them."""
        assert self._home is not None
        described = self._home.earlier_file(DICTIONARY) if kept else None
        if described is None:
            return
        try:
            columns = _described_columns(read_csv(described))
        except (KeyError, ValueError, csv.Error):
            _log.warning("%s was changed; read.R and read.sas leave out the tables that stay", described.name)
            return
        for key, name in self._home.files().items():
            if key in kept and key in columns:
                self._written[name] = Table(key, tuple(columns[key]), ())

    def give_up(self, table: Table) -> bool:
        """Remove the file of a table that could not be written, also from `read.R` and `read.sas`."""
        self._written = {name: written for name, written in self._written.items() if written is not table}
        return super().give_up(table)

    def read_rows(self, path: Path) -> Iterator[Mapping[str, Any]]:
        """The rows of a CSV file, by column."""
        return read_csv(path)

    def write_rows(self, batch: Batch) -> None:
        """Add rows to the open file."""
        columns = [
            _true_or_false(cells) if column.kind is Kind.BOOLEAN else cells
            for column, cells in zip(batch.table.columns, batch.columns, strict=True)
        ]
        if self._safe:
            columns = [[guarded(cell) for cell in cells] for cells in columns]
        self._writer.writerows(zip(*columns, strict=True))

    def flush(self) -> None:
        """Close the last file and write `read.R` and `read.sas`."""
        super().flush()
        if self._readers:
            from .on_disk.reading_scripts import r_reader, sas_reader

            for name, text in (("read.R", r_reader(self._written)), ("read.sas", sas_reader(self._written))):
                self._path(name).write_text(text, encoding="utf-8")
                self.staged.append(name)
                self.outputs[f"_{name}"] = {"file": name}


def _described_columns(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Column]]:
    """Table -> its columns, from the rows of a dictionary."""
    columns: dict[str, list[Column]] = {}
    for row in rows:
        source, known = row["variableName"], columns.setdefault(row["table"], [])
        part: Part = "answer" if row["variableType"] else "field"
        is_field = part == "field" and source not in (column.source for column in known)
        checked = field_kinds(model_of(row["table"])).get(source) if is_field else None
        label, variable_type = row["label"] or None, row["variableType"] or None
        known.append(
            Column(row["column"], source, part, Kind(row["kind"]), label, variable_type=variable_type, checked=checked)
        )
    return columns


def _true_or_false(cells: Sequence[Any]) -> Sequence[Any]:
    return ["true" if cell is True else "false" if cell is False else cell for cell in cells]


class JsonLinesSink(TextFileSink):
    """JSON Lines: one object per row, missing values as null.

    Args:
        raw_records: write the server's records unchanged, without blinded answers, instead of tidy rows.
    """

    kind = "jsonl"
    shape = Shape(values="text")
    ending = "jsonl"

    def __init__(self, folder: str | os.PathLike[str], *, raw_records: bool = False) -> None:
        super().__init__(folder)
        self.raw = raw_records
        self.own_tables = not raw_records
        if raw_records:
            self.kind = f"{self.kind}-raw"  # type: ignore[misc]

    def read_rows(self, path: Path) -> Iterator[Mapping[str, Any]]:
        """The rows of a file of this format, by column."""
        return read_json(path) if self.ending == "json" else read_json_lines(path)

    def write_rows(self, batch: Batch) -> None:
        """Add rows to the open file."""
        self._file.writelines(f"{text}\n" for text in self.texts(batch))

    def texts(self, batch: Batch) -> Iterable[str]:
        """The rows of a batch, each as JSON text."""
        if self.raw:
            return (line.decode("utf-8", "surrogatepass") for line in batch.lines)
        names = batch.table.names
        encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=as_text).encode
        return (encode(dict(zip(names, row, strict=True))) for row in batch.rows)


class JsonSink(JsonLinesSink):
    """JSON: one list of objects per table; otherwise the same as `JsonLinesSink`."""

    kind = "json"
    ending = "json"

    def open_file(self, path: Path, table: Table) -> None:
        """Open the file of a table and begin the list."""
        super().open_file(path, table)
        self._file.write("[")
        self._first = True

    def write_rows(self, batch: Batch) -> None:
        """Add rows to the open file."""
        for text in self.texts(batch):
            self._file.write(f"\n{text}" if self._first else f",\n{text}")
            self._first = False

    def close_file(self) -> None:
        """End the list and close the file."""
        if not self._file.closed:
            self._file.write("\n]\n")
        super().close_file()


def as_text(value: Any) -> str:
    """A date or time in ISO 8601, a date and time with a blank between the two."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    raise TypeError(type(value).__name__)
