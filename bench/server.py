"""The sandbox with at least as many records as asked for; prints where it listens and how many records it has."""

from __future__ import annotations

import sys

from imednet.sandbox import Sandbox, build
from imednet.sandbox.design import STUDY

RECORDS_OF_DEMO = 2746


def main() -> None:
    wanted = int(sys.argv[1])
    studies = build(2024, times=-(-wanted // RECORDS_OF_DEMO))
    count = len(studies[STUDY].rows("records"))
    with Sandbox(studies=studies) as box:
        print(box.url, count, flush=True)
        sys.stdin.read()  # until the driver closes it


if __name__ == "__main__":
    main()
