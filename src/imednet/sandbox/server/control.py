"""The control endpoint, under a path the real API cannot have: look at the server and turn its switches."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

from ..invent.design import Row
from .api import Api
from .faults import Fault, Faults
from .messages import Answer, Request, encoded

CONTROL = "/_sandbox/"
MOST_BYTES = 1 << 20


class Controlled(Protocol):
    """The parts of a `Sandbox` that the control endpoint shows and changes."""

    api: Api
    faults: Faults

    def stats(self) -> Row:
        """Counts of what was asked."""

    def reset_stats(self) -> Row:
        """Start counting anew."""

    def advance(self, days: int) -> Row:
        """Let days pass in the main study."""

    def manifest(self) -> Row:
        """Counts and hashes of what is served."""


def control(box: Controlled, request: Request) -> Answer:
    """Answer a request to the control endpoint: plain JSON, no keys.

    A browser on this machine shows pages of anybody, so what comes from one of them is refused: a foreign `Origin`, a
    `Host` that is not this machine, and a body that is not said to be JSON, which no form of a page can send.
    """
    if refused := _refused(request):
        return refused
    ways: dict[tuple[str, str], Callable[[Any], Any]] = {
        ("GET", "stats"): lambda _: box.stats(),
        ("GET", "switches"): lambda _: dict(box.api.switches),
        ("POST", "switches"): lambda chosen: _turn(box, chosen),
        ("GET", "faults"): lambda _: box.faults.show(),
        ("POST", "faults"): lambda planned: _plan(box, planned),
        ("DELETE", "faults"): lambda _: _plan(box, []),
        ("POST", "advance"): lambda given: box.advance(_days(given)),
        ("POST", "reset-stats"): lambda _: box.reset_stats(),
        ("GET", "jobs"): lambda _: box.api.jobs.seen(),
        ("GET", "manifest"): lambda _: box.manifest(),
    }
    name = request.path.removeprefix(CONTROL)
    way = ways.get((request.method, name))
    if way is None:
        allowed = sorted(method for method, path in ways if path == name)
        if allowed:
            wrong = Answer(405, encoded({"error": f"{name} takes {' and '.join(allowed)}"}))
            wrong.headers["Allow"] = ", ".join(allowed)
            return wrong
        known = sorted({f"{method} {CONTROL}{path}" for method, path in ways})
        return Answer(404, encoded({"error": "no such control", "known": known}))
    try:
        return Answer(200, encoded(way(json.loads(request.body) if request.body else None)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return Answer(400, encoded({"error": f"{type(error).__name__}: {error}"}))


def _refused(request: Request) -> Answer | None:
    host, origin = request.headers.get("host"), request.headers.get("origin")
    if host is not None and not is_loopback(urlsplit(f"//{host}").hostname or ""):
        return Answer(403, encoded({"error": "the control endpoint answers this machine alone"}))
    if origin is not None and urlsplit(origin).netloc != host:
        return Answer(403, encoded({"error": "the control endpoint answers no page of another origin"}))
    if len(request.body) > MOST_BYTES:
        return Answer(413, encoded({"error": f"a body of the control endpoint has {MOST_BYTES:,} bytes at most"}))
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if host is not None and request.body and kind != "application/json":
        return Answer(415, encoded({"error": "a body must have the type application/json"}))
    return None


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine.

    >>> is_loopback("localhost"), is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost.example.org")
    (True, True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _days(given: Any) -> Any:
    if not isinstance(given, dict) or set(given) != {"days"}:
        raise ValueError('advance takes {"days": 1}')
    return given["days"]


def _turn(box: Controlled, chosen: Any) -> dict[str, str]:
    if not isinstance(chosen, dict):
        raise ValueError('switches takes an object, as in {"roleDates": "string"}')
    box.api.turn(chosen)
    return dict(box.api.switches)


def _plan(box: Controlled, planned: Any) -> list[dict[str, Any]]:
    """Faults as words or as objects, one or a list; the new ones take the place of the old."""
    planned = planned if isinstance(planned, list) else [planned]
    if not all(isinstance(one, (str, dict)) for one in planned):
        raise ValueError('faults takes words or objects, as in ["status GET records nth=3 status=429"]')
    box.faults.planned = [Fault.read(one) if isinstance(one, str) else Fault(**one) for one in planned]
    return box.faults.show()
