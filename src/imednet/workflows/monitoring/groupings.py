"""What a row of each monitoring table can be; the command line offers the same words."""

from __future__ import annotations

from typing import Literal

EnrolmentBy = Literal["funnel", "status", "month", "site"]
MissingBy = Literal["page", "form", "site", "subject", "interval"]
VisitBy = Literal["interval", "site", "subject"]
LagBy = Literal["site", "form", "subject"]
QueryBy = Literal["site", "form", "variable", "opener", "kind"]
CompletenessBy = Literal["form", "site", "subject", "cell"]
StatusBy = Literal["study", "form", "site", "subject"]
CodingBy = Literal["form", "site", "dictionary", "term"]
ChangesBy = Literal["user", "role", "reason", "site", "form"]
DiaryBy = Literal["subject", "site"]
