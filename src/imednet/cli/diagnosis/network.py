"""The way to the server: proxy, certificates, whether it answers, whether it takes the keys, and its clock."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ...errors import ApiError, AuthenticationError, ImednetError
from ...utils.url import is_loopback
from ..connection import Connection
from .finding import Finding

_PATIENCE: Final = 15.0
_CLOCK_SECONDS: Final = 120
_STUDIES: Final = "/api/v1/edc/studies"


class _NoKeys:
    """Asks without keys, where there are none: a server that refuses them answers all the same."""

    def get_headers(self) -> dict[str, str]:
        return {}


def findings(connection: Connection, address: str, *, keys: bool) -> Iterator[Finding]:
    """What stands between this machine and the server, and what the server says to one small request.

    Args:
        connection: the settings of the command.
        address: the address that will be used.
        keys: whether there are keys to ask with.
    """
    yield _proxy(address)
    yield from _certificates()
    yield from _server(connection, address, keys=keys)


def _proxy(address: str) -> Finding:
    parts = urlsplit(address)
    host = parts.hostname or ""
    if is_loopback(host):
        return Finding("network", "proxy", "not used: the server is this machine")
    found = getproxies()
    proxy = found.get(parts.scheme) or found.get("all")
    if not proxy:
        return Finding("network", "proxy", "none in the environment")
    if proxy_bypass(host):
        return Finding("network", "proxy", f"not used: NO_PROXY names {host}")
    try:
        named = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        shown = f"{named.scheme or 'http'}://{named.hostname}:{named.port or 80}"
    except ValueError:  # whose message holds a part of the password
        return Finding("network", "proxy", "the environment names one that is no address", "problem", "see HTTPS_PROXY")
    return Finding("network", "proxy", f"{shown}{' with a password' if named.password else ''}")


def _certificates() -> Iterator[Finding]:
    import certifi

    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not file and not folder:
        yield Finding("network", "certificates", f"those of certifi ({Path(certifi.where()).name})")
    for variable, path in (("SSL_CERT_FILE", file), ("SSL_CERT_DIR", folder)):
        if not path:
            continue
        there = Path(path).is_file() if variable == "SSL_CERT_FILE" else Path(path).is_dir()
        yield Finding(
            "network", "certificates",
            f"{path}, from {variable}" if there else f"{variable} names {path}, which is not there",
            "ok" if there else "problem", None if there else "name a file in the PEM format",
        )  # fmt: skip


def _server(connection: Connection, address: str, *, keys: bool) -> Iterator[Finding]:
    from ...sdk import ImednetSDK

    began = datetime.now(UTC)
    at: datetime | None = None
    try:
        if keys:
            with connection.sdk() as sdk:
                response = sdk.client.get(_STUDIES, params={"page": 0, "size": 1}, timeout=_PATIENCE, retries=0)
            body = _decoded(response.content)
            if not isinstance(body, dict) or not isinstance(body.get("data"), list):
                step = "a proxy or a login page may stand between: imednet --base-url URL api GET " + _STUDIES
                yield Finding("network", "server", f"{address} answers, but not as the API does", "problem", step)
                return
            at = _from_header(response.headers.get("date")) or _from_body(body)
            yield Finding("network", "server", f"{address} answers")
            yield Finding("network", "keys", "accepted")
        else:
            with ImednetSDK(None, None, address, auth=_NoKeys(), timeout=_PATIENCE, retries=0) as bare:
                bare.client.get(_STUDIES, params={"page": 0, "size": 1})
            yield Finding("network", "server", f"{address} answers, even without keys", "note", "is it the right one?")
    except AuthenticationError as error:
        at = _from_body(error.response)
        yield Finding("network", "server", f"{address} answers")
        if keys:
            yield Finding("network", "keys", f"refused: HTTP {error.status_code}", "problem", "imednet login")
    except ApiError as error:
        at = _from_body(error.response)
        yield Finding("network", "server", f"{address} answers HTTP {error.status_code}", "problem", "imednet check")
    except ImednetError as error:
        yield Finding("network", "server", str(error), "problem")
    if at is None:
        return
    seconds = round((at - (began + (datetime.now(UTC) - began) / 2)).total_seconds())
    ahead = f"{abs(seconds)} seconds {'behind' if seconds > 0 else 'ahead of'} the server's"
    if abs(seconds) < _CLOCK_SECONDS:
        yield Finding("network", "clock", "as the server's" if abs(seconds) < 2 else ahead)
    else:
        step = "set it: times in logs, and what counts as new, are the server's"
        yield Finding("network", "clock", ahead, "note", step)


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _from_header(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _from_body(body: Any) -> datetime | None:
    """The time in the `metadata` of an answer, which is in UTC."""
    try:
        return datetime.fromisoformat(body["metadata"]["timestamp"]).replace(tzinfo=UTC)
    except (KeyError, TypeError, ValueError):
        return None
