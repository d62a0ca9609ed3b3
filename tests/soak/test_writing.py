"""Ten thousand batches written over connections that are cut at random moments, while the clock is a test's own."""

from __future__ import annotations

from writing import Simulated, simulate

BATCHES, A_STUDY = 10_000, 100


def test_ten_thousand_batches_are_reported_truly() -> None:
    """No duplicate subject or record, every outcome as it is, at most one in a hundred unknown."""
    found = Simulated()
    for seed in range(BATCHES // A_STUDY):
        simulate(A_STUDY, 1000 + seed, found)
    share = found.states.get("unknown", 0) / found.items
    print(f"\n{found.batches:,} batches, {found.items:,} items: {found.states}; unknown {share:.2%}")
    assert found.wrong == []
    assert share <= 0.01
