"""The proof of a read, which stands on its result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ...utils.html import table

Rule = Literal["one answer", "intervals", "twice", "none", "mirror"]


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof that a read is whole. `docs/reads.md` explains the rules and the one assumption behind them.

    Attributes:
        status: `proven`, or `unproven` where the list cannot be read by intervals or nothing was compared.
        rule: `one answer`, `intervals` or `twice`; `none` for `consistency="off"`; `mirror` for a list that came from
            a mirror, whose `reason` says how the mirror had it.
        reason: why it is not proven.
        total: rows the server counted at its first answer.
        rows: rows read.
        rechecked: intervals that were read again because the counts around them did not agree.
        came, gone: rows that appeared in such an interval, or were no longer there.
        later: rows beyond the end of the read; they came after it had begun.
        kept: rows handed on; fewer than `rows` where a part of the filter was tested on the rows.
        filtered_here: attributes that were tested on the rows, since the server takes each attribute once.
        parts: reads the call was split into, one for each value of a list.
        requests: requests the read needed, retries not counted.
        server_from, server_to: server time of the first and last answer, as the server writes it (UTC).
        undeclared: fields of rows that the description of the API does not know.
    """

    status: Literal["proven", "unproven"]
    rule: Rule
    total: int
    rows: int
    reason: str | None = None
    rechecked: int = 0
    came: int = 0
    gone: int = 0
    later: int = 0
    kept: int = 0
    filtered_here: tuple[str, ...] = ()
    parts: int = 1
    requests: int = 1
    server_from: str | None = None
    server_to: str | None = None
    undeclared: tuple[str, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether the read is proven whole."""
        return self.status == "proven"

    @property
    def quiet(self) -> bool:
        """Whether nothing was seen to change while the list was read."""
        return not (self.rechecked or self.came or self.gone or self.later)

    def _repr_html_(self) -> str:
        """What a reader of a notebook wants to know first."""
        facts = [
            ("rows", f"{self.rows:,} of {self.total:,} counted"),
            ("rule", self.rule),
            (
                "changed meanwhile",
                "nothing" if self.quiet else f"{self.came} came, {self.gone} gone, {self.later} later",
            ),
            ("server time, UTC", f"{self.server_from} to {self.server_to}"),
        ]
        return table((self.status, self.reason or ""), facts)

    def merged(self, other: Proof) -> Proof:
        """The proof of this read followed by another one."""
        unproven = [proof for proof in (self, other) if not proof.proven]
        rule = (unproven or [max(self, other, key=lambda proof: proof.rule == "intervals")])[0].rule
        return replace(
            self,
            status="unproven" if unproven else "proven",
            rule=rule,
            reason=unproven[0].reason if unproven else None,
            total=self.total + other.total,
            rows=self.rows + other.rows,
            rechecked=self.rechecked + other.rechecked,
            came=self.came + other.came,
            gone=self.gone + other.gone,
            later=self.later + other.later,
            kept=self.kept + other.kept,
            parts=self.parts + other.parts,
            requests=self.requests + other.requests,
            server_to=other.server_to,
            undeclared=tuple(sorted({*self.undeclared, *other.undeclared})),
        )
