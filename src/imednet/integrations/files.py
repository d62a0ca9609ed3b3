"""Sinks that write one file a table into a folder: what they share, and CSV, JSON and JSON Lines.

A file is written under its name in a hidden folder and put in place once all of them are whole.
"""

from __future__ import annotations

import csv
import json
import os
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime, time
from pathlib import Path
from typing import IO, Any, ClassVar

from ..validation.kinds import Kind
from .on_disk.folder import OURS, Home, checked_path
from .sink import ExportSink
from .tables.batches import Batch
from .tables.layout import DICTIONARY, ISSUES, Shape, StudyTables, Table
from .tables.naming import file_stems


class FileSink(ExportSink):
    """One file a table. A format says how a file is opened, gets batches, and is closed.

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
        self._tables: StudyTables | None = None

    def begin(self, tables: StudyTables, home: Home | None) -> None:
        """Choose file names."""
        assert home is not None
        self._staging, self._tables = home.staging, tables
        own = [table.key for table in tables.entities] + [tables.unassigned.key, DICTIONARY, ISSUES]
        keys = [*own, *(table.key for table in tables.forms)]
        self._stems = dict(zip(keys, file_stems(keys, OURS), strict=True))

    def write_batch(self, batch: Batch) -> None:
        """Write one batch to the file of its table."""
        if self._open is not batch.table:
            self._end()
            self._open = batch.table
            name = f"{self._stems[batch.table.key]}.{self.ending}"
            self.outputs[batch.table.key] = {"file": name}
            self.staged.append(name)
            self.open_file(self._path(name), batch.table)
        self.write_rows(batch)

    def end_table(self, table: Table) -> None:  # noqa: ARG002  (the interface of a sink)
        """Close the file of the table."""
        self._end()

    def give_up(self, table: Table) -> bool:
        """Remove the file of a form that could not be written."""
        self.close()
        name = self.outputs.pop(table.key, {}).get("file")
        if name is not None:
            self.staged.remove(name)
            self._path(name).unlink(missing_ok=True)
        return True

    def flush(self) -> None:
        """All files are closed; the export puts them in place."""
        self._end()

    def close(self) -> None:
        """Close what is open."""
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
        """Begin the file of a table."""

    @abstractmethod
    def write_rows(self, batch: Batch) -> None:
        """Add rows to the open file."""

    @abstractmethod
    def close_file(self) -> None:
        """End the open file."""


class TextFileSink(FileSink):
    """A file of text."""

    newline: ClassVar[str] = "\n"

    def open_file(self, path: Path, table: Table) -> None:  # noqa: ARG002  (the interface of a sink)
        """Begin the file of a table."""
        self._file: IO[str] = path.open("w", encoding="utf-8", newline="")

    def close_file(self) -> None:
        """End the open file."""
        self._file.close()


FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How texts begin that a spreadsheet takes for a formula."""


class CsvSink(TextFileSink):
    """CSV as RFC 4180 has it: UTF-8, CR LF between rows, quotes where needed; a missing value is an empty cell.

    Answers are texts as they were sent. Beside the files stand `read.R` and `read.sas`, which read them with types and
    labels.

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
        """Begin with the names of the columns."""
        super().open_file(path, table)
        self._writer = csv.writer(self._file, lineterminator="\r\n")
        self._writer.writerow(table.names)
        self._written[path.name] = table

    def give_up(self, table: Table) -> bool:
        """Remove the file of a form that could not be written, also from the two readers."""
        self._written = {name: one for name, one in self._written.items() if one is not table}
        return super().give_up(table)

    def write_rows(self, batch: Batch) -> None:
        """Add rows."""
        columns = [
            _words(cells) if column.kind is Kind.BOOLEAN else cells
            for column, cells in zip(batch.table.columns, batch.columns, strict=True)
        ]
        if self._safe:
            columns = [[_guarded(cell) for cell in cells] for cells in columns]
        self._writer.writerows(zip(*columns, strict=True))

    def flush(self) -> None:
        """Write the two readers."""
        super().flush()
        if self._readers:
            from .on_disk.reading_scripts import r_reader, sas_reader

            for name, text in (("read.R", r_reader(self._written)), ("read.sas", sas_reader(self._written))):
                self._path(name).write_text(text, encoding="utf-8")
                self.staged.append(name)
                self.outputs[f"_{name}"] = {"file": name}


def _words(cells: Sequence[Any]) -> Sequence[Any]:
    return ["true" if cell is True else "false" if cell is False else cell for cell in cells]


def _guarded(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


class JsonLinesSink(TextFileSink):
    """JSON Lines: one object a row, missing values as null.

    Args:
        raw_records: the server's records untouched (but for blinded answers) instead of tidy rows.
    """

    kind = "jsonl"
    shape = Shape(values="text")
    ending = "jsonl"

    def __init__(self, folder: str | os.PathLike[str], *, raw_records: bool = False) -> None:
        super().__init__(folder)
        self.raw = raw_records
        self.own_tables = not raw_records
        self.format = "raw" if raw_records else "tidy"

    def write_rows(self, batch: Batch) -> None:
        """Add rows."""
        self._file.writelines(f"{text}\n" for text in self.texts(batch))

    def texts(self, batch: Batch) -> Iterable[str]:
        """Each row as JSON."""
        if self.raw:
            return (line.decode("utf-8", "surrogatepass") for line in batch.lines)
        names = batch.table.names
        encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=as_text).encode
        return (encode(dict(zip(names, row, strict=True))) for row in batch.rows)


class JsonSink(JsonLinesSink):
    """JSON: a list of objects a table; otherwise as `JsonLinesSink`."""

    kind = "json"
    ending = "json"

    def open_file(self, path: Path, table: Table) -> None:
        """Begin a list."""
        super().open_file(path, table)
        self._file.write("[")
        self._first = True

    def write_rows(self, batch: Batch) -> None:
        """Add rows."""
        for text in self.texts(batch):
            self._file.write(f"\n{text}" if self._first else f",\n{text}")
            self._first = False

    def close_file(self) -> None:
        """End the list."""
        if not self._file.closed:
            self._file.write("\n]\n")
        super().close_file()


def as_text(value: Any) -> str:
    """Dates and times as ISO writes them."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    raise TypeError(type(value).__name__)
