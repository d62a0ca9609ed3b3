"""Data Completeness: which pages are there, by form, by subject and form, and the missing pages behind a cell."""

from __future__ import annotations

from imednet.workflows.monitoring.missing_pages import missing_pages
from imednet.workflows.monitoring.record_tables import completeness, record_status

from .. import filters, frame, page_file, reading, texts
from ..auth import SignedIn
from ..figures import Figure, cards
from ..shown import only, show
from ..tables import expected, made


def page(signed_in: SignedIn) -> None:
    """Show the page."""
    read = reading.pages(signed_in)
    data = filters.of_site(signed_in, read)
    pages = expected(signed_in, data)
    forms = made(signed_in, data, "completeness", lambda data: completeness(data, expected=pages))
    cells = made(signed_in, data, "completeness by cell", lambda data: completeness(data, by="cell", expected=pages))
    statuses = made(signed_in, data, "record status", record_status)
    total = forms.total or {}
    cards(
        signed_in,
        f"completeness/{data.site}",
        [
            Figure(texts.EXPECTED_PAGES, total.get("expected")),
            Figure(texts.PAGES_PRESENT, total.get("percentPresent"), "percent", good="more"),
            Figure(texts.MISSING_PAGES, total.get("missing"), good="less"),
            Figure(texts.RECORDS, (statuses.total or {}).get("records"), good="more"),
        ],
    )
    told = frame.notes(data)
    show(forms, "completeness-forms", folded=True, told=told)
    chosen = show(cells, "completeness-cells", pick=True, folded=True, told=told)
    missing = made(
        signed_in, data, "all missing pages", lambda data: missing_pages(data, include_epro=True, expected=pages)
    )  # as the heat map counts them
    show(only(missing, chosen), "completeness-missing", told=told)
    show(statuses, "record-status", folded=True, told=told)
    page_file.download(signed_in, "data_completeness", texts.DATA_COMPLETENESS, data, [forms, cells, missing, statuses])
