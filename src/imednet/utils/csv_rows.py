"""Strict reading of CSV: every row with the line it begins at, and every fault of the file at once.

Python's own reader takes an unclosed quote for the rest of the file, and a row that is too short for one with empty
cells. Where a table goes into a study, either would store something else than its author wrote.
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
        names: the header, blanks around each name removed.
        rows: line a row begins at, counted from 1, and its cells; rows without any text are left out.
        faults: line and what is wrong, in words that hold no cell.
    """

    names: list[str] = field(default_factory=list)
    rows: list[tuple[int, list[str]]] = field(default_factory=list, repr=False)
    faults: list[tuple[int, str]] = field(default_factory=list)


def read_csv_rows(text: str, *, ragged: bool = False) -> CsvRows:
    r"""Rows of a text in CSV as RFC 4180 has it, commas between cells.

    Faults are an unclosed or misplaced quote, a NUL, a row of another length than the header, and a header whose names
    are separated by something else or which has no name over a column that is filled in. With `ragged` rows may be of
    another length than the header.

    >>> read_csv_rows('A,B\n1,"two\n3,4\n').faults
    [(2, 'the quote that opens in this row is never closed')]
    >>> read_csv_rows("A;B\n1;2\n").faults
    [(1, 'the columns are separated by semicolons; commas are expected')]
    """
    found = CsvRows()
    for line, content in enumerate(text.split("\n"), 1):
        if "\0" in content:
            found.faults.append((line, "the line holds a NUL; the file is damaged, or it is not UTF-8"))
    if found.faults:
        return found
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                header = not found.names
                _take(found, begins, cells, ragged=ragged)
                if header and found.faults:
                    break  # nothing below a header that cannot be read means anything
            begins = reader.line_num + 1
    except csv.Error as error:
        found.faults.append((begins, _reason(str(error))))
    else:
        found.faults += [(line, "a quote stands inside a cell that is not quoted") for line in _stray_quotes(text)]
    return found


def _stray_quotes(text: str) -> list[int]:
    """Lines of quotes inside cells that do not begin with one, which Python's reader takes as they are."""
    line, begins, inside, last, stray = 1, True, False, "", list[int]()
    for sign in text:
        if inside:
            inside = sign != '"'
        elif sign == '"':
            if not begins and last != '"':
                stray.append(line)
            inside = True
        line += sign == "\n"
        begins = not inside and sign in ",\r\n"
        last = sign
    return stray


def _take(found: CsvRows, line: int, cells: list[str], *, ragged: bool) -> None:
    if not found.names:
        found.names = [cell.strip() for cell in cells]
        separator = next((sign for sign in _SEPARATORS if len(cells) == 1 and sign in cells[0]), None)
        if separator is not None:
            found.faults.append((line, f"the columns are separated by {_SEPARATORS[separator]}; commas are expected"))
        return
    if ragged:
        found.rows.append((line, cells))
        return
    if len(cells) != len(found.names):
        found.faults.append((line, f"the row has {len(cells)} cells, the header has {len(found.names)}"))
        return
    nameless = next((at for at, name in enumerate(found.names, 1) if not name and cells[at - 1].strip()), None)
    if nameless is not None:
        found.faults.append((line, f"column {nameless} is filled in, and the header has no name for it"))
        return
    found.rows.append((line, cells))


def _reason(message: str) -> str:
    if "end of data" in message:
        return "the quote that opens in this row is never closed"
    if "expected after" in message:
        return "a quote stands inside a cell; a quote of a quoted cell is written twice"
    if "field larger" in message:
        return f"a cell has more than {csv.field_size_limit():,} signs"
    return "the row is no CSV"


def listed(faults: Sequence[tuple[int, str]], most: int = 20) -> str:
    """Faults as one sentence each, the first ones of many."""
    shown = "; ".join(f"line {line}: {what}" for line, what in faults[:most])
    return shown + (f"; and {len(faults) - most} more" if len(faults) > most else "")
