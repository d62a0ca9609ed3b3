"""A journal of what was written: an entry before each batch goes out and one when its outcome is known.

It is what makes a run resumable after a crash: a batch that may have gone out is read back, never sent again. The file
holds answers, so only its owner may read it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import ArgumentError
from .items import ItemOutcome

_VERSION = 1


def fingerprint(study_key: str, items: Sequence[Mapping[str, Any]]) -> str:
    """What tells one set of items from another."""
    text = json.dumps([study_key, list(items)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class JournalState:
    """What a journal says.

    Attributes:
        study_key: the study.
        items: the items, as they were given.
        high: batch -> the highest number of a record before it was sent.
        members: batch -> numbers of its items.
        before: number of an item -> record, old answers and their date, as they were before the batch was sent.
        batch_ids: batch -> the job.
        outcomes: number of an item -> what became of it.
    """

    study_key: str
    items: list[dict[str, Any]] = field(repr=False)
    high: dict[int, int] = field(default_factory=dict)
    members: dict[int, list[int]] = field(default_factory=dict)
    before: dict[int, dict[str, Any]] = field(default_factory=dict, repr=False)
    batch_ids: dict[int, str] = field(default_factory=dict)
    outcomes: dict[int, ItemOutcome] = field(default_factory=dict)

    @property
    def open(self) -> list[int]:
        """Batches that may have gone out and of which no outcome is known."""
        return [batch for batch, items in self.members.items() if not all(one in self.outcomes for one in items)]


class Journal:
    """An append-only file; every entry is on disk before the next thing happens.

    Args:
        path: the file; one of another set of items is refused.
    """

    def __init__(self, path: Path, study_key: str, items: Sequence[Mapping[str, Any]]) -> None:
        self.path = path
        self.state = JournalState(study_key, [dict(one) for one in items])
        mark = fingerprint(study_key, items)
        if path.exists() and path.stat().st_size:
            self.state = read_journal(path)
            if fingerprint(self.state.study_key, self.state.items) != mark:
                raise ArgumentError(f"{path} is the journal of other items. Next: name another file for the journal")
            whole = path.read_bytes().rfind(b"\n") + 1
            os.truncate(path, whole)  # a line that a crash cut off
        else:
            self._add({"version": _VERSION, "study": study_key, "sha256": mark, "items": self.state.items})

    def planned(self, batch: int, numbers: list[int], high: int, before: Mapping[int, Mapping[str, Any]]) -> None:
        """A batch is about to go out."""
        facts = {str(number): dict(one) for number, one in before.items()}
        self._add({"planned": batch, "members": numbers, "high": high, "before": facts})
        self.state.members[batch], self.state.high[batch] = numbers, high
        self.state.before.update({number: dict(one) for number, one in before.items()})

    def sent(self, batch: int, batch_id: str) -> None:
        """The server took a batch."""
        self._add({"sent": batch, "batchId": batch_id})
        self.state.batch_ids[batch] = batch_id

    def settled(self, batch: int, outcomes: Sequence[ItemOutcome]) -> None:
        """What became of a batch."""
        self._add({"settled": batch, "outcomes": [asdict(one) for one in outcomes]})
        self.state.outcomes.update({one.number: one for one in outcomes})

    def _add(self, entry: Mapping[str, Any]) -> None:
        text = json.dumps(entry, ensure_ascii=False, default=str).encode() + b"\n"
        new = not self.path.exists()
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, text)
            os.fsync(handle)
        finally:
            os.close(handle)
        if new and hasattr(os, "O_DIRECTORY"):
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def read_journal(path: Path) -> JournalState:
    """What a journal says; a last line that a crash cut off does not count.

    Raises:
        ArgumentError: the file cannot be read, or is no journal.
    """
    try:
        lines = path.read_bytes().split(b"\n")
        entries = [json.loads(line) for line in lines[:-1]]
        first = entries[0]
        state = JournalState(first["study"], first["items"])
        if first["version"] != _VERSION:
            raise ValueError("another version")
        for entry in entries[1:]:
            if "planned" in entry:
                batch = entry["planned"]
                state.members[batch], state.high[batch] = entry["members"], entry["high"]
                state.before.update({int(number): one for number, one in entry["before"].items()})
            elif "sent" in entry:
                state.batch_ids[entry["sent"]] = entry["batchId"]
            else:
                for one in entry["outcomes"]:
                    state.outcomes[one["number"]] = ItemOutcome(**{**one, "fields": tuple(one["fields"])})
    except OSError as error:
        raise ArgumentError(f"{path} cannot be read ({error.strerror}). Next: name the journal of a run") from None
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise ArgumentError(f"{path} is no journal of writing. Next: name the journal of a run") from None
    return state
