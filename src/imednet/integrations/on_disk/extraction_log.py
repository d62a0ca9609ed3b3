"""The extraction log: one line a run, each holding the hash of the line before, so that none can be changed unseen.

It says who exported what, when, into which kind of target, with how many rows, and with which proof; never an answer.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...errors import ExportError
from ...utils import disk
from .folder import LOG, MANIFEST, file_entries, read_object, sha256

_START = "0" * 64


def append(folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Add one entry; who and when are added here."""
    path = folder / LOG
    entries = read(folder) if path.exists() else []
    entry = {
        "number": len(entries) + 1,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "user": _user(),
        "host": platform.node(),
        **facts,
        "previous": entries[-1]["hash"] if entries else _START,
    }
    entry["hash"] = _hash(entry)
    whole = path.read_bytes().rfind(b"\n") + 1 if path.exists() else 0
    with path.open("ab") as file:
        file.truncate(whole)  # a run that died while it wrote its entry left a part of one
        file.write(json.dumps(entry, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        file.flush()
        disk.flush(file.fileno())
    return entry


def count(folder: Path) -> int:
    """How many runs the log of a folder holds; the manifest says which one it is of, so that none can be cut off."""
    return len(read(folder)) if (folder / LOG).exists() else 0


def read(folder: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """All entries of the log in a folder, oldest first.

    Raises ExportError where there is no log, or a line of it is not whole.
    """
    path = Path(folder) / LOG
    try:
        entries = [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1] if line]
        if not all(isinstance(one, dict) and isinstance(one.get("hash"), str) for one in entries):
            raise ValueError("no entries")
        return entries
    except FileNotFoundError:
        raise ExportError(f"{folder} has no extraction log. Next: name the folder that holds the manifest") from None
    except (OSError, ValueError, RecursionError):
        raise ExportError(f"the extraction log in {folder} cannot be read. Next: imednet log verify {folder}") from None


@dataclass(frozen=True)
class Verified:
    """What `verify` found: how many entries are sound, and what is wrong, in words."""

    entries: int
    problems: list[str]


def verify(folder: str | os.PathLike[str]) -> Verified:
    """Whether no entry was changed, taken out or cut off, and the files are those the last run wrote."""
    path = Path(folder) / LOG
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, ValueError):
        return Verified(0, [f"{folder} has no extraction log that can be read"])
    problems: list[str] = []
    previous, entries = _START, []
    if lines.pop():
        problems.append("the last entry is not whole")
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            sound = entry["hash"] == _hash({k: v for k, v in entry.items() if k != "hash"})
            linked = entry["previous"] == previous and entry["number"] == number
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            problems.append(f"entry {number} is not whole")
            break
        if not sound:
            problems.append(f"entry {number} was changed")
        elif not linked:
            problems.append(f"an entry before number {number} was taken out or changed")
        previous = entry["hash"]
        entries.append(entry)
    manifest = Path(folder) / MANIFEST
    if entries and not problems:
        said = [entry["manifestSha256"] for entry in entries if entry.get("manifestSha256")]
        if said and (not manifest.exists() or sha256(manifest) != said[-1]):
            problems.append("the manifest is not the one of the last entry: entries were cut off, or it was changed")
        elif said:
            problems += _files(manifest)
    return Verified(len(entries), problems)


def _files(manifest: Path) -> list[str]:
    """Files of the manifest that are missing or are not as they were written."""
    found = []
    for entry in file_entries(read_object(manifest)):
        if not entry.get("file"):
            continue
        try:
            path = disk.inside(manifest.parent, str(entry["file"]))
        except disk.OutsideError as error:
            found.append(str(error))
            continue
        if not path.is_file():
            found.append(f"{entry['file']} is missing")
        elif entry.get("sha256") and sha256(path) != entry["sha256"]:
            found.append(f"{entry['file']} was changed")
    return found


def _hash(entry: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")).hexdigest()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container without a name for its user
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
