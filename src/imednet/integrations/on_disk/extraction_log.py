"""The extraction log: one JSON line per run, each with the hash of the line before.

A changed entry is detected, and so is a missing one, up to the last run that wrote the manifest; lines of runs that
failed after it can be cut off unseen.

An entry says who exported what and when, the kind of target, the number of rows and the proof of each read. It never
holds an answer.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from glob import escape as glob_escape
from pathlib import Path
from typing import Any

from ...errors import ExportError
from ...utils import disk
from .folder import LOG, MANIFEST, PARTITION, exported_file, file_entries, read_object, sha256

_FIRST_HASH = "0" * 64


def append(folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Add one entry and return it; its number, time, user, host and hashes are added here."""
    path = folder / LOG
    entries = read(folder) if path.exists() else []
    entry = {
        "number": len(entries) + 1,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "user": _user(),
        "host": platform.node(),
        **facts,
        "previous": entries[-1]["hash"] if entries else _FIRST_HASH,
    }
    entry["hash"] = _hash(entry)
    end_of_last_line = path.read_bytes().rfind(b"\n") + 1 if path.exists() else 0
    with path.open("ab") as file:
        file.truncate(end_of_last_line)  # a run that died while writing its entry left part of one
        file.write(json.dumps(entry, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        file.flush()
        disk.flush(file.fileno())
    return entry


def find_home(target: Path) -> Path:
    """The folder of manifest and log of something that was exported: a folder, a file, or partitions of one study.

    Args:
        target: that folder, or the file or the folder of partitions beside which it is.

    Raises:
        ExportError: there is no log, or there are several.
    """
    if (target / LOG).is_file():
        return target
    near = target.absolute().with_name(f"{target.absolute().name}.export")
    named = sorted(target.absolute().parent.glob(f"{glob_escape(target.absolute().name)}.*.export"))
    found = [path for path in (near, *named) if (path / LOG).is_file()]
    found += sorted(path for path in near.glob(f"{PARTITION}*") if (path / LOG).is_file())
    if len(found) > 1:
        listed = ", ".join(str(path) for path in found[:5])
        raise ExportError(f"{target} holds several exports. Next: name the folder of one: {listed}")
    if not found:
        raise ExportError(
            f"{target} has no extraction log. Next: name what was exported, or the folder that the export printed"
        )
    return found[0]


def count(folder: Path) -> int:
    """The number of runs in a folder's log; the manifest stores its own, so a log cut short is detected."""
    return len(read(folder)) if (folder / LOG).exists() else 0


def read(folder: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """All entries of a folder's log, oldest first.

    Raises ExportError if there is no log or a line of it is incomplete.
    """
    path = Path(folder) / LOG
    try:
        entries = [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1] if line]
        if not all(isinstance(entry, dict) and isinstance(entry.get("hash"), str) for entry in entries):
            raise ValueError("no entries")
        return entries
    except FileNotFoundError:
        raise ExportError(f"{folder} has no extraction log. Next: name the folder that holds the manifest") from None
    except (OSError, ValueError, RecursionError):
        raise ExportError(f"the extraction log in {folder} cannot be read. Next: imednet log verify {folder}") from None


@dataclass(frozen=True)
class Verified:
    """The result of `verify`.

    Attributes:
        entries: how many entries could be checked.
        problems: each problem as a sentence.
        files: whether what was exported are files, which were checked too; the tables of a database are not.
    """

    entries: int
    problems: list[str]
    files: bool = True


def verify(folder: str | os.PathLike[str]) -> Verified:
    """Check that no entry was changed or removed up to the last manifest, and that the files are those of that run."""
    path = Path(folder) / LOG
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, ValueError):
        return Verified(0, [f"{folder} has no readable extraction log"])
    problems: list[str] = []
    previous, entries = _FIRST_HASH, []
    if lines.pop():
        problems.append("the last entry is incomplete")
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            sound = entry["hash"] == _hash({k: v for k, v in entry.items() if k != "hash"})
            linked = entry["previous"] == previous and entry["number"] == number
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            problems.append(f"entry {number} is incomplete")
            break
        if not sound:
            problems.append(f"entry {number} was changed")
        elif not linked:
            problems.append(f"an entry before number {number} was removed or changed")
        previous = entry["hash"]
        entries.append(entry)
    manifest = Path(folder) / MANIFEST
    if not entries and not problems:
        problems.append("the log has no entries: they were cut off")
    if not problems:
        digests = [entry["manifestSha256"] for entry in entries if entry.get("manifestSha256")]
        if digests and (not manifest.exists() or sha256(manifest) != digests[-1]):
            problems.append("the manifest is not the one of the last entry: entries were cut off, or it was changed")
        elif digests:
            problems += _file_problems(manifest)
        elif manifest.exists():
            problems.append("no entry is of the run that wrote the manifest: entries were cut off")
    facts = read_object(manifest) or {}
    target = facts.get("target")
    in_files = bool(isinstance(target, dict) and target.get("sha256")) or any(
        entry.get("sha256") for entry in file_entries(facts) if entry.get("form") != "_issues.jsonl"
    )
    return Verified(len(entries), problems, in_files)


def _file_problems(manifest: Path) -> list[str]:
    """A sentence for each file of the manifest that is missing or was changed."""
    problems = []
    facts = read_object(manifest) or {}
    target = facts.get("target")
    if isinstance(target, dict) and isinstance(target.get("file"), str):
        path = Path(os.path.normpath(manifest.parent / target["file"]))
        if not path.is_file():
            problems.append(f"{path.name} is missing")
        elif target.get("sha256") and sha256(path) != target["sha256"]:
            problems.append(f"{path.name} was changed")
    for entry in file_entries(facts):
        if not entry.get("file"):
            continue
        try:
            path = exported_file(manifest.parent, facts, str(entry["file"]))
        except disk.OutsideError as error:
            problems.append(str(error))
            continue
        if not path.is_file():
            problems.append(f"{entry['file']} is missing")
        elif entry.get("sha256") and sha256(path) != entry["sha256"]:
            problems.append(f"{entry['file']} was changed")
    return problems


def _hash(entry: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")).hexdigest()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container whose user has no name
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
