"""Names of tables and columns in a destination: each follows from one name of the study alone.

So no other form or variable, now or later, can change the name of one that was loaded before. A name that cannot stand
as it is in every destination gets a few digits of its hash.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from typing import Final

from ..integrations.tables.layout import UNASSIGNED

LONGEST: Final = 60
"""Some destinations cut names, or refuse them, from 63 characters on."""
_BORDER: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ODD: Final = re.compile(r"[^a-z0-9]+")
_PLAIN: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


def snake(name: str) -> str:
    """A name of the API in snake case.

    >>> snake("recordId"), snake("record_revisions")
    ('record_id', 'record_revisions')
    """
    return _BORDER.sub("_", name).lower()


def table_name(key: str, *, is_form: bool) -> str:
    """The name of the table of a list or a form.

    >>> table_name("_record_revisions", is_form=False), table_name("AE", is_form=True)
    ('record_revisions', 'form_ae')
    >>> table_name("A/E", is_form=True)
    'form_a_e_26f2d8'
    """
    if key == UNASSIGNED:
        return "unassigned_records"
    return f"form_{own_name(key)}" if is_form else snake(key.lstrip("_"))


def column_name(column: str, fields: Collection[str], taken: Collection[str]) -> str:
    """The name of a column.

    Args:
        column: its name in the mirror, which no other column of the table has in any case of letters.
        fields: names of the API's own fields of such rows.
        taken: names that no variable may have.

    >>> column_name("recordId", {"recordId"}, ()), column_name("AESTDAT_first", {"recordId"}, ())
    ('record_id', 'aestdat_first')
    """
    if column in fields:
        return snake(column)
    lower = column.lower()
    return lower if _PLAIN.fullmatch(lower) and len(lower) <= LONGEST and lower not in taken else _hashed(column)


def own_name(key: str) -> str:
    """A key in lower case, if it is one of capitals, digits and single underscores; else with a part of its hash.

    >>> own_name("AE_2"), own_name("Größe") == own_name("größe")
    ('ae_2', False)
    """
    lower = key.lower()
    return lower if key == key.upper() and _PLAIN.fullmatch(lower) and len(key) <= LONGEST - 10 else _hashed(key)


def retyped_name(column: str, kind: str) -> str:
    """The name of a further column, for values of another type than those the first one has.

    Args:
        column: its name in the mirror.
        kind: the type, such as `double` or `timestamp[us]`.

    >>> retyped_name("AEVAL", "double")
    'aeval_double_576adc'
    """
    return _hashed(f"{column}\0{kind}")  # which is no name of a variable


def _hashed(name: str) -> str:
    plain = _ODD.sub("_", snake(name)).strip("_")[: LONGEST - 20].strip("_")
    begin = plain if plain[:1].isalpha() else f"n{plain}"
    return f"{begin}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"
