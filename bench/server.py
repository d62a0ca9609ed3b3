"""The sandbox with at least as many records as asked for; prints where it listens and how many records it has."""

from __future__ import annotations

import sys

from imednet.sandbox import Sandbox, build
from imednet.sandbox.design import STUDY

RECORDS_OF_DEMO = 2550  # rather too few, so that no run has fewer records than asked for


def main() -> None:
    wanted = int(sys.argv[1])
    studies = build(2024, times=-(-wanted // RECORDS_OF_DEMO))
    study = studies[STUDY]
    count = len(study.rows("records"))
    for record in study.rows("records"):
        # One subject's numbers and booleans are written as text: another contestant cannot write a mixed column.
        if record["subjectId"] == 20009:
            answers = study.answers(record) or {}
            study.set_answers(record["recordId"], {k: v if v is None else str(v) for k, v in answers.items()})
    with Sandbox(studies=studies) as box:
        print(box.url, count, flush=True)
        sys.stdin.read()  # until the driver closes it


if __name__ == "__main__":
    main()
