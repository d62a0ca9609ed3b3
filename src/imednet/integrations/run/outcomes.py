"""Outcomes of an export's reads: one for each table, and all of them together with their proofs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ...core.reading.proof import Proof
from ...errors import ApiError, ImednetError

Status = Literal["PENDING", "SUCCESS", "FAILED", "ABSENT"]


@dataclass
class Outcome:
    """The outcome of reading one table.

    Attributes:
        status: `PENDING` before the first attempt, `ABSENT` if the server has no such list.
        rows: rows read; `None` before the first attempt, 0 if the server reports none.
        proof: `proven`, or `unproven` for a list that cannot be read by intervals.
        rule: the rule by which the read counts as complete.
        started, ended: server time, UTC.
        error, code: the error message, and the HTTP status or the name of the error class.
    """

    status: Status = "PENDING"
    rows: int | None = None
    proof: str | None = None
    rule: str | None = None
    started: str | None = None
    ended: str | None = None
    error: str | None = None
    code: str | None = None

    @classmethod
    def success(cls, rows: int, proof: Proof) -> Outcome:
        """The outcome of a table that was read completely."""
        return cls("SUCCESS", rows, proof.status, proof.rule, proof.server_from, proof.server_to)

    @classmethod
    def failure(cls, error: ImednetError) -> Outcome:
        """The outcome of a table that could not be read or written."""
        status = error.status_code if isinstance(error, ApiError) else None
        return cls("FAILED", error=str(error), code=str(status or type(error).__name__))


@dataclass
class Extraction:
    """Everything one run read.

    Attributes:
        outcomes: table key -> outcome of its read.
        proof: proof of the pass over all records; `None` if forms were read one by one.
        proofs: list -> proof of its read.
        left_out: form key -> number of records, for forms that are not exported.
        resumed: rows taken over from an earlier run.
        missing: records that belong to no form, if forms were read one by one.
    """

    outcomes: dict[str, Outcome]
    proof: Proof | None = None
    proofs: dict[str, Proof] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    resumed: int = 0
    missing: int | None = None

    @property
    def failed(self) -> dict[str, Outcome]:
        """Outcomes of the tables that failed."""
        return {key: outcome for key, outcome in self.outcomes.items() if outcome.status == "FAILED"}
