"""Every cell of docs/formats.md: what becomes of an answer in each target, read back by its usual reader."""

from __future__ import annotations

from formats import PAGE, TARGETS, written


def test_the_tables_of_the_page_hold() -> None:
    text = PAGE.read_text("utf-8")
    assert written(text) == text, "run python tests/formats.py and look at the difference"


def test_no_text_is_lost_without_a_word() -> None:
    """A cell that is neither the text nor its typed value is listed."""
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ") and "| sent" not in line]
    assert len(rows) > 25
    for row in rows:
        sent, *cells = row.strip("| ").split(" | ")
        assert len(cells) == len(TARGETS)
        for cell in cells:
            if cell.startswith(("missing", "cut")) and "empty" not in sent:
                assert cell.endswith("listed"), row
