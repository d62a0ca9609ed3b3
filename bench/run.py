"""Measure this SDK beside other ways of doing the same work, and write what comes out to RESULTS.md."""

from __future__ import annotations

import argparse
import os
import platform
import re
from datetime import date

import sections
from arena import ENVIRONMENTS, HERE, Section, python, versions

SECTIONS: dict[str, Section] = {
    "lists": sections.lists,
    "starts": sections.starts,
    "exports": sections.exports,
    "million": sections.million,
    "memory": sections.memory,
    "sandbox": sections.sandbox,
}
QUICK = 20_000


def write(name: str, text: str) -> None:
    """Put the text of a section between its two marks in RESULTS.md; all else there stays as it is."""
    path = HERE / "RESULTS.md"
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    results = path.read_text("utf-8")
    found = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not found.search(results):
        raise SystemExit(f"RESULTS.md has no place for {name}: it needs the lines {begin} and {end}")
    path.write_text(found.sub(lambda _: f"{begin}\n\n{text}\n\n{end}", results), "utf-8")


def machine(interpreters: dict[str, str]) -> str:
    """What was measured, where and when."""
    where = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return f"{date.today().isoformat()}, {where}. {versions(interpreters)}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20,000 records, one run each; prints and writes nothing")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, with commas between (default: all)")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    names = options.only.split(",")
    if unknown := set(names) - set(SECTIONS):
        parser.error(f"no such section: {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    interpreters = {name: python(name) for name in ENVIRONMENTS}
    about = machine(interpreters)
    if options.quick:
        print(about)
        print(sections.lists(interpreters, QUICK, 1, far=False))
        print(sections.starts(interpreters, QUICK, 1))
        print(sections.exports(interpreters, QUICK, 1, far=False))
        return
    for name in names:
        text = f"{about}\n\n{SECTIONS[name](interpreters, options.records, options.repeats)}"
        write(name, text)
        print(text, flush=True)


if __name__ == "__main__":
    main()
