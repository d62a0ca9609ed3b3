"""Refuses answers by which most rows, or all blinded answers, would be gone.

That is how a failing server looks, and how keys look that may read less than those of the syncs before. Once it were
written, it could not be told from deletions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from imednet_api.types import decode

from ..errors import MirrorError
from .commits import ListState
from .reading import ListChange

_MANY_ROWS: Final = 100
"""A list, or a table of records, of fewer rows may lose most of them."""
_STRUCTURE: Final = frozenset({"studies", "sites", "forms", "variables", "subjects"})
"""Lists of what a study is made of, which lose most of their rows only by a failure, however few they are."""


def refuse_shrunk_lists(changes: Mapping[str, ListChange], known: Mapping[str, ListState]) -> None:
    """Raise MirrorError for a list that would lose most of its rows, or its last."""
    for name, change in changes.items():
        if name not in known or change.mode not in ("all", "some"):
            continue
        count = known[name].count
        if (count >= _MANY_ROWS or name in _STRUCTURE or not change.rows) and change.rows < count / 2:
            raise _shrunk(name, change.rows, count)


def refuse_shrunk_table(key: str, rows: int, known: int) -> None:
    """Raise MirrorError for a form that would lose most of many records."""
    if known >= _MANY_ROWS and rows < known / 2:
        raise _shrunk(f"records of {key}", rows, known)


def refuse_unseen_answers(lost: int) -> None:
    """Raise MirrorError where rows lost all their blinded answers and no row that was read has one."""
    if lost:
        raise MirrorError(
            f"records: {lost} rows that had an answer to a blinded variable have none now, and no row that changed has "
            "one, so these keys do not see them. Nothing was written. Next: sync with the keys of the syncs before; if "
            "the answers are gone, with --accept-deletions"
        )


def answers_any(line: bytes, blinded: Collection[tuple[str, str]]) -> bool:
    """Whether a record answers one of these variables, each by its `formId` and its name in lower case."""
    row = decode(line)
    answers = row.get("recordData")
    if not isinstance(answers, dict):
        return False
    form = str(row.get("formId"))
    return any(
        (form, name.casefold()) in blinded for name, value in answers.items() if value is not None and value != ""
    )


def bare_rows(rows: Iterable[tuple[str, bytes]], blinded: Collection[tuple[str, str]]) -> set[str]:
    """Keys of records without an answer to one of these variables; none where any record has one."""
    bare = set[str]()
    for key, line in rows:
        if answers_any(line, blinded):
            return set()
        bare.add(key)
    return bare


def _shrunk(what: str, rows: int, known: int) -> MirrorError:
    return MirrorError(
        f"{what}: the server has {rows} rows where the mirror has {known}. Nothing was written. Next: check the keys "
        "and the study; if the rows are gone, sync with --accept-deletions"
    )
