"""What else a tenant does: times, pages, order, counts, rate, fields beyond the description."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import pairwise
from typing import Any, Final

from imednet_api.api import operation

from ..workflows.drift import drifts
from .asking import Asker, Heard
from .report import Finding, field_name, magnitude, shape, unknown
from .spelling import Pages
from .strictness import NO_SITE, Scene, judged, with_site

_TIMES: Final = ("dateCreated", "dateModified", "dateCoded", "enrollmentStartDate")


def filter_word(scene: Scene, expression: str) -> Finding:
    """Whether a filter of a kind is accepted, and what it gives."""
    heard = with_site(scene, expression)
    if heard is None:
        return unknown(NO_SITE)
    return judged(heard, how="rows came" if heard.rows else "no row came, and one was asked for")


def default_size(scene: Scene) -> Finding:
    """Rows of a page for which no size is given."""
    size = scene.ask.list("variables").paging("size")
    return Finding(str(size), "the size that the page states") if isinstance(size, int) else unknown("no page came")


def past_the_end(scene: Scene) -> Finding:
    """A page behind the last one."""
    heard = scene.ask.list("sites", ("page", "100000"), ("size", "1"))
    return judged(heard, "rows" if heard.rows else "empty page", "HTTP 200")


def counts_agree(scene: Scene) -> Finding:
    """Whether three ways to count records give the same at about the same time: they may be late after a write."""
    asked: tuple[tuple[tuple[str, str], ...], ...] = (
        (), (("filter", "recordId>0"),), (("sort", "recordId,desc"),),
    )  # fmt: skip
    totals = [scene.ask.list("records", *more, ("size", "1")).paging("totalElements") for more in asked]
    if not all(isinstance(total, int) for total in totals):
        return unknown("not every way gave a count")
    how = "counts of all records, of those with a number above 0, and of all in reverse order"
    return Finding("the same" if len(set(totals)) == 1 else "different", how)


def newest_first(scene: Scene) -> Finding:
    """Whether the server sorts by identity when asked to."""
    rows = scene.ask.list("records", ("sort", "recordId,desc"), ("size", "25")).rows
    numbers = [row.get("recordId") for row in rows]
    if len(numbers) < 2 or not all(type(number) is int for number in numbers):
        return unknown("fewer than two records came")
    in_order = numbers == sorted(numbers, key=lambda number: -int(str(number)))
    first = [row.get("recordId") for row in scene.pages.get("records", ())]
    overlap = "" if in_order or numbers != first[: len(numbers)] else ", the order of the default"
    return Finding("sorted" if in_order else "not sorted", f"records by recordId, descending{overlap}")


ASKED: Final[Mapping[str, Callable[[Scene], Finding]]] = {
    "filter: <=": lambda scene: filter_word(scene, "siteId<={site}"),
    "filter: quotes": lambda scene: filter_word(scene, 'siteId=="{site}"'),
    "filter: and": lambda scene: filter_word(scene, "siteId=={site} and siteName!=imednetProbe"),
    "filter: blanks and <=": lambda scene: filter_word(scene, "siteId <= {site}"),
    "page: default size": default_size,
    "page: past the end": past_the_end,
    "records: counts": counts_agree,
    "records: sorted backwards": newest_first,
}
"""Question -> what asks it."""
_HEADERS: Final = frozenset(
    "age alt-svc cache-control connection content-disposition content-language content-length content-type date etag"
    " expires keep-alive last-modified link pragma ratelimit-limit ratelimit-remaining ratelimit-reset retry-after"
    " server set-cookie strict-transport-security transfer-encoding vary via x-amz-apigw-id x-amz-cf-id x-amz-cf-pop"
    " x-amzn-requestid x-amzn-trace-id x-cache x-content-type-options x-correlation-id x-frame-options x-powered-by"
    " x-ratelimit-limit x-ratelimit-remaining x-ratelimit-reset x-request-id x-xss-protection".split()
)
"""Headers that are told by name; others are counted, since a name may be anybody's."""


def notes(ask: Asker, pages: Pages) -> dict[str, Callable[[], Finding]]:
    """Question -> what answers it from all that was heard, without a further request."""
    found: dict[str, Callable[[], Finding]] = {
        "time: metadata": lambda: _stamps(ask),
        "time: steps": lambda: _steps(ask),
        "time: of rows": lambda: _dates(pages),
        "time: zone": lambda: _zone(ask),
        "rate: refusals": lambda: _rate(ask),
        "headers": lambda: _headers(ask),
    }
    for name, rows in pages.items():
        found[f"{name}: rows"] = partial(_rows, ask, name, len(rows))
        found[f"{name}: order"] = partial(_order, name, rows)
        found[f"{name}: fields"] = partial(_fields, name, rows)
    return found


def _rows(ask: Asker, name: str, on_page: int) -> Finding:
    total = next((heard.paging("totalElements") for heard in ask.all if _page_of(heard, name)), on_page)
    return Finding(magnitude(total if isinstance(total, int) else on_page), "rows, as the server counts them")


def _page_of(heard: Heard, name: str) -> bool:
    metadata = heard.body.get("metadata") if heard.ok else None
    path = metadata.get("path") if isinstance(metadata, dict) else None
    wire = operation(f"list_{name}").path.rpartition("/")[2]
    return isinstance(path, str) and path.rpartition("/")[2] == wire


def _order(name: str, rows: list[dict[str, Any]]) -> Finding:
    facts = operation(f"list_{name}").page
    field = facts.key[0] if facts is not None else ""
    values = [row.get(field) for row in rows]
    if len(values) < 2 or not (
        all(type(value) is int for value in values) or all(type(value) is str for value in values)
    ):
        return unknown("fewer than two rows with an identity came")
    growing = all(earlier < later for earlier, later in pairwise(list[Any](values)))
    return Finding("by identity" if growing else "another", f"the first page by {field}, without a sort")


def _fields(name: str, rows: list[dict[str, Any]]) -> Finding:
    differences = drifts(name, rows)
    words = [
        f"{'beyond' if one.kind == 'unknown field' else 'lacks'} {field_name(one.field)}"
        for one in differences if one.kind in ("unknown field", "missing field")
    ]  # fmt: skip
    other = sum(one.kind == "unknown word" for one in differences)
    if other:
        words.append(f"{other} unknown word(s)")
    if not rows:
        return unknown("no row came")
    return Finding("; ".join(words) or "as described", "fields of the first page")


def _stamps(ask: Asker) -> Finding:
    stamps = {shape(heard.timestamp) for heard in ask.all if heard.timestamp}
    return Finding(" or ".join(sorted(stamps)) or "none", "of all answers")


def _steps(ask: Asker) -> Finding:
    times = [datetime.fromisoformat(heard.timestamp) for heard in ask.all if heard.timestamp]
    backwards = any(later < earlier for earlier, later in pairwise(times))
    return Finding("backwards at times" if backwards else "forwards only", "one answer after another")


def _dates(pages: Pages) -> Finding:
    shapes = {
        shape(value)
        for rows in pages.values() for row in rows for field in _TIMES
        if isinstance(value := row.get(field), str) and value
    }  # fmt: skip
    return Finding(" or ".join(sorted(shapes)) or "none", "dates of rows")


def _zone(ask: Asker) -> Finding:
    """How far the time in `metadata` is from the standard header `Date`, which is in UTC."""
    for heard in ask.all:
        header, stamp = heard.headers.get("date"), heard.timestamp
        if not header or not stamp:
            continue
        try:
            apart = datetime.fromisoformat(stamp).replace(tzinfo=UTC) - parsedate_to_datetime(header)
        except (ValueError, TypeError):
            continue
        hours = round(apart.total_seconds() / 1800) / 2
        return Finding("UTC" if not hours else f"{hours:+g} hours", "metadata beside the header Date")
    return unknown("no answer has the header Date")


def _rate(ask: Asker) -> Finding:
    if not ask.refused_for_rate:
        return Finding("none", "at the pace of the probe")
    waits = f"asked to wait up to {max(ask.retry_after):g} s" if ask.retry_after else "without a time to wait"
    return Finding(f"{ask.refused_for_rate} of {ask.sent} requests", waits)


def _headers(ask: Asker) -> Finding:
    names = {name for heard in ask.all for name in heard.headers}
    others = len(names - _HEADERS)
    told = ", ".join(sorted(names & _HEADERS)) or "none that is known"
    return Finding(told, f"names of headers of successes; {others or 'no'} other{'' if others == 1 else 's'}")
