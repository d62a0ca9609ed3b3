"""Tables of a SQL database: their columns and types, and what of a table that is there can stay.

A table stays while the types of its columns fit: then its rows are replaced and missing columns are added, so that
grants, views, indexes and comments live on. A column whose type differs from what is written now needs a new table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ...errors import ExportConfigurationError
from ...validation.kinds import Kind
from ..tables.layout import Column, Table

MYSQL: Final = ("mysql", "mariadb")
_MOST_COLUMNS: Final = {"sqlite": 2000, "postgresql": 400, "mysql": 190, "mariadb": 190}
_LONGEST_COMMENT: Final = 1024
_LONGEST_KEY: Final = 191
"""Characters of a text that MySQL puts into an index."""
_FAMILIES: Final = {
    Kind.INTEGER: "whole number",
    Kind.BOOLEAN: "yes or no",
    Kind.NUMBER: "number",
    Kind.DATE: "date",
    Kind.DATETIME: "date and time",
    Kind.INSTANT: "date and time",
    Kind.TIME: "time",
}
"""What a column holds, in words; texts of any length are `text`."""


@dataclass
class Part:
    """All or some columns of a table, staged in a table with a hidden name.

    Attributes:
        staged: the table with the hidden name.
        final: the name of the table the rows are for.
        old: the hidden name that a table which is replaced has for a moment.
        columns: indexes of the columns it holds.
        batch: name of the column of batch numbers, which only the staged table has.
        stays: whether the table of that name stays and only its rows are replaced.
        missing: columns to add to a table that stays.
    """

    staged: Any
    final: str
    old: str
    columns: list[int]
    batch: str
    stays: bool = False
    missing: list[Column] = field(default_factory=list)


def most_columns(dialect: str) -> int:
    """How many columns a table may have."""
    return _MOST_COLUMNS.get(dialect, 1000)


def column_parts(table: Table, dialect: str, shared: int) -> list[list[int]]:
    """Column indexes of each part of a table that is too wide for the database.

    Args:
        table: the table.
        dialect: SQLAlchemy's name of the database.
        shared: number of the first columns that every part has.
    """
    limit = most_columns(dialect) - 1
    indexes = list(range(len(table.columns)))
    if len(indexes) <= limit:
        return [indexes]
    rest, step = indexes[shared:], limit - shared
    return [[*indexes[:shared], *rest[start : start + step]] for start in range(0, len(rest), step)]


def column_type(sql: Any, dialect: str, kind: Kind) -> Any:
    """The type of a column of a kind."""
    types = {
        Kind.INTEGER: sql.BigInteger(),
        Kind.BOOLEAN: sql.Boolean(),
        Kind.NUMBER: sql.Double(),
        Kind.DATE: sql.Date(),
        Kind.DATETIME: sql.DateTime(),
        Kind.INSTANT: sql.DateTime(timezone=dialect == "postgresql"),
        Kind.TIME: sql.Time(),
    }
    if dialect in MYSQL:
        from sqlalchemy.dialects import mysql

        types[Kind.DATETIME] = types[Kind.INSTANT] = mysql.DATETIME(fsp=6)
        return types.get(kind, mysql.LONGTEXT())
    return types.get(kind, sql.Text())


def staged_table(sql: Any, dialect: str, table: Table, columns: Sequence[int], names: Mapping[str, str | None]) -> Any:
    """A table for the columns of one part, with key, index and comments, and a column of batch numbers.

    The columns have the keys `c0`, `c1` ... by their index, and `batch`.

    Args:
        sql: the module `sqlalchemy`.
        dialect: SQLAlchemy's name of the database.
        table: the table of the export.
        columns: indexes of the columns.
        names: names of the table (`table`), its schema (`schema`), its column of batches (`batch`) and its index
            (`index`; without one there is none).
    """
    identity = table.identity if table.is_form else ()
    made = []
    for index in columns:
        column = table.columns[index]
        key = column.name in identity
        comment = column.label.replace("\0", " ")[:_LONGEST_COMMENT] if column.label else None
        kind = column_type(sql, dialect, column.kind)
        made.append(
            sql.Column(column.name, kind, key=f"c{index}", primary_key=key, autoincrement=False, comment=comment)
        )
    by_source = {table.columns[index].source: f"c{index}" for index in columns if table.columns[index].part == "field"}
    stored = sql.Table(
        names["table"],
        sql.MetaData(schema=names["schema"]),
        *made,
        sql.Column(names["batch"], sql.Integer, key="batch", index=False),
        comment=table.title.replace("\0", " ")[:_LONGEST_COMMENT] if table.title else None,
        **mysql_options(charset="utf8mb4", row_format="DYNAMIC"),
    )
    if names["index"] is not None and "subjectKey" in by_source:
        column = stored.c[by_source["subjectKey"]]
        sql.Index(names["index"], column, **mysql_options(length=_LONGEST_KEY))
    return stored


def mysql_options(**options: Any) -> dict[str, Any]:
    """Options for both names of dialects under which SQLAlchemy knows such a server."""
    return {f"{dialect}_{name}": value for dialect in MYSQL for name, value in options.items()}


def mysql_columns(sql: Any, engine_or_connection: Any, table: str, schema: str | None) -> dict[str, Any]:
    """Columns of a table of MySQL or MariaDB, with their types.

    SQLAlchemy reads them from the text of `SHOW CREATE TABLE`, and names with line breaks wrongly.
    """
    from sqlalchemy.dialects import mysql

    types = {
        "bigint": sql.BigInteger, "int": sql.Integer, "tinyint": mysql.TINYINT, "double": sql.Double,
        "float": sql.Float, "decimal": sql.Numeric, "date": sql.Date, "datetime": sql.DateTime,
        "timestamp": sql.DateTime, "time": sql.Time,
    }  # fmt: skip
    query = sql.text(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = :name "
        "AND table_schema = coalesce(:schema, DATABASE()) ORDER BY ordinal_position"
    )
    values = {"name": table, "schema": schema}
    if hasattr(engine_or_connection, "connect"):
        with engine_or_connection.connect() as connection:
            rows = connection.execute(query, values).all()
    else:
        rows = engine_or_connection.execute(query, values).all()
    return {str(name): types.get(str(kind).lower(), sql.Text)() for name, kind in rows}


def misfit(sql: Any, kind: Kind, there: Any) -> str | None:
    """What a column holds that cannot stay for cells of a kind, in words; `None` if it can."""
    found, wanted = _family(sql, there), _FAMILIES.get(kind, "text")
    if found is None or found == wanted or ({found, wanted} == {"whole number", "yes or no"} and _is_tiny(there)):
        return None
    return f"{found}, and now {wanted}"


def _family(sql: Any, there: Any) -> str | None:
    """What a type of a database holds, in words; `None` for types that SQLAlchemy knows nothing of."""
    for known, family in (
        (sql.Boolean, "yes or no"),
        (sql.Integer, "whole number"),
        (sql.Numeric, "number"),
        (sql.DateTime, "date and time"),
        (sql.Date, "date"),
        (sql.Time, "time"),
        (sql.String, "text"),
    ):
        if isinstance(there, known):
            return family
    return None


def _is_tiny(there: Any) -> bool:
    """Whether a type is the smallest integer, in which MySQL keeps booleans."""
    return type(there).__name__ == "TINYINT"


def obstacle(error: BaseException) -> str:
    """What stood in the way, in one line: names of objects, and never a value.

    The driver's text may quote values when data do not fit; then only its names are told.
    """
    original = getattr(error, "orig", None) or error
    facts = getattr(original, "diag", None)
    if type(error).__name__ in ("DataError", "IntegrityError", "StatementError"):
        names = [f"{word} {name}" for word, name in (
            ("table", getattr(facts, "table_name", None)),
            ("column", getattr(facts, "column_name", None)),
            ("constraint", getattr(facts, "constraint_name", None)),
        ) if name]  # fmt: skip
        code = original.args[0] if original.args and isinstance(original.args[0], int) else None
        if code in _NAMES_ONLY:
            names = [str(original.args[1])]
        return f"{type(original).__name__}{': ' if names else ''}{', '.join(names)}"
    text = str(original).strip().splitlines()
    lines = [text[0] if text else type(original).__name__]
    detail = getattr(facts, "message_detail", None)
    if detail and getattr(facts, "sqlstate", None) == _OTHERS_DEPEND:
        lines += str(detail).splitlines()
    return re.sub(r"://\S+@", "://***@", re.sub(r"\s+", " ", "; ".join(lines)))[:400]


_NAMES_ONLY: Final = frozenset({1451, 1452, 1048, 1364})
"""MySQL's errors whose text has names alone: foreign keys, and columns that want a value."""
_OTHERS_DEPEND: Final = "2BP01"
"""PostgreSQL's state when something depends on what is to be dropped; its detail lists the objects."""


def refuse_unowned(
    database: str, study: str, names: Iterable[str], existing: Iterable[str], owned: Mapping[str, str]
) -> None:
    """Raise ExportConfigurationError for a table that no export created, or one of another study.

    Names are compared without regard to case.
    """
    existing = {name.casefold() for name in existing}
    studies = {name.casefold(): owner for name, owner in owned.items()}
    for name in names:
        if name.casefold() not in existing:
            continue
        owner = studies.get(name.casefold())
        if owner != study:
            origin = "that no export created" if owner is None else f"of study {owner!r}"
            raise ExportConfigurationError(
                f"{database} has a table {name!r} {origin}, so it is not replaced. "
                "Next: choose another schema, or a prefix for the tables"
            )
