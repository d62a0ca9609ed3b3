"""The journal of a run that writes: an entry before each batch is sent, and one when its outcome is known.

It makes a run resumable after a crash: a batch that may have been sent is read back, never sent again. The file holds
answers, so only its owner may read it, and only one run at a time may use it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from ...errors import ArgumentError, ClientError
from ...utils import disk
from ...utils.url import same_server
from .items import AGAIN, ItemOutcome

_VERSION: Final = 1
_BEGIN: Final = b'{"version": %d, "study": ' % _VERSION
_SUFFIX: Final = ".journal.jsonl"
_FOLDER_LOCK: Final = ".imednet-journals.lock"
_LONGEST_WAIT: Final = 20.0
"""Seconds to wait for another run that looks at the journals of the folder."""
_SHORT_WAIT: Final = 0.5
"""Seconds to wait for another run that looks whether this one goes on."""


def journal_of(file: Path) -> Path:
    """The journal that belongs to a file of items, unless another one is named; of a link, that of the file behind it.

    >>> journal_of(Path("events.csv")).name
    'events.csv.journal.jsonl'
    """
    file = file.resolve() if file.is_symlink() else file
    return file.with_name(f"{file.name}{_SUFFIX}")


def source_of(journal: Path) -> Path:
    """The file of items that a journal belongs to, by its name."""
    return journal.with_name(journal.name.removesuffix(_SUFFIX))


def lock_of(journal: Path) -> Path:
    """The file that a run locks while it uses a journal."""
    return journal.with_name(f".{journal.name}.lock")


def has_begun(journal: Path) -> bool:
    """Whether a journal says that a batch was about to be sent: then its items are gone on with, not planned anew."""
    state = read_journal(journal)
    return state is not None and bool(state.members or state.outcomes)


def items_of(journal: Path) -> list[dict[str, Any]]:
    """The items of a run, as they were given; none where the file is not its journal."""
    state = read_journal(journal)
    return [] if state is None else state.items


def read_journal(journal: Path, study_key: str | None = None) -> JournalState | None:
    """The state of a run, whoever works on it; `None` where the file is not its journal, which who uses it is told.

    Args:
        journal: the file.
        study_key: the study that is looked for; `None` also for the journal of another one.
    """
    begin = _BEGIN if study_key is None else _BEGIN + json.dumps(study_key).encode() + b","
    try:
        with journal.open("rb") as opened:
            first = opened.read(len(begin))
            return _parsed(first + opened.read())[0] if first == begin else None
    except (OSError, ValueError):
        return None


class JournalError(ClientError):
    """The journal cannot be written. Batches that are not in it were not sent."""


class JournalInUseError(ArgumentError):
    """Another run holds the journal; nothing was sent."""


def written(value: Any) -> str:
    """A value that JSON has no type for as the text that is sent; times without seconds end at the minute."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes" if not value.second and not value.microsecond else "auto")
    if isinstance(value, time):
        return value.isoformat(timespec="minutes" if not value.second and not value.microsecond else "auto")
    return str(value)


def fingerprint(study_key: str, items: Sequence[Mapping[str, Any]]) -> str:
    """A checksum that tells one set of items from another."""
    text = json.dumps([study_key, list(items)], sort_keys=True, default=written)
    return hashlib.sha256(text.encode()).hexdigest()


def item_mark(item: Mapping[str, Any]) -> str:
    """A checksum of one item, the same whatever kind of file it came from: of a number and of its text, for one.

    >>> item_mark({"formKey": "VS", "PULSE": 81}) == item_mark({"PULSE": "81", "formKey": "VS", "NOTE": ""})
    True
    """
    return fingerprint("", [{name: _plain(value) for name, value in item.items() if value not in (None, "")}])


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items() if one not in (None, "")}
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, (bool, list)) else written(value)


@dataclass
class JournalState:
    """The state of a run as its journal records it.

    Attributes:
        study_key: the study.
        items: the items, as they were given.
        server: the address of the server that they are written to; `None` in a journal that does not say.
        high: batch -> the highest number a record had before it was sent.
        at: batch -> when it was sent, in seconds since 1970.
        members: batch -> numbers of its items.
        before: number of an item -> its record, old answers and their date, before the batch was sent.
        batch_ids: batch -> the id of its job.
        over: batch -> when its job was first seen to have ended.
        outcomes: number of an item -> its outcome.
    """

    study_key: str
    items: list[dict[str, Any]] = field(repr=False)
    server: str | None = None
    high: dict[int, int] = field(default_factory=dict)
    at: dict[int, float] = field(default_factory=dict)
    members: dict[int, list[int]] = field(default_factory=dict)
    before: dict[int, dict[str, Any]] = field(default_factory=dict, repr=False)
    batch_ids: dict[int, str] = field(default_factory=dict)
    over: dict[int, float] = field(default_factory=dict)
    outcomes: dict[int, ItemOutcome] = field(default_factory=dict)

    @property
    def open(self) -> dict[int, list[int]]:
        """Batch -> items that may have been sent and whose outcome is unknown."""
        batches = {
            batch: [item for item in numbers if item not in self.outcomes or self.outcomes[item].state == "unknown"]
            for batch, numbers in self.members.items()
        }
        return {batch: numbers for batch, numbers in batches.items() if numbers}

    @property
    def missing(self) -> dict[int, list[int]]:
        """Batch -> its items that were not found at the last check."""
        batches = {
            batch: [item for item in numbers if item in self.outcomes and self.outcomes[item].state == "missing"]
            for batch, numbers in self.members.items()
        }
        return {batch: numbers for batch, numbers in batches.items() if numbers}

    @property
    def left(self) -> list[int]:
        """Items that were never carried out and may be sent."""
        begun = {number for numbers in self.members.values() for number in numbers}
        begun |= self.outcomes.keys()
        again = {number for number, outcome in self.outcomes.items() if outcome.state in AGAIN}
        return [number for number in range(len(self.items)) if number not in begun or number in again]

    def take(self, entry: Mapping[str, Any]) -> None:
        """Apply one entry of the journal."""
        if "planned" in entry:
            batch = entry["planned"]
            self.members[batch], self.high[batch] = entry["members"], entry["high"]
            self.at[batch] = entry["at"]
            for earlier in self.members:  # an item that is sent again belongs to its last batch only
                if earlier != batch:
                    self.members[earlier] = [item for item in self.members[earlier] if item not in entry["members"]]
            self.before.update({int(number): dict(facts) for number, facts in entry["before"].items()})
            for number in entry["members"]:
                self.outcomes.pop(number, None)
        elif "withdrawn" in entry:
            del self.members[entry["withdrawn"]]
        elif "sent" in entry:
            self.batch_ids[entry["sent"]] = entry["batchId"]
        else:
            if entry.get("over") is not None:
                self.over[entry["settled"]] = entry["over"]
            for facts in entry["outcomes"]:
                self.outcomes[facts["number"]] = ItemOutcome(**{**facts, "fields": tuple(facts["fields"])})


def _sound_mark(state: JournalState) -> str:
    """The fingerprint of the items. Raises ArgumentError for items that cannot be written as JSON."""
    try:
        return fingerprint(state.study_key, state.items)
    except (TypeError, ValueError, RecursionError):
        reason = "the items cannot be written as JSON: members have names, values are texts, numbers and the like"
        raise ArgumentError(reason) from None


def _overlap(given: Sequence[Mapping[str, Any]], held: Sequence[Mapping[str, Any]]) -> str:
    """How many of the items given are in a journal of others, and what to do about them."""
    both = Counter(map(item_mark, given)) & Counter(map(item_mark, held))
    if not both.total():
        return ". Next: name another file for the journal"
    return (
        f"; {both.total()} of the {len(given)} given are among them, and another journal would send those again. "
        "Next: give the others in a file of their own"
    )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return True  # what is wrong with it is said where it is opened


def _unusable(path: Path, error: Exception) -> ArgumentError:
    reason = error.strerror if isinstance(error, OSError) else "it is not a path"
    return ArgumentError(f"{path} cannot be used ({reason}). Next: name another file")


class Journal:
    """An append-only file; every entry is on disk before the run goes on.

    Args:
        path: the file; it is refused if it holds other items, or another run uses it.
        study_key, items: the study and the items to write; left out to read the run that the journal holds.
        server: the address they are written to. What was written to one server was not written to another.
        claim: called before a new run takes the items for its own, while no other run in the folder can; it raises
            what forbids that.

    Raises:
        ArgumentError: the file cannot be used, or is the journal of other items, of another study or server.
        JournalInUseError: another run uses it.
        JournalError: it cannot be written.
    """

    def __init__(
        self,
        path: Path,
        study_key: str | None = None,
        items: Sequence[Mapping[str, Any]] = (),
        *,
        server: str | None = None,
        claim: Callable[[], None] | None = None,
    ) -> None:
        self.path = path
        if study_key is None and not _is_there(path):
            raise ArgumentError(f"{path} cannot be read (it does not exist). Next: name the journal of a run")
        try:
            self._lock: disk.Lock | None = disk.Lock(lock_of(path), _SHORT_WAIT)
        except disk.InUseError:
            raise JournalInUseError(f"{path} is in use by another run. Next: wait for it") from None
        except (OSError, ValueError) as error:
            raise _unusable(path, error) from None
        try:
            new = not path.exists()
            self._handle: int | None = disk.open_private(path, os.O_RDWR | os.O_APPEND)
        except (OSError, ValueError) as error:
            self._lock.release()
            raise _unusable(path, error) from None
        try:
            given = [dict(item) for item in items]
            kept = self._read()
            if kept is not None and study_key is not None and not (kept.members or kept.outcomes):
                os.ftruncate(self._handle, 0)  # of a run that ended before anything was sent
                kept = None
            if kept is None and study_key is None:
                raise ArgumentError(f"{path} is not the journal of a run. Next: name the journal of a run")
            self.state = kept or JournalState(str(study_key), given, server)
            self._unused = study_key is not None and not (self.state.members or self.state.outcomes)
            mark = _sound_mark(self.state)
            self._check(study_key, given, server, mark)
            if self._unused:
                self._claim(claim, mark)
        except BaseException:
            self.close(remove=new)
            raise

    def _check(self, study_key: str | None, given: list[dict[str, Any]], server: str | None, mark: str) -> None:
        """Refuse the journal of another server, another study or other items."""
        if server is not None and self.state.server is not None and not same_server(self.state.server, server):
            raise ArgumentError(
                f"{self.path} is the journal of a run on {self.state.server}, not on {server}. Next: use the address "
                "of that run, or name another file for the journal"
            )
        if study_key is not None and study_key != self.state.study_key:
            raise ArgumentError(
                f"{self.path} is the journal of a run on study {self.state.study_key}, not on {study_key}. Next: name "
                "another file for the journal"
            )
        if study_key is not None and mark != fingerprint(study_key, given):
            raise ArgumentError(f"{self.path} is the journal of other items{_overlap(given, self.state.items)}")

    def _claim(self, claim: Callable[[], None] | None, mark: str) -> None:
        """Write the first line, so that other runs see whose items they are."""
        if claim is None:
            self._begin(mark)
            return
        try:
            lock = disk.Lock(self.path.with_name(_FOLDER_LOCK), _LONGEST_WAIT)
        except disk.InUseError:
            raise JournalInUseError(
                f"another run looks at the journals beside {self.path}. Next: run it again in a moment"
            ) from None
        except OSError as error:
            raise _unusable(self.path.with_name(_FOLDER_LOCK), error) from None
        try:
            claim()
            self._begin(mark)
        finally:
            lock.release()

    def _begin(self, mark: str) -> None:
        facts = {"study": self.state.study_key, "server": self.state.server, "sha256": mark}
        self._write([{"version": _VERSION, **facts, "items": self.state.items}], "was not sent")
        disk.flush_folder(self.path.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(remove=self._unused)

    def close(self, *, remove: bool = False) -> None:
        """Close and unlock the file; with `remove` also delete it, as one that tells of no batch is."""
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
        """Record that a batch is about to be sent. Raises JournalError if that cannot be written."""
        facts = {str(number): dict(item) for number, item in before.items()}
        self._add({"planned": batch, "members": numbers, "high": high, "at": at, "before": facts}, "was not sent")

    def withdrawn(self, batch: int) -> None:
        """Record that a batch was not sent after all."""
        self._add({"withdrawn": batch}, "was not sent")

    def sent(self, batch: int, batch_id: str) -> None:
        """Record that the server accepted a batch as a job."""
        self._add({"sent": batch, "batchId": batch_id})

    def settled(self, batch: int, outcomes: Sequence[ItemOutcome], over: float | None) -> None:
        """Record the outcomes of a batch, and when its job was first seen to have ended."""
        self._add({"settled": batch, "over": over, "outcomes": [asdict(outcome) for outcome in outcomes]})

    def _add(self, entry: Mapping[str, Any], fate: str = "was sent; the next run reads back what became of it") -> None:
        self._write([entry], fate)
        self._unused = False
        self.state.take(json.loads(json.dumps(entry, default=written)))

    def _write(self, entries: Sequence[Mapping[str, Any]], fate: str) -> None:
        lines = b"".join(json.dumps(line, default=written).encode() + b"\n" for line in entries)
        assert self._handle is not None
        size = os.fstat(self._handle).st_size
        try:
            left = memoryview(lines)
            while left:
                left = left[os.write(self._handle, left) :]
            disk.flush(self._handle)
        except OSError as error:
            with suppress(OSError):  # else half a line stays, which the next run takes away
                os.ftruncate(self._handle, size)
            raise JournalError(
                f"{self.path} cannot be written ({error.strerror}). The batch {fate}. "
                "Next: make room, then run it again"
            ) from None

    def _read(self) -> JournalState | None:
        """Read the file; a last line that a crash cut off is removed. Returns `None` where there is no whole line."""
        assert self._handle is not None
        data = self.path.read_bytes()
        try:
            state, length = _parsed(data)
        except VersionError as error:
            raise ArgumentError(f"{self.path} {error}") from None
        except ValueError:
            raise ArgumentError(f"{self.path} is not the journal of a run. Next: name the journal of a run") from None
        os.ftruncate(self._handle, length)
        return state


class VersionError(ValueError):
    """The journal is of another version of this package."""


def _parsed(data: bytes) -> tuple[JournalState | None, int]:
    """The state that a journal tells, and the bytes of its whole lines; no state where there is no whole line.

    Raises:
        VersionError: another version wrote it.
        ValueError: it is no journal.
    """
    length = data.rfind(b"\n") + 1
    if not length:
        if not (data.startswith(_BEGIN) or _BEGIN.startswith(data)):  # not a header that a crash cut off
            raise ValueError("no journal")
        return None, 0
    try:
        entries = [json.loads(line) for line in data[:length].splitlines()]
        first = entries[0]
        state = JournalState(first["study"], first["items"], first.get("server"))
        if first["version"] != _VERSION:
            raise VersionError(
                f"is a journal of version {first['version']!r}, and this version of imednet writes {_VERSION}. "
                "Next: go on with the version that began the run"
            )
        for entry in entries[1:]:
            state.take(entry)
    except VersionError:
        raise
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise ValueError("no journal") from None
    return state, length
