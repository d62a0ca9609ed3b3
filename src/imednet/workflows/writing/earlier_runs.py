"""Whether new records were written before, by the journals of other runs in the same folder.

Files of items are renamed, copied, sorted, saved as workbooks and added to; each of them then has a journal of its own,
which knows nothing of the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import ArgumentError
from ...utils import disk
from ...utils.url import same_server
from ...validation.schema import RECORD
from .journal import item_mark, lock_of, read_journal


class WrittenBeforeError(ArgumentError):
    """Items are those of another run, which may have stored them; nothing was sent.

    Attributes:
        journal: the journal of that run.
        numbers: numbers of these items, from 0.
        all_of_it: whether that run has the very same items.
    """

    def __init__(self, journal: Path, numbers: Sequence[int], count: int, *, all_of_it: bool) -> None:
        self.journal = journal
        self.numbers = tuple(numbers)
        self.all_of_it = all_of_it
        super().__init__(
            f"{len(numbers)} of the {count} items, such as number {numbers[0] + 1}, are those of a run that has its "
            f"journal in {journal}; nothing was sent. Next: go on with that journal, or leave these items out"
        )


def refuse_written(journal: Path, study_key: str, items: Sequence[Mapping[str, Any]], server: str) -> None:
    """Refuse items that would make a record again.

    Items that name their record change it to what it is, so they are let through, as are those that an ended run never
    carried out.

    Args:
        journal: the journal that is about to be begun; the others in its folder are looked at.
        study_key, items, server: what would be written, and where.

    Raises:
        WrittenBeforeError: another run has some of the items.
    """
    wanted: dict[str, list[int]] = {}
    for number, item in enumerate(items):
        if _makes_a_record(item):
            wanted.setdefault(item_mark(item), []).append(number)
    for path in sorted(journal.parent.iterdir()) if wanted else ():
        state = read_journal(path, study_key) if path.name != journal.name and path.is_file() else None
        if state is None or (state.server is not None and not same_server(state.server, server)):
            continue
        marks = {number: item_mark(item) for number, item in enumerate(state.items) if _makes_a_record(item)}
        if wanted.keys().isdisjoint(marks.values()):
            continue
        free = set() if _goes_on(path) else set(state.left)  # what an ended run never carried out
        held = Counter(mark for number, mark in marks.items() if number not in free)
        numbers = sorted(number for mark, own in wanted.items() for number in own[: held[mark]])
        if numbers:
            same = Counter(map(item_mark, state.items)) == Counter(map(item_mark, items))
            raise WrittenBeforeError(path, numbers, len(items), all_of_it=same)


def _makes_a_record(item: Mapping[str, Any]) -> bool:
    return all(item.get(name) in (None, "") for name in RECORD)


def _goes_on(path: Path) -> bool:
    """Whether a run uses a journal at this moment."""
    try:
        disk.Lock(lock_of(path)).release()
    except disk.InUseError:
        return True
    except OSError:
        return False
    return False
