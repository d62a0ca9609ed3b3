"""How the reads of an export went: one outcome a table, and all of them with their proofs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ...core.reading.proof import Proof
from ...errors import ApiError, ImednetError

Status = Literal["PENDING", "SUCCESS", "FAILED", "ABSENT"]


@dataclass
class Outcome:
    """How the read of one table went.

    Attributes:
        status: `PENDING` before the first try, `ABSENT` where the server has no such list.
        rows: rows read; `None` before the first try, 0 where the server says 0.
        proof: `proven`, or `unproven` where the list cannot be read by intervals.
        rule: the rule of the read it comes from.
        started, ended: server time, UTC.
        error, code: what went wrong, and the HTTP status or the kind of error.
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
        """A table that was read whole."""
        return cls("SUCCESS", rows, proof.status, proof.rule, proof.server_from, proof.server_to)

    @classmethod
    def failure(cls, error: ImednetError) -> Outcome:
        """A table that was not."""
        status = error.status_code if isinstance(error, ApiError) else None
        return cls("FAILED", error=str(error), code=str(status or type(error).__name__))


@dataclass
class Extraction:
    """What was read.

    Attributes:
        outcomes: table key -> how its read went.
        proof: of the pass over all records, `None` where there was none.
        proofs: list -> proof of its read.
        left_out: form key -> records of forms that are not exported.
        resumed: rows that an earlier run had read.
        missing: records that no form accounts for, where forms were read one by one.
    """

    outcomes: dict[str, Outcome]
    proof: Proof | None = None
    proofs: dict[str, Proof] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    resumed: int = 0
    missing: int | None = None

    @property
    def failed(self) -> dict[str, Outcome]:
        """Tables that are not there."""
        return {key: one for key, one in self.outcomes.items() if one.status == "FAILED"}
