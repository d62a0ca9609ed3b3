r"""CSV as this package writes it: text as it is, everything else as JSON writes it, empty cells for what is missing.

>>> import io
>>> file = io.StringIO()
>>> write_csv(file, ["site", "late"], [{"site": "Nord, au", "late": True}, {"site": None}])
>>> file.getvalue()
'site,late\n"Nord, au",true\n,\n'
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TextIO

from .text import whole

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""First characters by which a spreadsheet takes a text for a formula."""


def guarded(cell: Any) -> Any:
    """A cell that a spreadsheet does not take for a formula; an apostrophe before such a text alters it.

    >>> guarded("=1+1"), guarded(-1), guarded("Nordau")
    ("'=1+1", -1, 'Nordau')
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def write_csv(
    file: TextIO, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], clean: Callable[[str], str] = whole
) -> None:
    """Write a header and rows.

    Args:
        file: an open text file.
        columns: the names of the columns.
        rows: values by column; a missing one is an empty cell.
        clean: applied to the text of each cell.
    """
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([clean(cell_text(row.get(name))) for name in columns] for row in rows)


def cell_text(value: Any) -> str:
    """The text of a cell."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
