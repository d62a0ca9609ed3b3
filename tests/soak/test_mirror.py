"""Ten thousand random histories of a study, each mirrored, and deletions among 66,000 records.

Prints the figures, of which those of deletions stand in docs/mirror.md.
"""

from __future__ import annotations

import os
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from imednet import ImednetSDK
from imednet.mirror import Mirror
from imednet.sandbox import Sandbox
from mirroring import LISTS, live
from support import STUDY

HISTORIES = 10_000
BLOCK = 50


def _live(block: int, folder: str) -> int:
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        live(seed, Path(folder))
        shutil.rmtree(Path(folder) / f"m{seed}")
    return BLOCK


def test_random_histories(tmp_path: Path) -> None:
    """Any of them that a mirror gets wrong is an error that names its seed."""
    began = time.monotonic()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        done = sum(pool.map(_live, range(HISTORIES // BLOCK), [str(tmp_path)] * (HISTORIES // BLOCK)))
    print(f"\n{done} histories in {time.monotonic() - began:.0f} s: each version of each row, none lost, none invented")


def test_deletions_among_66000_records(tmp_path: Path) -> None:
    """The requests that one deletion takes, and ten that lie far apart."""
    mirror = Mirror(tmp_path / "mirror")
    with Sandbox(size="medium") as box, ImednetSDK(**box.credentials) as sdk:
        records = box.studies[STUDY].records
        mirror.sync(sdk, STUDY)
        for count, most in ((1, 40), (10, 250)):
            places = records.places()
            for nth in range(count):
                records.remove(places[3_000 + nth * 6_001 - nth])
            report = mirror.sync(sdk, STUDY)
            asked = report.requests - len(LISTS)
            print(f"\n{count} of {len(records) + count} records gone: found with {asked} requests")
            assert report.deleted == {"records": count}
            assert asked <= most
