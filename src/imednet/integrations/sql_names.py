"""Rules for names in SQL databases: what each forbids, how long a name may be, and which names it takes as equal."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


def casefolded(name: str) -> str:
    """A name for case-insensitive comparison.

    >>> casefolded("Größe") == casefolded("GRÖSSE")
    True
    """
    return name.casefold()


def base_letters(name: str) -> str:
    """A name for comparison as in MySQL and MariaDB: base letters only, without accents and case.

    >>> base_letters("Éß") == base_letters("es")
    True
    """
    decomposed = unicodedata.normalize("NFKD", name)
    return "".join(character.upper()[:1] for character in decomposed if not unicodedata.combining(character))


@dataclass(frozen=True)
class NameRules:
    """Rules for names in one database.

    Attributes:
        longest: maximum length in bytes of UTF-8, or in characters without `in_bytes`; `None` for no limit.
        in_bytes: whether `longest` counts bytes.
        most_code_point: the highest code point a name may have.
        own_prefix: prefix that the database reserves for its own names, in lower case.
        trimmed: whether a name may not end with a blank.
        folded: function that maps a name to the form in which the database compares names.
    """

    longest: int | None = None
    in_bytes: bool = True
    most_code_point: int = 0x10FFFF
    own_prefix: str | None = None
    trimmed: bool = False
    folded: Callable[[str], str] = casefolded

    def fitting(self, text: str) -> str:
        """A text turned into a name of this database, not yet cut to its maximum length."""
        name = "".join(
            "_" if character == "\0" or ord(character) > self.most_code_point else character for character in text
        )
        if self.trimmed:
            name = name.rstrip()
        if self.own_prefix is not None and name.casefold().startswith(self.own_prefix):
            name = f"form_{name}"
        return name or "_"

    def cut(self, name: str, room: int = 0) -> str:
        """A name cut to the maximum length less `room`, which is left for a suffix."""
        if self.longest is None:
            return name
        limit = self.longest - room
        name = name.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore") if self.in_bytes else name[:limit]
        return name.rstrip() if self.trimmed else name


_MYSQL: Final = NameRules(64, in_bytes=False, most_code_point=0xFFFF, trimmed=True, folded=base_letters)
RULES: Final = {
    "postgresql": NameRules(63),
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "sqlite": NameRules(own_prefix="sqlite_"),
    "duckdb": NameRules(),
    "oracle": NameRules(128),
    "mssql": NameRules(128, in_bytes=False, trimmed=True, folded=base_letters),
}
"""Rules by SQLAlchemy's name of the dialect."""
OTHERS: Final = NameRules(63, trimmed=True, folded=base_letters)
"""Rules for any database that is not listed."""
