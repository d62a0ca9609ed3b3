"""The engine of a SQL database by its address, and what the address says of where the database is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from ...errors import ExportConfigurationError
from .._optional import _require_optional_dep

_DRIVERS: Final = {"psycopg": "postgres", "psycopg2": "postgres", "pymysql": "mysql"}
"""Module of a driver -> the extra that brings one."""
_SQLITE: Final = re.compile(r"(sqlite(?:\+\w+)?:///)(?!:memory:|file:)([^?]+)")


def open_engine(sql: Any, url: str, address: str) -> Any:
    """The engine of SQLAlchemy for a database; it connects at first use.

    Args:
        sql: the module `sqlalchemy`.
        url: the address, with its password.
        address: the address as messages show it.

    Raises:
        ExportConfigurationError: the address is wrong, its driver is missing, or its database is in memory.
    """
    try:
        engine = sql.create_engine(url, hide_parameters=True)
    except sql.exc.NoSuchModuleError:
        raise ExportConfigurationError(
            f"SQLAlchemy knows no database for {address}. Next: use a URL that begins with "
            "postgresql+psycopg://, mysql+pymysql:// or sqlite:///"
        ) from None
    except ImportError as error:
        driver = str(error.name)
        if driver in _DRIVERS:
            _require_optional_dep(driver, _DRIVERS[driver])
        raise ExportConfigurationError(
            f"the driver for {address} is not installed ({driver}). Next: install {driver}"
        ) from None
    except (sql.exc.ArgumentError, ValueError):
        raise ExportConfigurationError(
            "the database URL cannot be parsed. Next: write it as postgresql+psycopg://user@host/name"
        ) from None
    if engine.dialect.name == "sqlite" and engine.url.database in (None, "", ":memory:"):
        raise ExportConfigurationError(
            "a SQLite database in memory ends with the export. Next: name a file, as in sqlite:///study.db"
        )
    return engine


def sqlite_file(engine: Any) -> Path | None:
    """The path of a SQLite database; `None` for any other."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return None
    return Path(name)


def place_of(url: str) -> str:
    """The address that state of runs is kept by: of a SQLite file the same from every folder.

    >>> place_of("postgresql+psycopg://user@host/name")
    'postgresql+psycopg://user@host/name'
    >>> place_of("sqlite:////data/study.db")
    'sqlite:////data/study.db'
    """
    file = _SQLITE.fullmatch(url)
    return f"{file[1]}{Path(file[2]).resolve()}" if file is not None else url
