"""Mirrors: local copies of studies that are kept in step with the server, with every version that was seen.

`mirror` is what programs use. `sync` is one run, `reading` and `list_source` find what changed on the server,
`appending` writes it; `commits` and `delta_folder` are what lies on disk, `versions` reads it back; `snapshot_sdk` and
`snapshot_lists` serve it to everything that takes an SDK, `database` to SQL; `changes` compares snapshots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._lazy import loader

if TYPE_CHECKING:
    from ..errors import MirrorDamagedError, MirrorError
    from .changes import CellChange, RowVersion
    from .commits import Snapshot
    from .mirror import AsOf, Mirror
    from .snapshot_sdk import AsyncMirrorSDK, MirrorSDK
    from .sync import SyncReport

_HOMES = {
    **dict.fromkeys(("CellChange", "RowVersion"), "changes"),
    **dict.fromkeys(("AsyncMirrorSDK", "MirrorSDK"), "snapshot_sdk"),
    **dict.fromkeys(("AsOf", "Mirror"), "mirror"),
    **dict.fromkeys(("MirrorDamagedError", "MirrorError"), ".errors"),
    "Snapshot": "commits",
    "SyncReport": "sync",
}

__all__ = [
    "AsOf",
    "AsyncMirrorSDK",
    "CellChange",
    "Mirror",
    "MirrorDamagedError",
    "MirrorError",
    "MirrorSDK",
    "RowVersion",
    "Snapshot",
    "SyncReport",
]

_load = loader(__name__, _HOMES, globals())


def __getattr__(name: str) -> Any:
    return _load(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
