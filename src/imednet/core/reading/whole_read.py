"""A whole read of one list, and several of them as one. Does no I/O, which is left to `fetch`.

`steps()` yields what to fetch and, in between, pages to hand on. Which request comes next, and why no row is missing,
is decided in `intervals`; lists that cannot be read by intervals are read in `page_numbers`.
"""

from __future__ import annotations

from ...errors import BadRequestError
from .answer import NoNumbers
from .intervals import Intervals
from .ledger import Ledger, Steps
from .page_numbers import read_trusting, read_twice
from .proof import Proof


class WholeRead(Ledger):
    """One whole read of one list."""

    def steps(self) -> Steps:
        """Run the read step by step. For each `Fetch` send the page, or throw the error of the fetch."""
        bounds = self.call.bounds()
        if self.consistency == "off" and self.after is None and not (bounds and bounds.two_sided):
            yield from read_trusting(self)
        elif (reason := self.call.why_no_intervals()) is not None:
            yield from read_twice(self, reason)
        else:
            try:
                yield from Intervals(self).steps()
                return
            except BadRequestError:
                if self.pages or not self.requests:
                    raise
                reason = "the server refused a filter on the identity"
            except NoNumbers:
                if self.pages:
                    raise self.not_whole("a row has no number") from None
                reason = "the identity is not a number"
            yield from read_twice(self, reason)


class SplitRead:
    """Several whole reads one after the other, one for each value of a filter. Their proofs become one.

    Rows of two of them cannot be the same, since the filter is on something that never changes.
    """

    def __init__(self, reads: list[WholeRead]) -> None:
        self._reads = reads
        self._current = reads[0]
        self.call = reads[0].call
        self.proof: Proof | None = None

    @property
    def far(self) -> bool:
        """Whether answers take long; see `Ledger`."""
        return self._current.far

    @far.setter
    def far(self, far: bool) -> None:
        self._current.far = far

    def steps(self) -> Steps:
        """Run the steps of all reads."""
        proof: Proof | None = None
        pages = 0
        for read in self._reads:
            read.first_page, read.far, self._current = pages, self.far, read
            yield from read.steps()
            pages += read.pages
            assert read.proof is not None
            proof = read.proof if proof is None else proof.merged(read.proof)
        self.proof = proof


Read = WholeRead | SplitRead
