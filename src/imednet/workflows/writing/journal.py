"""A journal of what was written: an entry before each batch goes out and one when its outcome is known.

It is what makes a run resumable after a crash: a batch that may have gone out is read back, never sent again. The file
holds answers, so only its owner may read it, and one run at a time may have it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from ...errors import ArgumentError, ClientError
from ...utils import disk
from .items import AGAIN, ItemOutcome

_VERSION: Final = 1
_BEGIN: Final = b'{"version": %d, "study": ' % _VERSION


_SUFFIX: Final = ".journal.jsonl"


def journal_of(file: Path) -> Path:
    """The journal that belongs to a file of items, unless another one is named.

    >>> journal_of(Path("events.csv")).name
    'events.csv.journal.jsonl'
    """
    return file.with_name(f"{file.name}{_SUFFIX}")


def source_of(journal: Path) -> Path:
    """The file of items that a journal belongs to, by its name."""
    return journal.with_name(journal.name.removesuffix(_SUFFIX))


def has_begun(journal: Path) -> bool:
    """Whether a journal tells of a run: then its items are gone on with, and not planned anew."""
    return journal.exists()


class JournalError(ClientError):
    """The journal cannot be written; what was not written down was not sent."""


def written(value: Any) -> str:
    """A value of an item that JSON has no type for, as it is sent: days and times to the minute where that is all."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes" if not value.second and not value.microsecond else "auto")
    if isinstance(value, time):
        return value.isoformat(timespec="minutes" if not value.second and not value.microsecond else "auto")
    return str(value)


def fingerprint(study_key: str, items: Sequence[Mapping[str, Any]]) -> str:
    """What tells one set of items from another."""
    text = json.dumps([study_key, list(items)], sort_keys=True, default=written)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class JournalState:
    """What a journal says.

    Attributes:
        study_key: the study.
        items: the items, as they were given.
        high: batch -> the highest number of a record before it was sent.
        at: batch -> when it went out.
        members: batch -> numbers of its items.
        before: number of an item -> record, old answers and their date, as they were before the batch was sent.
        batch_ids: batch -> the job.
        over: batch -> when its job was first seen to be over.
        outcomes: number of an item -> what became of it.
    """

    study_key: str
    items: list[dict[str, Any]] = field(repr=False)
    high: dict[int, int] = field(default_factory=dict)
    at: dict[int, float] = field(default_factory=dict)
    members: dict[int, list[int]] = field(default_factory=dict)
    before: dict[int, dict[str, Any]] = field(default_factory=dict, repr=False)
    batch_ids: dict[int, str] = field(default_factory=dict)
    over: dict[int, float] = field(default_factory=dict)
    outcomes: dict[int, ItemOutcome] = field(default_factory=dict)

    @property
    def open(self) -> dict[int, list[int]]:
        """Batch -> items that may have gone out and of which no outcome is known."""
        found = {
            batch: [one for one in numbers if one not in self.outcomes or self.outcomes[one].state == "unknown"]
            for batch, numbers in self.members.items()
        }
        return {batch: numbers for batch, numbers in found.items() if numbers}

    @property
    def missing(self) -> dict[int, list[int]]:
        """Batch -> its items that were not there when they were looked for last."""
        found = {
            batch: [one for one in numbers if one in self.outcomes and self.outcomes[one].state == "missing"]
            for batch, numbers in self.members.items()
        }
        return {batch: numbers for batch, numbers in found.items() if numbers}

    @property
    def left(self) -> list[int]:
        """Items that never were carried out and may be sent."""
        begun = {number for numbers in self.members.values() for number in numbers}
        begun |= self.outcomes.keys()
        again = {number for number, one in self.outcomes.items() if one.state in AGAIN}
        return [number for number in range(len(self.items)) if number not in begun or number in again]

    def take(self, entry: Mapping[str, Any]) -> None:
        """What one entry says."""
        if "planned" in entry:
            batch = entry["planned"]
            self.members[batch], self.high[batch] = entry["members"], entry["high"]
            self.at[batch] = entry["at"]
            for earlier in self.members:  # an item that is sent again is one of its last batch alone
                if earlier != batch:
                    self.members[earlier] = [one for one in self.members[earlier] if one not in entry["members"]]
            self.before.update({int(number): dict(one) for number, one in entry["before"].items()})
            for number in entry["members"]:
                self.outcomes.pop(number, None)
        elif "withdrawn" in entry:
            del self.members[entry["withdrawn"]]
        elif "sent" in entry:
            self.batch_ids[entry["sent"]] = entry["batchId"]
        else:
            if entry.get("over") is not None:
                self.over[entry["settled"]] = entry["over"]
            for one in entry["outcomes"]:
                self.outcomes[one["number"]] = ItemOutcome(**{**one, "fields": tuple(one["fields"])})


def _sound_mark(state: JournalState) -> str:
    """The fingerprint of items. Raises ArgumentError for items that cannot be written down."""
    try:
        return fingerprint(state.study_key, state.items)
    except (TypeError, ValueError, RecursionError):
        what = "the items cannot be written down as JSON: members have names, values are texts, numbers and the like"
        raise ArgumentError(what) from None


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return True  # what is wrong with it is said where it is opened


def _unusable(path: Path, error: Exception) -> ArgumentError:
    reason = error.strerror if isinstance(error, OSError) else "it is no path"
    return ArgumentError(f"{path} cannot be used ({reason}). Next: name another file")


class Journal:
    """An append-only file; every entry is on disk before the next thing happens.

    Args:
        path: the file; one of another set of items is refused, and so is one that another run uses.
        study_key, items: what is written; left out to go on with whatever the journal holds.
    """

    def __init__(self, path: Path, study_key: str | None = None, items: Sequence[Mapping[str, Any]] = ()) -> None:
        self.path = path
        if study_key is None and not _is_there(path):
            raise ArgumentError(f"{path} cannot be read (it is not there). Next: name the journal of a run")
        try:
            self._lock: disk.Lock | None = disk.Lock(path.with_name(f".{path.name}.lock"))
        except disk.InUseError:
            raise ArgumentError(f"{path} is in use by another run. Next: wait for it") from None
        except (OSError, ValueError) as error:
            raise _unusable(path, error) from None
        try:
            new = not path.exists()
            self._handle: int | None = disk.open_private(path, os.O_RDWR | os.O_APPEND)
        except (OSError, ValueError) as error:
            self._lock.release()
            raise _unusable(path, error) from None
        try:
            given = [dict(one) for one in items]
            kept = self._read()
            if kept is None and study_key is None:
                raise ArgumentError(f"{path} is no journal of writing. Next: name the journal of a run")
            self._header = kept is not None
            self.state = kept or JournalState(str(study_key), given)
            mark = _sound_mark(self.state)
            if study_key is not None and mark != fingerprint(study_key, given):
                raise ArgumentError(f"{path} is the journal of other items. Next: name another file for the journal")
        except BaseException:
            self.close(remove=new)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(remove=not self._header)

    def close(self, *, remove: bool = False) -> None:
        """Let go of the file; one in which nothing was written is removed."""
        handle, self._handle = self._handle, None
        lock, self._lock = self._lock, None
        if handle is not None:
            os.close(handle)
            if remove:
                with suppress(OSError):
                    self.path.unlink(missing_ok=True)
        if lock is not None:
            lock.release()

    def planned(
        self, batch: int, numbers: list[int], high: int, before: Mapping[int, Mapping[str, Any]], at: float
    ) -> None:
        """A batch is about to go out. Raises JournalError where that cannot be written down."""
        facts = {str(number): dict(one) for number, one in before.items()}
        self._add({"planned": batch, "members": numbers, "high": high, "at": at, "before": facts})

    def withdrawn(self, batch: int) -> None:
        """A batch did not go out after all."""
        self._add({"withdrawn": batch})

    def sent(self, batch: int, batch_id: str) -> None:
        """The server took a batch."""
        self._add({"sent": batch, "batchId": batch_id})

    def settled(self, batch: int, outcomes: Sequence[ItemOutcome], over: float | None) -> None:
        """What became of a batch, and when its job was first seen to be over."""
        self._add({"settled": batch, "over": over, "outcomes": [asdict(one) for one in outcomes]})

    def _add(self, entry: Mapping[str, Any]) -> None:
        entries = [entry]
        if not self._header:
            mark = fingerprint(self.state.study_key, self.state.items)
            items = self.state.items
            entries.insert(0, {"version": _VERSION, "study": self.state.study_key, "sha256": mark, "items": items})
        text = b"".join(json.dumps(one, default=written).encode() + b"\n" for one in entries)
        assert self._handle is not None
        size = os.fstat(self._handle).st_size
        try:
            left = memoryview(text)
            while left:
                left = left[os.write(self._handle, left) :]
            disk.flush(self._handle)
        except OSError as error:
            os.ftruncate(self._handle, size)
            raise JournalError(
                f"{self.path} cannot be written ({error.strerror}). Next: make room, then go on"
            ) from None
        if not self._header:
            self._header = True
            disk.flush_folder(self.path.parent)
        self.state.take(json.loads(json.dumps(entry, default=written)))

    def _read(self) -> JournalState | None:
        """What the file says; a last line that a crash cut off does not count and is taken out."""
        assert self._handle is not None
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if not whole:
            if not (data.startswith(_BEGIN) or _BEGIN.startswith(data)):  # not a header that a crash cut off
                raise ArgumentError(f"{self.path} is no journal of writing. Next: name the journal of a run")
            os.ftruncate(self._handle, 0)
            return None
        try:
            entries = [json.loads(line) for line in data[:whole].splitlines()]
            first = entries[0]
            state = JournalState(first["study"], first["items"])
            if first["version"] != _VERSION:
                raise ValueError("another version")
            for entry in entries[1:]:
                state.take(entry)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            raise ArgumentError(f"{self.path} is no journal of writing. Next: name the journal of a run") from None
        os.ftruncate(self._handle, whole)
        return state
