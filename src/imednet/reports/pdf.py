"""A report as PDF: by WeasyPrint where it is installed, else by Chromium where that is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from ..errors import ExportConfigurationError, ExportError
from ..utils import disk
from .html import page
from .report import Report

_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
_PATIENCE: Final = 300
"""Seconds that a browser may take."""


def write_pdf(report: Report, path: str | Path) -> None:
    """Write a report as PDF, whole or not at all. Needs the extra `report`, and WeasyPrint or Chromium.

    Raises:
        ExportConfigurationError: neither is installed.
        ExportError: the browser failed.
    """
    text = page(report, "pictures")
    with disk.written_whole(Path(path)) as unfinished:
        _made(text, unfinished)


def _made(text: str, target: Path) -> None:
    try:
        import weasyprint
    except (ImportError, OSError):  # OSError: its libraries of the system are missing
        _by_browser(text, target)
        return
    weasyprint.HTML(string=text, url_fetcher=_refuse).write_pdf(str(target))


def _refuse(url: str, *args: Any, **options: Any) -> Any:  # noqa: ARG001
    raise ValueError("a report fetches nothing")


def _by_browser(text: str, target: Path) -> None:
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise ExportConfigurationError(
            "PDF needs WeasyPrint or Chromium. Next: pip install weasyprint, or write the report as .html and print it"
        )
    with tempfile.TemporaryDirectory(prefix="imednet-", ignore_cleanup_errors=True) as folder:
        source = Path(folder) / "report.html"
        source.write_text(text, "utf-8")
        sandbox = ["--no-sandbox"] if sys.platform == "linux" and os.geteuid() == 0 else []
        command = [
            browser,
            "--headless",
            *sandbox,
            "--disable-gpu",
            "--no-pdf-header-footer",
            f"--user-data-dir={folder}/profile",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--print-to-pdf={target.resolve()}",
            source.as_uri(),
        ]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)  # noqa: S603  (no shell)
        except subprocess.TimeoutExpired:
            raise ExportError(f"the browser {Path(browser).name} did not end within {_PATIENCE} s") from None
    if done.returncode or not target.exists():
        raise ExportError(f"the browser {Path(browser).name} made no PDF (status {done.returncode})")
