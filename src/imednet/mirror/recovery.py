"""What an interrupted sync left in the folder of a mirror, and how it is taken back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from ..errors import MirrorError
from .commits import CommitLog, State
from .delta_folder import DeltaFolder
from .sync import UNFINISHED
from .table_layout import ROOMS


def recovered(root: Path, log: CommitLog, retention: timedelta) -> State:
    """The state of a mirror, once what an interrupted run left is removed.

    Only folders that the run said it would write to are touched, so that a copy or another mirror among them stays.

    Args:
        root: the folder of the mirror.
        log: its commits.
        retention: how long replaced files stay.

    Raises:
        MirrorError: the commits are gone, or are of another time than the tables.
    """
    mark = root / UNFINISHED
    unfinished = frozenset(mark.read_text().splitlines() if mark.exists() else ())
    log.repair()
    state = log.load()
    known = {table.folder: table for table in state.tables.values()}
    there = {
        f"{room}/{log.parent.name}": DeltaFolder(log.parent, retention)
        for room in ROOMS for log in (root / room).glob("*/_delta_log")
    }  # fmt: skip
    for name, folder in sorted(there.items()):
        table = known.get(name)
        if table is not None or name in unfinished:
            folder.repair()
        if name not in unfinished and (table is None or folder.version != table.version):
            other = "" if table is not None else f"; if {name} is no table of it, move it out of {root}"
            raise MirrorError(
                f"{root} has the table {name} in a state that no commit knows: `snapshots` is missing or of "
                f"another time than the tables. Nothing was changed. Next: restore the folder as a whole{other}"
            )
    for name in sorted(unfinished):
        table = known.get(name)
        version, files = (None, ()) if table is None else (table.version, table.files)
        DeltaFolder(root / name, retention).take_back(version, [file.name for file in files])
    return state
