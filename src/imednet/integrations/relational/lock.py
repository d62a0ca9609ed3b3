"""One export at a time into the tables of a schema: a lock in the database, or a file beside that of SQLite."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import Any, Final

from ...errors import ExportConfigurationError
from ...utils import disk
from .engine import sqlite_file
from .tables import MYSQL

_ASK: Final = {
    "postgresql": "SELECT pg_try_advisory_xact_lock(:lock)",
    **dict.fromkeys(MYSQL, "SELECT GET_LOCK(:lock, 0)"),
}
"""Database -> how a session asks for a lock.

That of PostgreSQL ends with a transaction, which a pooler leaves to one session; it reads nothing, so that it holds up
no vacuum. That of MySQL ends with the session.
"""


class RunLock:
    """The right to write tables of one schema and prefix, held until it is released or this program ends.

    PostgreSQL, MySQL and MariaDB give it to a session of its own, whoever asks and from wherever; SQLite to who holds a
    file beside the database, which other machines may not see.

    Args:
        sql: the module `sqlalchemy`.
        engine: the engine of the database.
        purpose: what the lock is for: the same text, the same lock.
        address: the database as messages show it.

    Attributes:
        held: whether there is a lock at all; other databases have none.

    Raises:
        ExportConfigurationError: another export holds it.
    """

    def __init__(self, sql: Any, engine: Any, purpose: str, address: str) -> None:
        self._lost = sql.exc.SQLAlchemyError
        self._session: Any = None
        self._file: disk.Lock | None = None
        dialect, database = engine.dialect.name, engine.url.database or ""
        file = sqlite_file(engine)
        digest = hashlib.sha256(f"{database}\0{purpose}".encode()).digest()
        if file is not None:
            self._file = _file_lock(file, hashlib.sha256(purpose.encode()).hexdigest()[:8], address)
        elif question := _ASK.get(dialect):
            number, name = int.from_bytes(digest[:8], "big", signed=True), f"imednet_{digest.hex()[:32]}"
            lock: dict[str, int | str] = {"lock": number if dialect == "postgresql" else name}
            self._session = engine.connect()
            if dialect in MYSQL:
                self._session = self._session.execution_options(isolation_level="AUTOCOMMIT")
            if not self._session.execute(sql.text(question), lock).scalar():
                self.release()
                raise _in_use(address)
        self.held = self._session is not None or self._file is not None

    def release(self) -> None:
        """Give the lock back."""
        session, self._session = self._session, None
        file, self._file = self._file, None
        if session is not None:
            with suppress(self._lost):  # a session that was lost holds nothing
                session.rollback()
                if session.dialect.name in MYSQL:
                    session.exec_driver_sql("SELECT RELEASE_ALL_LOCKS()")
            with suppress(self._lost):
                session.close()
        if file is not None:
            file.release()


def is_in_use(database: Path) -> bool:
    """Whether any export writes to a SQLite file, whatever its schema and prefix."""
    try:
        path = database.resolve()
        return any(path.parent.glob(f"{escape(_lock_name(path))}*"))
    except (OSError, ValueError):
        return False  # no file can have this name; opening it says so


def _lock_name(path: Path) -> str:
    return f".{path.name}.imednet-lock-"


def _file_lock(database: Path, purpose: str, address: str) -> disk.Lock | None:
    """The lock of a SQLite database; `None` where none can be made beside it."""
    try:
        path = database.resolve()
        return disk.Lock(path.with_name(f"{_lock_name(path)}{purpose}"))
    except disk.InUseError:
        raise _in_use(address) from None
    except (OSError, ValueError):
        return None  # nothing can be written there; the database says why


def _in_use(address: str) -> ExportConfigurationError:
    return ExportConfigurationError(
        f"another export writes to {address}, with the same schema and prefix. Nothing was changed. Next: wait until "
        "it has ended, or choose another schema or prefix"
    )
