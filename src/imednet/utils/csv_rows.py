"""Strict reading of CSV: rows with the line each begins at, and all faults of a file at once.

Python's own reader lets an unclosed quote swallow the rest of the file, and leaves short rows to the caller, who fills
them with empty cells. In a table that is written to a study, both would store something its author did not write.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass
class CsvRows:
    """The rows of a CSV text.

    Attributes:
        names: the header, with blanks around each name removed.
        rows: the line each row begins at, counted from 1, and its cells; blank rows are left out.
        faults: line and description of each fault, without the content of any cell.
    """

    names: list[str] = field(default_factory=list)
    rows: list[tuple[int, list[str]]] = field(default_factory=list, repr=False)
    faults: list[tuple[int, str]] = field(default_factory=list)


def read_csv_rows(text: str, *, ragged: bool = False) -> CsvRows:
    r"""Rows of a CSV text as in RFC 4180, with commas between cells.

    Faults are: an unclosed or misplaced quote, a NUL, a row whose length differs from the header's, a header with
    another separator, and a filled-in column without a name. With `ragged` rows may have any length.

    >>> read_csv_rows('A,B\n1,"two\n3,4\n').faults
    [(2, 'the quote that opens in this row is never closed')]
    >>> read_csv_rows("A;B\n1;2\n").faults
    [(1, 'the columns are separated by semicolons; commas are expected')]
    """
    result = CsvRows()
    for line, content in enumerate(text.split("\n"), 1):
        if "\0" in content:
            result.faults.append((line, "the line holds a NUL; the file is damaged, or it is not UTF-8"))
    if result.faults:
        return result
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    first_line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                is_header = not result.names
                _add_row(result, first_line, cells, ragged=ragged)
                if is_header and result.faults:
                    break  # without a header the rows below it mean nothing
            first_line = reader.line_num + 1
    except csv.Error as error:
        result.faults.append((first_line, _reason(str(error))))
    else:
        result.faults += [(line, "there is a quote inside a cell that is not quoted") for line in _stray_quotes(text)]
    return result


def _stray_quotes(text: str) -> list[int]:
    """Lines with a quote inside a cell that does not begin with one, which Python's reader accepts."""
    line, cell_start, quoted, previous, stray = 1, True, False, "", list[int]()
    for character in text:
        if quoted:
            quoted = character != '"'
        elif character == '"':
            if not cell_start and previous != '"':
                stray.append(line)
            quoted = True
        line += character == "\n"
        cell_start = not quoted and character in ",\r\n"
        previous = character
    return stray


def _add_row(result: CsvRows, line: int, cells: list[str], *, ragged: bool) -> None:
    """Add a row to the result, as its header, as a row or as a fault."""
    if not result.names:
        result.names = [cell.strip() for cell in cells]
        separator = next((mark for mark in _SEPARATORS if len(cells) == 1 and mark in cells[0]), None)
        if separator is not None:
            result.faults.append((line, f"the columns are separated by {_SEPARATORS[separator]}; commas are expected"))
        return
    if ragged:
        result.rows.append((line, cells))
        return
    if len(cells) != len(result.names):
        result.faults.append((line, f"the row has {len(cells)} cells, the header has {len(result.names)}"))
        return
    nameless = next(
        (column for column, name in enumerate(result.names, 1) if not name and cells[column - 1].strip()), None
    )
    if nameless is not None:
        result.faults.append((line, f"column {nameless} is filled in, but the header has no name for it"))
        return
    result.rows.append((line, cells))


def _reason(message: str) -> str:
    """What a `csv.Error` means for the author of the file."""
    if "end of data" in message:
        return "the quote that opens in this row is never closed"
    if "expected after" in message:
        return "there is a quote inside a cell; inside a quoted cell it must be written twice"
    if "field larger" in message:
        return f"a cell has more than {csv.field_size_limit():,} characters"
    return "the row is not valid CSV"


def describe_faults(faults: Sequence[tuple[int, str]], most: int = 20) -> str:
    """The first faults as one line of text, and how many more there are."""
    shown = "; ".join(f"line {line}: {fault}" for line, fault in faults[:most])
    return shown + (f"; and {len(faults) - most} more" if len(faults) > most else "")
