"""Names of SQL databases: what each one forbids, how long a name may be, and which names are the same to it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


def one_case(name: str) -> str:
    """A name as it is compared where case tells nothing apart.

    >>> one_case("Größe") == one_case("GRÖSSE")
    True
    """
    return name.casefold()


def one_letter(name: str) -> str:
    """A name as MySQL and MariaDB compare names: letters by their base, without accents and case.

    >>> one_letter("Éß") == one_letter("es")
    True
    """
    letters = (sign for sign in unicodedata.normalize("NFKD", name) if not unicodedata.combining(sign))
    return "".join(sign.upper()[:1] for sign in letters)


@dataclass(frozen=True)
class NameRules:
    """What names of one database must be.

    Attributes:
        longest: most characters, or bytes in UTF-8 with `in_bytes`; `None` for any number.
        in_bytes: whether `longest` counts bytes.
        most_code_point: the highest code point a name may have.
        own_prefix: how names of the database itself begin, in lower case.
        trimmed: whether a name may not end with a blank.
        folded: a name as the database compares it.
    """

    longest: int | None = None
    in_bytes: bool = True
    most_code_point: int = 0x10FFFF
    own_prefix: str | None = None
    trimmed: bool = False
    folded: Callable[[str], str] = one_case

    def fitting(self, text: str) -> str:
        """A text as a name of this database, not yet cut."""
        name = "".join("_" if sign == "\0" or ord(sign) > self.most_code_point else sign for sign in text)
        if self.trimmed:
            name = name.rstrip()
        if self.own_prefix is not None and name.casefold().startswith(self.own_prefix):
            name = f"form_{name}"
        return name or "_"

    def cut(self, name: str, room: int = 0) -> str:
        """A name with so much room left behind it."""
        if self.longest is None:
            return name
        most = self.longest - room
        name = name.encode("utf-8", "replace")[:most].decode("utf-8", "ignore") if self.in_bytes else name[:most]
        return name.rstrip() if self.trimmed else name


_MYSQL: Final = NameRules(64, in_bytes=False, most_code_point=0xFFFF, trimmed=True, folded=one_letter)
RULES: Final = {
    "postgresql": NameRules(63),
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "sqlite": NameRules(own_prefix="sqlite_"),
    "duckdb": NameRules(),
    "oracle": NameRules(128),
    "mssql": NameRules(128, in_bytes=False, trimmed=True, folded=one_letter),
}
"""Rules by the name SQLAlchemy has for a database."""
OTHERS: Final = NameRules(63, trimmed=True, folded=one_letter)
"""Rules for a database that is not listed."""
