"""Two reports beside each other: two tenants, or one before and after a release."""

from __future__ import annotations

from .report import ProbeReport


def compare_reports(first: ProbeReport, second: ProbeReport) -> list[dict[str, str | None]]:
    """Questions that the two answer differently: question, both answers. What one of them lacks is `None` there."""
    rows: list[dict[str, str | None]] = []
    for part in ("dialect", "measures"):
        before, after = getattr(first, part), getattr(second, part)
        for name in dict.fromkeys([*before, *after]):
            answers = [table[name].answer if name in table else None for table in (before, after)]
            if answers[0] != answers[1]:
                rows.append({"question": name, "first": answers[0], "second": answers[1]})
    return rows
