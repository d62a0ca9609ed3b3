"""One contestant, one run: `contestants.py URL HOW WORK SIZE`. Prints the rows, a checksum and what it cost as JSON.

Functions of `lists` get a reader of rows and a page size, those of `tables` only the address; each loads its own
libraries, so that loading them is part of the cost.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import lists
import tables


def main() -> None:
    url, how, work, size = sys.argv[1:]
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    rows, checksum = lists.WAYS[how](url, work, int(size)) if how in lists.WAYS else tables.WAYS[how](url)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    cost = {"user": after.ru_utime - before.ru_utime, "wall": wall, "mb": peak()}
    print(json.dumps({"rows": rows, "sum": checksum, **cost}))


def peak() -> float:
    """The most memory this program ever had, in MB. What `getrusage` tells begins with what started it."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    main()
