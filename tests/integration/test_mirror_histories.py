"""Studies whose life a seed decides, each with a mirror that is synced, killed and looked at after every step.

The life has inserts, edits, edits back, soft and hard deletes, undeletes, numbers that come late, many changes in one
second, changes without a date, and changes of the design. 10,000 of them run as `nox -s soak`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mirroring import live
from support import examples

SEEDS = 10


@pytest.mark.parametrize("block", range(examples(200) // SEEDS))
def test_a_mirror_is_in_step_after_every_sync_and_remembers_each(block: int, tmp_path: Path) -> None:
    """It equals the server, has every version in order, and asks an unchanged list once and writes nothing."""
    for seed in range(block * SEEDS, (block + 1) * SEEDS):
        live(seed, tmp_path, steps=3)
