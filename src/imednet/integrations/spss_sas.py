"""SPSS (SAV) and SAS transport (XPT) files, written with pyreadstat: typed and labelled, every cut value listed."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from ..errors import ExportConfigurationError
from ..utils.text import whole
from ..validation.kinds import Kind, Misfit, cast
from ._optional import _require_optional_dep
from .files import FileSink, as_text
from .tables.batches import Batch, Cells, without_zone
from .tables.layout import Column, Shape, Table
from .tables.naming import identifier

_SPSS_RESERVED: Final = ("ALL", "AND", "BY", "EQ", "GE", "GT", "LE", "LT", "NE", "NOT", "OR", "TO", "WITH")
_LONGEST_VALUE_LABEL: Final = 120
_TEXTS: Final = frozenset({Kind.TEXT, Kind.JSON, Kind.PARTIAL})


class StatsSink(FileSink):
    """Base of both formats. A file is written from one DataFrame, so memory for the largest form is needed.

    Attributes:
        longest_text, longest_label: maximum bytes of a text and of a label.
        ascii_only: whether texts must be ASCII.
    """

    longest_text: ClassVar[int]
    longest_label: ClassVar[int]
    ascii_only: ClassVar[bool] = False
    cuts = True

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._pandas = _require_optional_dep("pandas", "stats")
        self._pyreadstat = _require_optional_dep("pyreadstat", "stats")
        self.foreign = (self._pyreadstat.PyreadstatError,)
        super().__init__(folder)

    def read_rows(self, path: Path) -> Iterator[Mapping[str, Any]]:
        """The rows of a file of this format, by column."""
        read = self._pyreadstat.read_sav if self.ending == "sav" else self._pyreadstat.read_xport
        rows, _ = read(str(path), output_format="dict")
        for cells in zip(*rows.values(), strict=True):
            yield dict(zip(rows, cells, strict=True))

    def open_file(self, path: Path, table: Table) -> None:
        """Start collecting the cells of a table."""
        self._path_now = path
        self._columns: list[list[Any]] = [[] for _ in table.columns]

    def write_rows(self, batch: Batch) -> None:
        """Collect the cells of a batch, cut to what the format holds."""
        ids = batch.column(batch.table.identity[0]) if batch.table.identity else [None] * len(batch)
        for collected, column, cells in zip(self._columns, batch.table.columns, batch.columns, strict=True):
            collected.extend(self._cells(batch.table, column, cells, ids))

    def close_file(self) -> None:
        """Write the file."""
        table = self._open
        if table is None:
            return
        frame = self._pandas.DataFrame(
            {c.name: self._series(c, cells) for c, cells in zip(table.columns, self._columns, strict=True)}
        )
        labels = {column.name: self._label(table, column) for column in table.columns}
        self._columns = []
        self.save(frame, labels, table)

    @abstractmethod
    def save(self, frame: Any, labels: dict[str, str], table: Table) -> None:
        """Write a frame to the open file."""

    def _series(self, column: Column, cells: list[Any]) -> Any:
        if column.kind in (Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN):
            return self._pandas.Series([None if c is None else float(c) for c in cells], dtype="float64")
        if column.kind in (Kind.DATE, Kind.DATETIME, Kind.INSTANT):
            return self._pandas.Series(cells, dtype="object")
        return self._pandas.Series(["" if cell is None else cell for cell in cells], dtype="object")

    def _cells(self, table: Table, column: Column, cells: Cells, ids: Cells) -> list[Any]:
        if column.kind is Kind.TIME:
            return [None if cell is None else as_text(cell) for cell in cells]
        if column.kind is Kind.INTEGER:
            return [self._integer(table, column, cell, row) for cell, row in zip(cells, ids, strict=True)]
        if column.kind is Kind.INSTANT:
            return list(without_zone(cells))
        if column.kind not in _TEXTS:
            return list(cells)
        return [
            cell if cell is None else self._text(table, column, cell, row) for cell, row in zip(cells, ids, strict=True)
        ]

    def _integer(self, table: Table, column: Column, cell: Any, row: Any) -> Any:
        if cell is not None and abs(cell) > 2**53:
            self.lost(table, row, column.source, str(cell), "more digits than a number of this format holds")
            return None
        return cell

    def _text(self, table: Table, column: Column, cell: str, row: Any) -> str:
        text = cell
        if self.ascii_only and not text.isascii():
            text = text.encode("ascii", "replace").decode()
            self.lost(table, row, column.source, cell, "characters beyond ASCII became question marks")
        if "\0" in text:
            text = text.replace("\0", " ")
            self.lost(table, row, column.source, cell, "a NUL became a blank")
        if text != text.rstrip(" "):
            self.lost(table, row, column.source, cell, "this format does not keep blanks at the end")
        if len(text.encode()) > self.longest_text:
            text = text.encode()[: self.longest_text].decode("utf-8", "ignore")
            self.lost(table, row, column.source, cell, f"cut to {self.longest_text:,} bytes")
        return text

    def _label(self, table: Table, column: Column) -> str:
        label = " ".join((column.label or whole(column.source)).split())
        stored = label.encode("ascii", "replace").decode() if self.ascii_only else label
        stored = stored.encode()[: self.longest_label].decode("utf-8", "ignore")
        if stored != label and (self.ascii_only or len(stored) < len(label)):
            self.lost(table, None, column.source, label, f"label: ASCII and {self.longest_label} bytes at most"
                      if self.ascii_only else f"label: {self.longest_label} bytes at most")  # fmt: skip
        return stored


class SavSink(StatsSink):
    """A folder of SPSS files."""

    kind = "sav"
    ending = "sav"
    shape = Shape(values="typed", longest_name=64, clean_names=True, most_columns=32_767, reserved=_SPSS_RESERVED)
    longest_text = 32_767
    longest_label = 255

    def save(self, frame: Any, labels: dict[str, str], table: Table) -> None:
        """Write the file."""
        values = {column.name: self._value_labels(table, column, frame) for column in table.columns if column.choices}
        self._pyreadstat.write_sav(
            frame, str(self._path_now), column_labels=labels, file_label=table.key[:64], variable_value_labels=values
        )

    def _value_labels(self, table: Table, column: Column, frame: Any) -> dict[Any, str]:
        """Value labels of a column: each code, and each choice's text itself -> the text people read.

        pyreadstat sets a column's width to the longest text of the data, in bytes, or to the longest labelled value, in
        characters, and would cut a labelled value in a non-Latin script. To prevent that, the first cell is padded with
        blanks, which the format does not keep.
        """
        texts = {text: text for text, _ in column.choices}
        texts.update({code if code is not None else text: text for text, code in column.choices})
        labels: dict[Any, str] = {}
        for value, text in texts.items():
            label = text.encode()[:_LONGEST_VALUE_LABEL].decode("utf-8", "ignore")
            if label != text:
                reason = f"value label: {_LONGEST_VALUE_LABEL} bytes at most"
                self.lost(table, None, column.source, text, reason)
            try:
                labels[cast(Kind.NUMBER, value) if column.kind is Kind.NUMBER else value] = label
            except Misfit:
                if value != text:
                    self.lost(table, None, column.source, value, "value label: the code is not a number")
        if column.kind is not Kind.NUMBER and column.kind not in _TEXTS:
            return {}  # dates and times are numbers in this format, and cannot have labels for texts
        if column.kind in _TEXTS:
            widest = max(len(value.encode()) for value in labels)
            if len(frame):
                index = frame.columns.get_loc(column.name)
                frame.iat[0, index] += " " * (widest - len(frame.iat[0, index].encode()))
            else:
                longest = max(map(len, labels))
                labels = {value: label for value, label in labels.items() if len(value.encode()) <= longest}
        return labels


class XptSink(StatsSink):
    """A folder of SAS transport files.

    Args:
        folder: where the files go.
        version: 5, as regulatory submissions require: names of 8 characters, texts of 200 bytes, ASCII alone. Or 8,
            which SAS 9.4 and newer read: names of 32 characters, labels of 256 bytes and texts of 32,767 in UTF-8.

    Raises:
        ExportConfigurationError: another version.
    """

    kind = "xpt"
    ending = "xpt"
    shape = Shape(values="typed", longest_name=8, clean_names=True, most_columns=9_999)
    longest_text = 200
    longest_label = 40
    ascii_only = True

    def __init__(self, folder: str | os.PathLike[str], *, version: Literal[5, 8] = 5) -> None:
        if version not in (5, 8):
            raise ExportConfigurationError(f"XPT has the versions 5 and 8, not {version!r}")
        super().__init__(folder)
        self._version = version
        if version == 8:
            self.kind = "xpt8"  # type: ignore[misc]
            self.shape = replace(self.shape, longest_name=32)  # type: ignore[misc]
            self.longest_text, self.longest_label, self.ascii_only = 32_767, 256, False  # type: ignore[misc]

    def save(self, frame: Any, labels: dict[str, str], table: Table) -> None:
        """Write the file."""
        letters = (character for character in table.key.upper() if character.isascii() and character.isalnum())
        name = identifier("".join(letters))[: 8 if self._version == 5 else 32]
        self._pyreadstat.write_xport(
            frame, str(self._path_now), column_labels=labels, table_name=name, file_format_version=self._version,
            file_label=table.key.encode("ascii", "replace").decode()[:40],
        )  # fmt: skip
