"""Names that commands saw last, for the completion of the next: studies, forms, sites and variables, never subjects.

They are in a file for each study below `XDG_CACHE_HOME`, else `~/.cache`, which only its owner can read. The file is a
convenience: one that cannot be written or read is as good as none.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..utils import disk

if TYPE_CHECKING:
    from ..sdk import ImednetSDK

KINDS: Final = ("forms", "sites", "variables")
_HARMLESS: Final = re.compile(r"\w[\w.,:@+/-]*")
_MOST_NAMES: Final = 20_000
_MOST_BYTES: Final = 5_000_000


def remember(study_key: str, names: Mapping[str, Iterable[Any]]) -> None:
    """Keep names of a study: kind of `KINDS` -> names. Kinds that are not given stay as they are."""
    with suppress(OSError, RuntimeError, ValueError):
        folder = _folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{hashlib.sha256(study_key.encode()).hexdigest()[:16]}.json"
        before = _read(path)
        kept: dict[str, Any] = {"study": study_key, **{kind: before.get(kind, []) for kind in KINDS}}
        for kind, found in names.items():
            kept[kind] = list(dict.fromkeys(str(name) for name in found if name))[:_MOST_NAMES]
        if kept == before:
            return
        disk.write_private(path, json.dumps(kept))


def remember_design(sdk: ImednetSDK) -> None:
    """Keep the names of every list of the study design that a command has read whole."""
    studies = sdk.studies.cached().get(None)
    for row in studies or ():
        remember(_of(row, "study_key", "studyKey"), {})
    read: dict[str, dict[str, list[Any]]] = {}
    for kind, endpoint, field, wire in (
        ("forms", sdk.forms, "form_key", "formKey"),
        ("variables", sdk.variables, "variable_name", "variableName"),
    ):
        for study_key, rows in endpoint.cached().items():
            if study_key is not None:
                read.setdefault(study_key, {})[kind] = [_of(row, field, wire) for row in rows]
    for study_key, names in read.items():
        remember(study_key, names)


def known_studies() -> list[str]:
    """Keys of the studies that were seen, as far as a shell may have them."""
    return sorted({entry["study"] for entry in _entries() if _HARMLESS.fullmatch(entry["study"])})


def known(kind: str, study_key: str | None = None) -> list[str]:
    """Names of a kind, those of one study where it is given and was seen, else of all, as far as a shell may have them.

    The scripts of shells evaluate what they are offered, and names come from a server: one with a blank, a quote or
    anything else that means something to a shell is left out.
    """
    entries = _entries()
    own = [entry for entry in entries if entry["study"] == study_key]
    names = (name for entry in own or entries for name in entry.get(kind, []))
    return list(dict.fromkeys(name for name in names if _HARMLESS.fullmatch(name)))


def _of(row: Any, field: str, wire: str) -> Any:
    return row.get(wire) if isinstance(row, dict) else getattr(row, field)


def _folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "imednet" / "names"


def _entries() -> list[dict[str, Any]]:
    try:
        return [entry for path in sorted(_folder().glob("*.json")) if (entry := _read(path))]
    except (OSError, RuntimeError):
        return []


def _read(path: Path) -> dict[str, Any]:
    """What a file of names holds; nothing where it holds something else."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    is_ours = isinstance(found, dict) and isinstance(found.get("study"), str)
    lists = is_ours and all(isinstance(found.get(kind), list) for kind in KINDS)
    return found if lists and all(isinstance(name, str) for kind in KINDS for name in found[kind]) else {}
