"""The control endpoint, under a path the real API cannot have: look at the server and turn its switches."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .faults import Fault
from .messages import Answer, Request, encoded

if TYPE_CHECKING:
    from .server import Sandbox

CONTROL = "/_sandbox/"


def control(box: Sandbox, request: Request) -> Answer:
    """Answer a request to the control endpoint: plain JSON, no keys."""
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
        known = sorted({f"{method} {CONTROL}{path}" for method, path in ways})
        return Answer(404, encoded({"error": "no such control", "known": known}))
    try:
        return Answer(200, encoded(way(json.loads(request.body) if request.body else None)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return Answer(400, encoded({"error": f"{type(error).__name__}: {error}"}))


def _days(given: Any) -> Any:
    if not isinstance(given, dict) or set(given) != {"days"}:
        raise ValueError('advance takes {"days": 1}')
    return given["days"]


def _turn(box: Sandbox, chosen: Any) -> dict[str, str]:
    if not isinstance(chosen, dict):
        raise ValueError('switches takes an object, as in {"roleDates": "string"}')
    box.api.turn(chosen)
    return dict(box.api.switches)


def _plan(box: Sandbox, planned: Any) -> list[dict[str, Any]]:
    """Faults as words or as objects, one or a list; the new ones take the place of the old."""
    planned = planned if isinstance(planned, list) else [planned]
    if not all(isinstance(one, (str, dict)) for one in planned):
        raise ValueError('faults takes words or objects, as in ["status GET records nth=3 status=429"]')
    box.faults.planned = [Fault.read(one) if isinstance(one, str) else Fault(**one) for one in planned]
    return box.faults.show()
