"""Proof that a mirror is as it was written: the chain of commits, the files, and every row."""

from __future__ import annotations

from pathlib import Path

from .commits import State
from .delta_folder import DeltaFolder
from .sync import UNFINISHED
from .table_layout import row_hash
from .versions import Versions


def problems(root: Path, state: State) -> list[str]:
    """What is not as it was written, in words; the chain of commits was checked when the state was loaded.

    Files are compared with their digests, rows with their hashes, and the rows of every snapshot with the sum of hashes
    in its commit, which holds across compactions.
    """
    found: list[str] = []
    for table in state.tables.values():
        found += DeltaFolder(root / table.folder).has(table.files, unfinished=(root / UNFINISHED).exists())
    if found:
        return found
    with Versions(root, state.tables) as versions:
        for key in state.tables:
            found += _rows(versions, key, state)
    return found


def _rows(versions: Versions, key: str, state: State) -> list[str]:
    source = versions.source(key)
    if source is None:
        return []
    counts: dict[int, int] = {}
    sums: dict[int, int] = {}
    wrong = 0
    for batch in versions.query(f"select _snapshot, _hash, _line from {source}"):
        for snapshot, digest, line in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            counts[snapshot] = counts.get(snapshot, 0) + 1
            if line is not None:
                sums[snapshot] = sums.get(snapshot, 0) + digest
                wrong += row_hash(line.encode() + b"\n") != digest
    found = [f"{key}: {wrong} rows are not as they were written"] if wrong else []
    expected = {number: facts for (table, number), facts in state.digests.items() if table == key}
    return found + [
        f"{key}: the rows of snapshot {number} are not those that were written"
        for number in sorted({*counts, *expected})
        if (counts.get(number, 0), str(sums.get(number, 0))) != expected.get(number, (0, "0"))
    ]
