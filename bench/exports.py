"""The exports beside other ways: ratios of CPU, wall and memory, with and without latency; memory at several sizes."""

from __future__ import annotations

import json
import statistics
import subprocess
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

HERE = Path(__file__).resolve().parent
Cost = dict[str, float]
Measure = Callable[[str, str, str, int], Cost]
Server = Callable[[str, int, str], AbstractContextManager[tuple[str, int]]]

COMPARISONS = (
    # what, ours, the other, seconds a page
    ("Parquet", "ours_parquet", "peer_parquet", 0.0),
    ("CSV", "ours_csv", "peer_csv", 0.0),
    ("DuckDB", "ours_duckdb", "dlt_duckdb", 0.0),
    ("Parquet, 50 ms a page", "ours_parquet", "peer_parquet", 0.05),
    ("DuckDB, 150 ms a page", "ours_duckdb", "dlt_duckdb", 0.15),
)
NAMES = {
    "peer_parquet": "`imednet` 0.5.0 (one file)",
    "peer_csv": "`imednet` 0.5.0 (one file)",
    "dlt_duckdb": "dlt, `rest_api` into DuckDB",
}


def section(interpreters: dict[str, str], records: int, repeats: int, measure: Measure, server: Server) -> str:
    """The part of RESULTS.md about exports."""
    costs: dict[tuple[str, float], list[Cost]] = {}
    with server(interpreters["ours"], records, "export_server.py") as (url, count):
        for name in ("ours_parquet", "peer_parquet"):  # so that every page is served from memory
            measure(interpreters[name.partition("_")[0]], name, url, count)
        for _ in range(repeats):
            for _, ours, other, latency in COMPARISONS:
                _faults(url, latency)
                for name in (ours, other):
                    cost = measure(interpreters[name.partition("_")[0]], name, url, count)
                    costs.setdefault((name, latency), []).append(cost)
                    print(name, latency, {unit: round(value, 2) for unit, value in cost.items()}, flush=True)
    lines = [
        "## Exports",
        "",
        f"{count:,} records of 10 forms, 57 columns a table, {repeats} interleaved runs. Ratios as above; in the last "
        "column our own peak.",
        "",
        "| what | beside | user CPU | wall | peak memory | ours |",
        "|---|---|---|---|---|---|",
    ]
    for what, ours, other, latency in COMPARISONS:
        cells = []
        for unit in ("user", "wall", "mb"):
            mine, theirs = ([cost[unit] for cost in costs[name, latency]] for name in (ours, other))
            ratio = statistics.median(mine) / statistics.median(theirs)
            single = [a / b for a, b in zip(mine, theirs, strict=True)]
            cells.append(f"{ratio:.2f} ({min(single):.2f} to {max(single):.2f})")
        peak = statistics.median(cost["mb"] for cost in costs[ours, latency])
        lines.append(f"| {what} | {NAMES[other]} | {' | '.join(cells)} | {peak:.0f} MB |")
    return "\n".join(lines)


def _faults(url: str, seconds: float) -> None:
    """Set how long the server waits before each answer."""
    faults = [f"latency GET records seconds={seconds}"] if seconds else []
    body = json.dumps(faults).encode()
    request = urllib.request.Request(f"{url}/_sandbox/faults", data=body, method="POST")
    request.add_header("Content-Type", "application/json")
    urllib.request.urlopen(request).read()


def memory(interpreter: str, url: str, count: int) -> float:
    """Peak memory of a Parquet export, in MB."""
    command = [interpreter, str(HERE / "contestants.py"), "ours_parquet", url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    cost: Cost = json.loads(done.stdout)
    assert cost["rows"] == count
    return cost["mb"]
