"""The control endpoint `/_sandbox/`: statistics, switches, faults, jobs and the clock of a running sandbox.

The real API has no such path. The same is available in Python as methods of `Sandbox`.
"""

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
MAX_BYTES = 1 << 20


class Controlled(Protocol):
    """The parts of a `Sandbox` that the control endpoint shows and changes."""

    api: Api
    faults: Faults

    def stats(self) -> Row:
        """Counts of requests."""

    def reset_stats(self) -> Row:
        """Set all counts to zero."""

    def advance(self, days: int) -> Row:
        """Let days pass in the main study."""

    def manifest(self) -> Row:
        """Counts and hashes of what is served."""


def control(box: Controlled, request: Request) -> Answer:
    """Answer a request to the control endpoint: plain JSON, no keys.

    A browser on this machine may show anybody's page, so requests such a page could send are refused: a foreign
    `Origin`, a `Host` that is not this machine, and a body without the type JSON, which is all an HTML form can send.
    """
    if refusal := _refusal(request):
        return refusal
    actions: dict[tuple[str, str], Callable[[Any], Any]] = {
        ("GET", "stats"): lambda _: box.stats(),
        ("GET", "switches"): lambda _: dict(box.api.switches),
        ("POST", "switches"): lambda chosen: _set_switches(box, chosen),
        ("GET", "faults"): lambda _: box.faults.show(),
        ("POST", "faults"): lambda planned: _replace_faults(box, planned),
        ("DELETE", "faults"): lambda _: _replace_faults(box, []),
        ("POST", "advance"): lambda body: box.advance(_days(body)),
        ("POST", "reset-stats"): lambda _: box.reset_stats(),
        ("GET", "jobs"): lambda _: box.api.jobs.seen(),
        ("GET", "manifest"): lambda _: box.manifest(),
    }
    name = request.path.removeprefix(CONTROL)
    action = actions.get((request.method, name))
    if action is None:
        allowed = sorted(method for method, path in actions if path == name)
        if allowed:
            not_allowed = Answer(405, encoded({"error": f"{name} accepts only {' and '.join(allowed)}"}))
            not_allowed.headers["Allow"] = ", ".join(allowed)
            return not_allowed
        known = sorted({f"{method} {CONTROL}{path}" for method, path in actions})
        return Answer(404, encoded({"error": "there is no such control; see known", "known": known}))
    try:
        return Answer(200, encoded(action(json.loads(request.body) if request.body else None)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return Answer(400, encoded({"error": f"{type(error).__name__}: {error}"}))


def _refusal(request: Request) -> Answer | None:
    host, origin = request.headers.get("host"), request.headers.get("origin")
    if host is not None and not is_loopback(urlsplit(f"//{host}").hostname or ""):
        return Answer(
            403,
            encoded(
                {"error": "the control endpoint answers only requests to this machine (127.0.0.1, ::1, localhost)"}
            ),
        )
    if origin is not None and urlsplit(origin).netloc != host:
        return Answer(403, encoded({"error": "the control endpoint does not answer pages of another origin"}))
    if len(request.body) > MAX_BYTES:
        return Answer(
            413, encoded({"error": f"the body is too large: the control endpoint accepts at most {MAX_BYTES:,} bytes"})
        )
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if host is not None and request.body and content_type != "application/json":
        return Answer(415, encoded({"error": "the body needs the header Content-Type: application/json"}))
    return None


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine.

    >>> is_loopback("localhost"), is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost.example.org")
    (True, True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _days(body: Any) -> Any:
    if not isinstance(body, dict) or set(body) != {"days"}:
        raise ValueError('advance takes {"days": 1}')
    return body["days"]


def _set_switches(box: Controlled, chosen: Any) -> dict[str, str]:
    if not isinstance(chosen, dict):
        raise ValueError('switches takes an object, as in {"roleDates": "string"}')
    box.api.turn(chosen)
    return dict(box.api.switches)


def _replace_faults(box: Controlled, planned: Any) -> list[dict[str, Any]]:
    """Replace the planned faults by new ones: words or objects, one or a list."""
    planned = planned if isinstance(planned, list) else [planned]
    if not all(isinstance(fault, (str, dict)) for fault in planned):
        raise ValueError('faults takes words or objects, as in ["status GET records nth=3 status=429"]')
    box.faults.planned = [Fault.read(fault) if isinstance(fault, str) else Fault(**fault) for fault in planned]
    return box.faults.show()
