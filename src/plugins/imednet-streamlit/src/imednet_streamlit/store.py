"""What is kept between visits, in an SQLite file: versions of configurations, reviews, figures, reports that were made.

Entries are added and never changed or removed. No answer of the study and no key is kept: whether a record changed is
seen by a keyed digest, whose key lies beside the file.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from imednet.errors import ConfigurationError
from imednet.models.config_versions import ConfigurationVersion, next_version
from imednet.models.study_config import StudyConfiguration

_FILE: Final = "workbench.sqlite"
_SECRET: Final = "digest.key"  # noqa: S105  (the name of a file)
_SECRET_SIZE: Final = 32
_PATIENCE: Final = 20.0
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS figures (
    person TEXT NOT NULL, study TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL, value REAL NOT NULL,
    moment TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS figures_of ON figures (person, study, scope, moment);
CREATE TABLE IF NOT EXISTS reviews (
    number INTEGER PRIMARY KEY, study TEXT NOT NULL, person TEXT NOT NULL, author TEXT NOT NULL, moment TEXT NOT NULL,
    record INTEGER NOT NULL, form TEXT NOT NULL, mark TEXT NOT NULL, status TEXT NOT NULL, assigned TEXT NOT NULL,
    comment TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS reviews_of ON reviews (study, person, record);
CREATE TABLE IF NOT EXISTS versions (
    study TEXT NOT NULL, number INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (study, number));
CREATE TABLE IF NOT EXISTS reports (
    number INTEGER PRIMARY KEY, study TEXT NOT NULL, author TEXT NOT NULL, moment TEXT NOT NULL, kind TEXT NOT NULL,
    sections TEXT NOT NULL, server_time TEXT NOT NULL, digest TEXT NOT NULL);
"""
_APPEND_ONLY: Final = """
CREATE TRIGGER IF NOT EXISTS {table}_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
"""


@dataclass(frozen=True)
class Review:
    """An entry of the log of reviews.

    Attributes:
        number: its place in the log.
        person: a digest that names who made it.
        author: the name that person gave.
        moment: when (UTC, by this machine).
        record_id, form_key: the record it is about.
        mark: the digest of the record as it was then.
        status: what was decided.
        assigned: who goes on with it; may be empty.
        comment: a remark; may be empty.
    """

    number: int
    person: str
    author: str
    moment: str
    record_id: int
    form_key: str
    mark: str
    status: str
    assigned: str
    comment: str


@dataclass(frozen=True)
class Published:
    """An entry of the log of reports: who made which file of which sections, and its SHA-256."""

    author: str
    moment: str
    kind: str
    sections: str
    server_time: str
    digest: str


class Store:
    """The file in a folder, which is made where it is missing; only its owner can read both.

    Raises:
        OSError: the folder cannot be made or written.
        ConfigurationError: the file in it is not one of these.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / _FILE
        self.secret: Final = _secret(folder / _SECRET)
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            with self._open() as base:
                base.executescript(_TABLES)
                for table in ("figures", "reviews", "versions", "reports"):
                    for verb in ("UPDATE", "DELETE"):
                        base.executescript(_APPEND_ONLY.format(table=table, verb=verb))
        except sqlite3.DatabaseError as error:
            raise ConfigurationError(f"{self._path} cannot be used: {error}. Next: name another folder") from None

    def digest(self, *parts: str) -> str:
        """A name for somebody, of which the parts cannot be found again without the key of this folder."""
        text = "\0".join(parts).encode()
        return hmac.new(self.secret, text, hashlib.sha256).hexdigest()[:32]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection for one piece of work, which happens as a whole or not at all."""
        with closing(sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)) as base:
            base.execute("BEGIN IMMEDIATE")
            try:
                yield base
            except BaseException:
                with suppress(sqlite3.Error):
                    base.execute("ROLLBACK")
                raise
            if base.in_transaction:
                base.execute("COMMIT")

    def figures_before(self, person: str, study: str, scope: str, moment: str) -> tuple[str, dict[str, float]] | None:
        """The figures of the last visit before a moment, and when that was."""
        with self._open() as base:
            found = base.execute(
                "SELECT max(moment) FROM figures WHERE person = ? AND study = ? AND scope = ? AND moment < ?",
                (person, study, scope, moment),
            ).fetchone()
            if found is None or found[0] is None:
                return None
            rows = base.execute(
                "SELECT name, value FROM figures WHERE person = ? AND study = ? AND scope = ? AND moment = ?",
                (person, study, scope, found[0]),
            ).fetchall()
        return found[0], dict(rows)

    def keep_figures(self, person: str, study: str, scope: str, moment: str, figures: Mapping[str, float]) -> None:
        """Keep the figures of a visit; those of the same visit are kept once."""
        with self._open() as base:
            known = base.execute(
                "SELECT 1 FROM figures WHERE person = ? AND study = ? AND scope = ? AND moment = ? LIMIT 1",
                (person, study, scope, moment),
            ).fetchone()
            if known is None:
                base.executemany(
                    "INSERT INTO figures VALUES (?, ?, ?, ?, ?, ?)",
                    [(person, study, scope, name, value, moment) for name, value in figures.items()],
                )

    def review(
        self,
        study: str,
        person: str,
        author: str,
        records: Iterable[tuple[int, str, str]],
        status: str,
        assigned: str = "",
        comment: str = "",
    ) -> int:
        """Write an entry for each record (its number, form and digest); how many were written."""
        moment = _now()
        rows = [
            (study, person, author, moment, record, form, mark, status, assigned, comment)
            for record, form, mark in records
        ]
        with self._open() as base:
            base.executemany("INSERT INTO reviews VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        return len(rows)

    def reviews(self, study: str, person: str | None = None) -> list[Review]:
        """The log of a study, in its order; with a person, only what that person wrote."""
        with self._open() as base:
            rows = base.execute(
                "SELECT number, person, author, moment, record, form, mark, status, assigned, comment FROM reviews "
                "WHERE study = ? AND (? IS NULL OR person = ?) ORDER BY number",
                (study, person, person),
            ).fetchall()
        return [Review(*row) for row in rows]

    def versions(self, study: str) -> list[ConfigurationVersion]:
        """The versions of the configuration of a study. Raises ConfigurationError where one cannot be read."""
        with self._open() as base:
            return _versions(base, study)

    def save_version(
        self, study: str, configuration: StudyConfiguration, author: str, reason: str, *, after: int
    ) -> ConfigurationVersion | None:
        """Save a configuration as the next version; `None` if there are others than the `after` that were seen.

        Raises:
            ArgumentError: nobody is named as its author, or no reason is given.
            ConfigurationError: the versions before it are not as they were saved.
        """
        with self._open() as base:
            known = _versions(base, study)
            if len(known) != after:
                return None
            made = next_version(known, configuration, author=author, reason=reason, moment=_now())
            base.execute("INSERT INTO versions VALUES (?, ?, ?)", (study, made.number, made.to_json()))
        return made

    def keep_report(self, study: str, author: str, kind: str, sections: str, server_time: str, content: bytes) -> None:
        """Write into the log that a report was made; of its content only the SHA-256 is kept."""
        digest = hashlib.sha256(content).hexdigest()
        with self._open() as base:
            base.execute(
                "INSERT INTO reports VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)",
                (study, author, _now(), kind, sections, server_time, digest),
            )

    def reports(self, study: str) -> list[Published]:
        """The reports that were made of a study, the last one first."""
        with self._open() as base:
            rows = base.execute(
                "SELECT author, moment, kind, sections, server_time, digest FROM reports WHERE study = ? "
                "ORDER BY number DESC",
                (study,),
            ).fetchall()
        return [Published(*row) for row in rows]


def _versions(base: sqlite3.Connection, study: str) -> list[ConfigurationVersion]:
    rows = base.execute("SELECT text FROM versions WHERE study = ? ORDER BY number", (study,)).fetchall()
    return [ConfigurationVersion.from_json(text) for (text,) in rows]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _secret(path: Path) -> bytes:
    """The key of the digests in a folder, made at first use."""
    made = secrets.token_bytes(_SECRET_SIZE)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(made)
    try:
        with suppress(FileExistsError):
            os.link(draft, path)  # unlike a rename it never replaces the key that another session has just made
    finally:
        draft.unlink()
    found = path.read_bytes()
    if len(found) != _SECRET_SIZE:
        raise ConfigurationError(f"{path} is not a key of digests. Next: restore the folder from a backup")
    return found
