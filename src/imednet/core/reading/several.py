"""Several whole reads as one: a filter of several values of which each needs a read of its own."""

from __future__ import annotations

from .intervals import Steps, WholeRead
from .proof import Proof


class SplitRead:
    """Several whole reads after one another, one for each value of a filter. Their proofs become one.

    Rows of two of them cannot be the same, since the filter is on something that never changes.
    """

    def __init__(self, reads: list[WholeRead]) -> None:
        self._reads = reads
        self.call = reads[0].call
        self.proof: Proof | None = None

    def steps(self) -> Steps:
        """All steps of all reads."""
        proof: Proof | None = None
        handed = 0
        for read in self._reads:
            read._handed = handed  # pages are numbered on
            yield from read.steps()
            handed = read._handed
            assert read.proof is not None
            proof = read.proof if proof is None else proof.merged(read.proof)
        self.proof = proof


Read = WholeRead | SplitRead
