"""Reports of a study: one self-contained HTML file, a PDF or a workbook, of the tables of `workflows.monitoring`.

`study_report` reads a study and makes a `Report`; `write_html`, `write_pdf` and `write_workbook` write it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._lazy import loader

if TYPE_CHECKING:
    from .html import write_html
    from .pdf import write_pdf
    from .report import Report, ReportOptions, study_report
    from .workbook import write_workbook

_HOMES = {
    "Report": "report", "ReportOptions": "report", "study_report": "report",
    "write_html": "html", "write_pdf": "pdf", "write_workbook": "workbook",
}  # fmt: skip

__all__ = ["Report", "ReportOptions", "study_report", "write_html", "write_pdf", "write_workbook"]

_load = loader(__name__, _HOMES, globals())


def __getattr__(name: str) -> Any:
    return _load(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
