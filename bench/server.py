"""The sandbox with at least as many records as asked for; prints where it listens and how many records it has."""

from __future__ import annotations

import sys

from imednet.sandbox import Sandbox, Scale, build
from imednet.sandbox.invent.design import STUDY
from imednet.sandbox.server import lists

RECORDS_OF_DEMO = 2550  # rather too few, so that no run has fewer records than asked for


def main() -> None:
    wanted = int(sys.argv[1])
    studies = build(Scale(subjects=48 * -(-wanted // RECORDS_OF_DEMO)))
    records = studies[STUDY].records
    for place in records.places():
        # Numbers and booleans are written as text, and null answers as none: another contestant stops at either.
        given = records.data(place)
        answers = given or {}
        if given is None or any(value is not None and not isinstance(value, str) for value in answers.values()):
            records.change(place, recordData={k: v if v is None else str(v) for k, v in answers.items()})
    lists.PAGE_MEMORY = 16 << 30  # every contestant asks for pages of its own, and all of them stay
    # Not compressed: contestants are compared at reading, not at unpacking.
    with Sandbox(studies=studies, switches={"gzip": "never"}) as box:
        print(box.url, len(records), flush=True)
        sys.stdin.read()  # until the driver closes it


if __name__ == "__main__":
    main()
