"""URLs: normalising the base URL, masking secrets for the log, checking parts of a path."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit, urlunsplit

from ..errors import ArgumentError, ConfigurationError

SAFE_PARAMETERS = frozenset({"page", "size", "sort", "includeInactive"})
"""Query parameters that can hold neither a key nor data of a person; all others are masked."""


_PORTS = {"https": 443, "http": 80}


def redact_url_query(url: str) -> str:
    """The URL with every query value masked that could be a key or data of a person.

    >>> redact_url_query("https://h/records?page=2&filter=subjectKey==01-001&api_key=secret")
    'https://h/records?page=2&filter=***&api_key=***'
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    pairs = []
    for pair in parts.query.split("&") if parts.query else []:
        name, equals, _ = pair.partition("=")
        pairs.append(pair if name in SAFE_PARAMETERS else f"{name}=***" if equals else "***")
    return urlunsplit((parts.scheme, host, parts.path, "&".join(pairs), ""))


def normalise_base_url(url: str, *, allow_http: bool = False) -> str:
    """The base URL as `scheme://host[:port]`, without a final slash and without `/api`, which people also type.

    The host is in lower case, and a port that goes without saying is left out, so that one server has one address.

    Raises:
        ConfigurationError: another scheme, credentials in the URL, or, unless it is allowed, plain http to a host
            other than this machine, since both keys travel with every request.

    >>> normalise_base_url("https://edc.example.org/api/")
    'https://edc.example.org'
    """
    text = url.strip().rstrip("/").removesuffix("/api").rstrip("/")
    malformed = ConfigurationError("the base URL must look like https://edc.prod.imednetapi.com")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise malformed from None
    if parts.scheme not in ("http", "https") or not host or port == 0 or parts.query or parts.fragment:
        raise malformed
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            "the base URL holds a user name or password. Next: pass the keys as api_key and security_key instead"
        )
    if parts.scheme == "http" and not (allow_http or is_loopback(host)):
        raise ConfigurationError(
            f"the base URL is plain http to {host}: the keys would travel unprotected. Next: write https://, "
            "or allow it with allow_http=True"
        )
    shown = f"[{host}]" if ":" in host else host  # in lower case, as every server takes it
    netloc = shown if port in (None, _PORTS[parts.scheme]) else f"{shown}:{port}"
    return urlunsplit((parts.scheme, netloc, parts.path, "", ""))


def same_server(one: str, other: str) -> bool:
    """Whether two base URLs are of one server; all names of this machine are one.

    >>> same_server("http://localhost:8000", "http://127.0.0.1:8000")
    True
    """
    left, right = (urlsplit(normalise_base_url(url, allow_http=True)) for url in (one, other))
    here = is_loopback(left.hostname or "") and is_loopback(right.hostname or "")
    same_host = here or left.hostname == right.hostname
    return same_host and (left.scheme, left.port, left.path) == (right.scheme, right.port, right.path)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_path_part(name: str, value: str) -> str:
    """The value, such as a study key, if it can be one part of a URL path.

    Raises:
        ArgumentError: it would lead elsewhere: empty text, `.` or `..`, a slash, `?`, `#`, `%`, or a control character.
    """
    if not isinstance(value, str) or not value.strip():
        raise ArgumentError(f"{name} is empty. Next: pass it as text, as in study_key='ABC-01'")
    if value in (".", "..") or any(character in value for character in "/\\?#%") or not value.isprintable():
        raise ArgumentError(f"{name} holds a character that no key has: one of / \\ ? # % or a control character")
    return value
