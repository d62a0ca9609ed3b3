"""The cost of an export before it is run: requests, rows and bytes. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass

from ...constants import LARGE_PAGE_SIZE
from ...resources import RESOURCES
from ...sdk import ImednetSDK
from ..tables.layout import Shape, study_tables
from ..tables.options import ExportOptions

_SMALL_REQUESTS = 2


@dataclass(frozen=True)
class PlannedRead:
    """The cost of reading one list.

    Attributes:
        name: the list.
        rows: rows the server has.
        requests: requests an export makes for it.
        bytes: estimated bytes of JSON; `None` for lists of which no sample was read.
    """

    name: str
    rows: int
    requests: int
    bytes: int | None


def plan_export(sdk: ImednetSDK, study_key: str, options: ExportOptions | None = None) -> list[PlannedRead]:
    """The reads an export would make. Sends a small request for each list and reads one page of records.

    >>> from imednet import ImednetSDK
    >>> from imednet.sandbox import Sandbox
    >>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
    ...     [(read.name, read.requests) for read in plan_export(sdk, "TIDEWATER-201")]
    [('forms', 1), ('variables', 1), ('records', 35)]
    """
    options = options or ExportOptions()
    forms, variables = sdk.forms.list(study_key, refresh=True), sdk.variables.list(study_key, refresh=True)
    tables = study_tables(study_key, forms, variables, options, Shape())
    reads = [
        PlannedRead(name, len(rows), rows.proof.requests, None)
        for name, rows in (("forms", forms), ("variables", variables))
    ]
    pages = sdk.records.line_pages(study_key)
    sample = next(pages, None)
    pages.close()
    lines = [line for (line,) in sample.rows] if sample is not None else []
    bytes_per_record = sum(len(bytes(line)) for line in lines) / len(lines) if lines else 0.0
    if options.forms is None:
        total = sample.total if sample is not None else 0
        requests = _requests(total) + max(0, len(tables.forms) - 1)
    else:
        counts = [sdk.records.count(study_key, form_key=table.key) for table in tables.forms]
        total, requests = sum(counts), sum(map(_requests, counts))
    reads.append(PlannedRead("records", total, requests, round(total * bytes_per_record)))
    for name in options.lists:
        count = getattr(sdk, name).count(study_key, **RESOURCES[name].wide)
        reads.append(PlannedRead(name, count, _requests(count), None))
    return reads


def _requests(rows: int) -> int:
    """Requests of a list: one for a short list; for a longer one its pages, the last not full, and two small ones."""
    return 1 if rows < LARGE_PAGE_SIZE else rows // LARGE_PAGE_SIZE + 1 + _SMALL_REQUESTS
