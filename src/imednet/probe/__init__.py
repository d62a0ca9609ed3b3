"""A probe of a live server: what its answers settle about the API, in a report that holds no data of the study.

`asking` sends few requests at a steady pace, `spelling` and `strictness` each settle questions, `measures` notes what
is neither, `report` is what comes of it, and `compare` tells two of them apart.
"""

from __future__ import annotations

from .compare import compare_reports
from .report import Finding, ProbeReport
from .run import MOST_REQUESTS, REQUESTS_PER_SECOND, probe

__all__ = ["MOST_REQUESTS", "REQUESTS_PER_SECOND", "Finding", "ProbeReport", "compare_reports", "probe"]
