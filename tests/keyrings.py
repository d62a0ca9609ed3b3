"""A keyring for tests: `PYTHON_KEYRING_BACKEND=keyrings.FileKeyring` keeps its entries in `IMEDNET_TEST_KEYRING`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from threading import Event

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


class FileKeyring(KeyringBackend):
    """Entries of a JSON file; a file called `locked` beside it locks it, one called `asking` makes it wait."""

    priority = 1.0

    def _path(self) -> Path:
        path = Path(os.environ["IMEDNET_TEST_KEYRING"])
        if path.with_name("locked").exists():
            raise KeyringLocked("locked")
        if path.with_name("asking").exists():
            Event().wait()
        return path

    def _entries(self) -> dict[str, str]:
        path = self._path()
        entries: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return entries

    def get_password(self, service: str, username: str) -> str | None:
        return self._entries().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._path().write_text(json.dumps({**self._entries(), f"{service}/{username}": password}))

    def delete_password(self, service: str, username: str) -> None:
        entries = self._entries()
        if entries.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError("there is no such entry")
        self._path().write_text(json.dumps(entries))
