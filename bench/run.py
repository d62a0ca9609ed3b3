"""Measure this SDK beside PyPI's `imednet` 0.5.0, dlt and a plain httpx + orjson loop; write ratios to RESULTS.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import exports

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ENVIRONMENTS = {
    "ours": [f"{ROOT}[export]"],
    "peer": ["imednet==0.5.0", "pandas>=2.2,<4", "pyarrow>=17,<27"],
    "floor": ["httpx>=0.27,<1", "orjson>=3.10,<4"],
    "dlt": ["dlt[duckdb,parquet]>=1.5,<2"],
}
COMPARISONS = (
    ("typed list", "ours_list", "peer_list"),
    ("typed list", "ours_list", "floor_list"),
    ("typed list, every answer read", "ours_answers", "floor_list"),
    ("raw list", "ours_raw", "floor_list"),
)
NAMES = {
    "peer_list": "`imednet` 0.5.0, list",
    "floor_list": "httpx + orjson, dictionaries",
}
Cost = dict[str, float]


def python(name: str) -> str:
    """The interpreter of a contestant's environment, made at first use; ours is installed anew each time."""
    home = ROOT / ".bench" / name
    found = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    fresh = not found.exists()
    if fresh:
        venv.create(home, with_pip=True)
    if fresh or name == "ours":
        command = [str(found), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, *ENVIRONMENTS[name]], check=True, capture_output=True)
        if name == "ours" and not fresh:
            subprocess.run([*command, "--force-reinstall", "--no-deps", str(ROOT)], check=True, capture_output=True)
    return str(found)


@contextmanager
def server(interpreter: str, records: int, script: str = "server.py") -> Iterator[tuple[str, int]]:
    """The sandbox in a process of its own: its address and how many records it has."""
    command = [interpreter, str(HERE / script), str(records)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, count = process.stdout.readline().split()
        try:
            yield url, int(count)
        finally:
            process.kill()


def measure(interpreter: str, contestant: str, url: str, count: int) -> Cost:
    """One run in a process of its own."""
    command = [interpreter, str(HERE / "contestants.py"), contestant, url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    cost: Cost = json.loads(done.stdout)
    if cost["rows"] != count:
        sys.exit(f"{contestant} got {cost['rows']} rows of {count}")
    return cost


def sandbox(interpreter: str) -> list[str]:
    """What the server of all these runs costs itself."""
    lines = [
        "| size | first page after | page of 500 records, made | from memory | peak memory |",
        "|---|---|---|---|---|",
    ]
    for size in ("demo", "medium", "large"):
        done = subprocess.run([interpreter, str(HERE / "sandbox.py"), size], capture_output=True, text=True, check=True)
        cost: Cost = json.loads(done.stdout)
        lines.append(
            f"| `{size}` | {cost['start']:.1f} s | {cost['cold'] * 1000:.0f} ms | {cost['warm'] * 1000:.1f} ms "
            f"| {cost['mb']:.0f} MB |"
        )
    return lines


def table(costs: dict[str, list[Cost]]) -> list[str]:
    """Ratios of medians, ours over the other, with the spread of the single runs."""
    lines = ["| what | beside | user CPU | wall | peak memory |", "|---|---|---|---|---|"]
    for what, ours, other in COMPARISONS:
        cells = []
        for unit in ("user", "wall", "mb"):
            ratio = statistics.median(c[unit] for c in costs[ours]) / statistics.median(c[unit] for c in costs[other])
            single = [a[unit] / b[unit] for a, b in zip(costs[ours], costs[other], strict=True)]
            cells.append(f"{ratio:.2f} ({min(single):.2f} to {max(single):.2f})")
        lines.append(f"| {what} | {NAMES[other]} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20,000 records, one run each; writes nothing")
    parser.add_argument("--exports", action="store_true", help="the exports alone; writes nothing")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    records, repeats = (20_000, 1) if options.quick else (options.records, options.repeats)
    interpreters = {name: python(name) for name in ENVIRONMENTS}
    if options.exports:
        print(exports.section(interpreters, records, repeats, measure, server))
        return
    contestants = list(dict.fromkeys(name for _, ours, other in COMPARISONS for name in (ours, other)))
    costs: dict[str, list[Cost]] = {name: [] for name in contestants}
    with server(interpreters["ours"], records) as (url, count):
        for name in ("ours_list", "peer_list", "floor_list"):  # so that every page is served from memory
            measure(interpreters[name.partition("_")[0]], name, url, count)
        for _ in range(repeats):
            for name in contestants:
                costs[name].append(measure(interpreters[name.partition("_")[0]], name, url, count))
                print(name, {unit: round(value, 2) for unit, value in costs[name][-1].items()}, flush=True)
    lines = table(costs)
    print("\n".join(lines))
    if options.quick:
        print(exports.section(interpreters, records, repeats, measure, server))
        return
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    text = f"""# Results

{count:,} records of the sandbox study, {repeats} interleaved runs, {date.today().isoformat()}, {machine}.
Each figure is ours divided by the other's: medians, and in brackets the lowest and highest of the single runs.
Less than 1 is better. Every contestant at its own defaults; the server gave all pages from memory.

""" + "\n".join(lines)
    text += """

## The sandbox

What the server costs that all contestants read from, over a socket on the same machine. A page from memory builds no
record; the figure is the time of the whole request, sending included.

""" + "\n".join(sandbox(interpreters["ours"]))
    text += "\n\n" + exports.section(interpreters, options.records, options.repeats, measure, server)
    (HERE / "RESULTS.md").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
