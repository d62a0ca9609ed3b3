"""The sections of RESULTS.md: each runs its contestants and returns its text."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from arena import HERE, Arena, Run, goals, ratio, server, spread

UNITS = (("user", "{:.2f}"), ("wall", "{:.2f}"), ("mb", "{:.0f}"))
NAMES = {
    ("ours", "typed"): "this SDK, typed",
    ("ours", "async"): "this SDK, async, typed",
    ("ours", "raw"): "this SDK, dictionaries (`raw=True`)",
    ("peer", "peer"): "`imednet` 0.5.0",
    ("generated", "generated"): "openapi-python-client with its own templates",
    ("floor", "floor"): "httpx + orjson, dictionaries",
    ("script", "script"): "requests, dictionaries",
    ("script", "frame"): "requests + pandas, one frame",
    ("ours", "parquet"): "this SDK, Parquet, a file a form",
    ("ours", "parquet_context"): "this SDK, Parquet with context",
    ("ours", "csv"): "this SDK, CSV, a file a form",
    ("ours", "duckdb"): "this SDK, DuckDB, a table a form",
    ("peer", "peer_parquet"): "`imednet` 0.5.0, Parquet, one file",
    ("peer", "peer_csv"): "`imednet` 0.5.0, CSV, one file",
    ("script", "script_parquet"): "requests + pandas, Parquet, one file",
    ("script", "script_csv"): "requests + pandas, CSV, one file",
    ("dlt", "dlt_duckdb"): "dlt, `rest_api` into DuckDB, one table",
}
_OFTEN = 3
"""Times the repeats, for what takes less than a second: there one run differs from the next by a tenth and more."""
WORK = {"nothing": "nothing", "some": "5 fields, 2 answers", "every": "every answer", "": "nothing"}

TYPED = {work: Run("ours", "typed", work) for work in ("nothing", "some", "every")}
ASYNC = Run("ours", "async", "nothing")
PEER = {work: Run("peer", "peer", work) for work in ("nothing", "some")}
PEER_500 = {work: Run("peer", "peer", work, 500) for work in ("nothing", "some")}
FLOOR = {work: Run("floor", "floor", work) for work in ("nothing", "some", "every")}
FAR = tuple(Run(who, how, "nothing", 0, 0.05) for who, how in (("ours", "typed"), ("peer", "peer"), ("floor", "floor")))
GENERATED = Run("generated", "generated", "nothing")
OTHERS = (
    *PEER_500.values(),
    *(Run("ours", "raw", work) for work in ("nothing", "every")),
    GENERATED,
    *(Run("generated", "generated", work, 500) for work in ("nothing", "some")),
    *(Run("script", "script", work) for work in ("nothing", "every")),
    Run("script", "frame"),
)


def _name(run: Run) -> str:
    return NAMES[run.who, run.how]


def _size(run: Run) -> str:
    own = {"peer": "100, its default", "generated": "25, its default"}.get(run.who, "500")
    return str(run.size or own)


def lists(interpreters: dict[str, str], records: int, repeats: int, *, far: bool = True) -> str:
    """Lists of all records, with and without latency, and what was to be reached."""
    often = _OFTEN * repeats
    with server(interpreters["ours"], records) as (url, count):
        arena = Arena(interpreters, url, count)
        compared = (*TYPED.values(), ASYNC, *PEER.values(), *FLOOR.values())
        arena.warm(TYPED["nothing"], FLOOR["nothing"], PEER["nothing"], GENERATED)
        arena.compete(compared, often)
        arena.compete(OTHERS, repeats)
        arena.compete(FAR if far else (), repeats)
    lines = [
        f"{count:,} records. Medians of interleaved runs, in brackets the lowest and the highest: {often} runs of what "
        f"is compared below without latency, {repeats} of all else.",
        "",
        "| contestant | rows a page | read of each row | user CPU, s | wall, s | peak memory, MB |",
        "|---|---|---|---|---|---|",
    ]
    near = tuple(sorted((*compared, *OTHERS), key=lambda run: (list(WORK).index(run.work), run.who != "ours")))
    lines += [f"| {_name(run)} | {_size(run)} | {WORK[run.work]} | {arena.row(run, UNITS)} |" for run in near]
    if far:
        lines += ["", "The same with 50 ms before each answer, nothing read:", ""]
        lines += ["| contestant | rows a page | user CPU, s | wall, s | peak memory, MB |", "|---|---|---|---|---|"]
        lines += [f"| {_name(run)} | {_size(run)} | {arena.row(run, UNITS)} |" for run in FAR]
    peer, floor = NAMES["peer", "peer"], NAMES["floor", "floor"]
    every = f"{floor}, every answer read"
    wanted: list[tuple[str, str, float, Run, Run, str]] = [
        ("typed, 5 fields and 2 answers read, user CPU", peer, 0.23, TYPED["some"], PEER["some"], "user"),
        ("typed, every answer read, user CPU", every, 1.1, TYPED["every"], FLOOR["every"], "user"),
        ("typed, nothing read, user CPU", peer, 0.18, TYPED["nothing"], PEER["nothing"], "user"),
        ("async, nothing read, user CPU", peer, 0.20, ASYNC, PEER["nothing"], "user"),
        ("typed, nothing read, user CPU", floor, 0.8, TYPED["nothing"], FLOOR["nothing"], "user"),
        ("typed, nothing read, peak memory", peer, 0.45, TYPED["nothing"], PEER["nothing"], "mb"),
    ]  # fmt: skip
    if far:
        wanted.append(("typed, 50 ms a page, wall", peer, 0.05, FAR[0], FAR[1], "wall"))
    rows = [(what, beside, most, arena.ratio(a, b, unit)) for what, beside, most, a, b, unit in wanted]
    return "\n".join([*lines, "", "Ours divided by the other's:", "", *goals(rows)])


def million(interpreters: dict[str, str], records: int, repeats: int) -> str:
    """The same figures per record at ten times the size."""
    runs = (*TYPED.values(), ASYNC, FLOOR["nothing"], FLOOR["every"])
    cells: dict[Run, list[str]] = {run: [] for run in runs}
    for size in (records, 10 * records):
        with server(interpreters["ours"], size) as (url, count):
            arena = Arena(interpreters, url, count)
            arena.warm(TYPED["nothing"], FLOOR["nothing"])
            arena.compete(runs, repeats)
        for run in runs:
            user, mb = ([cost[unit] for cost in arena.costs[run]] for unit in ("user", "mb"))
            cells[run].append(f"{statistics.median(user) / count * 1e6:.1f}")
            cells[run].append(f"{statistics.median(mb) / count * 2**10:.2f}")
    lines = [
        f"What one record costs where there are {records:,} and where there are {10 * records:,}, start included.",
        "",
        f"| contestant | read of each row | user CPU, µs | peak memory, kB | µs at {10 * records:,} | kB |",
        "|---|---|---|---|---|---|",
    ]
    lines += [f"| {_name(run)} | {WORK[run.work]} | {' | '.join(cells[run])} |" for run in runs]
    return "\n".join(lines)


def starts(interpreters: dict[str, str], records: int, repeats: int) -> str:  # noqa: ARG001
    """What it costs to begin: an SDK in a fresh process, and the help of the command."""
    homes = {name: Path(interpreters[name]).parent for name in ("ours", "peer")}
    commands: dict[str, Callable[[Path], list[str]]] = {
        '`ImednetSDK("k", "s")` in a fresh process, CPU': lambda home: [
            str(home / "python"), "-c", 'from imednet import ImednetSDK; ImednetSDK("k", "s")',
        ],
        "`imednet --help`, CPU": lambda home: [str(home / "imednet"), "--help"],
    }  # fmt: skip
    most = {'`ImednetSDK("k", "s")` in a fresh process, CPU': 0.15, "`imednet --help`, CPU": 0.30}
    costs: dict[tuple[str, str], list[float]] = {}
    for _ in range(_OFTEN * repeats):
        for what, command in commands.items():
            for name, home in homes.items():
                costs.setdefault((what, name), []).append(_cpu(command(home)))
    rows = [(what, NAMES["peer", "peer"], most[what], ratio(costs[what, "ours"], costs[what, "peer"])) for what in most]
    told = [
        f"{what}: {spread(costs[what, 'ours'], '{:.3f}')} s, {spread(costs[what, 'peer'], '{:.3f}')} s" for what in most
    ]
    return "\n".join([f"User and system CPU, ours and `imednet` 0.5.0's. {'; '.join(told)}.", "", *goals(rows)])


def _cpu(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


EXPORTS: tuple[tuple[str, Run, Run, str, float], ...] = (
    ("Parquet, user CPU", Run("ours", "parquet"), Run("peer", "peer_parquet"), "user", 0.20),
    ("CSV, user CPU", Run("ours", "csv"), Run("peer", "peer_csv"), "user", 0.12),
    ("DuckDB, user CPU", Run("ours", "duckdb"), Run("dlt", "dlt_duckdb"), "user", 0.20),
)
FAR_EXPORTS: tuple[tuple[str, Run, Run, str, float], ...] = (
    ("Parquet, 50 ms a page, wall", Run("ours", "parquet", "", 0, 0.05), Run("peer", "peer_parquet", "", 0, 0.05),
     "wall", 0.15),
    ("DuckDB, 150 ms a page, wall", Run("ours", "duckdb", "", 0, 0.15), Run("dlt", "dlt_duckdb", "", 0, 0.15),
     "wall", 0.20),
)  # fmt: skip


def exports(interpreters: dict[str, str], records: int, repeats: int, *, far: bool = True) -> str:
    """Exports of records of 10 forms of 57 columns, with and without latency."""
    wanted = (*EXPORTS, *(FAR_EXPORTS if far else ()))
    runs = [*(run for _, ours, other, _, _ in wanted for run in (ours, other))]
    runs[1:1] = [Run("ours", "parquet_context")]
    runs[5:5] = [Run("script", "script_parquet"), Run("script", "script_csv")]
    with server(interpreters["ours"], records, "export_server.py") as (url, count):
        arena = Arena(interpreters, url, count)
        arena.warm(Run("ours", "parquet"), Run("peer", "peer_csv"))
        arena.compete(runs, repeats)
    lines = [
        f"{count:,} records of 10 forms, 57 columns a table. Medians of {repeats} interleaved runs with their spread.",
        "",
        "| contestant | before each answer | user CPU, s | wall, s | peak memory, MB |",
        "|---|---|---|---|---|",
    ]
    for run in dict.fromkeys(runs):
        wait = f"{run.seconds * 1000:.0f} ms" if run.seconds else "-"
        lines.append(f"| {_name(run)} | {wait} | {arena.row(run, UNITS)} |")
    rows = [(what, _name(other), most, arena.ratio(ours, other, unit)) for what, ours, other, unit, most in wanted]
    context = Run("ours", "parquet_context"), Run("ours", "parquet")
    numbers = Run("ours", "parquet"), Run("peer", "peer_parquet")
    with server(interpreters["ours"], records, "export_server.py", "numbers") as (url, count):
        other = Arena(interpreters, url, count)
        other.compete([*numbers], repeats)
    rows.append(("Parquet with context, user CPU", _name(context[1]), 1.15, arena.ratio(*context, "user")))
    rows.append(("Parquet, all answers numbers, user CPU", _name(numbers[1]), 0.20, other.ratio(*numbers, "user")))
    lines += ["", "All answers texts of numbers:", "", *lines[2:4]]
    lines += [f"| {_name(run)} | - | {other.row(run, UNITS)} |" for run in numbers]
    return "\n".join([*lines, "", "Ours divided by the other's:", "", *goals(rows)])


def script(interpreter: str, name: str, *arguments: str) -> Any:
    """What a script of this folder prints as JSON."""
    done = subprocess.run([interpreter, str(HERE / name), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name} failed: {done.stderr}")
    return json.loads(done.stdout)


def sandbox(interpreters: dict[str, str], records: int, repeats: int) -> str:  # noqa: ARG001
    """What the server of all these runs costs itself."""
    lines = [
        "What the server costs that all contestants read from, over a socket on the same machine. A page from memory",
        "builds no record; the figure is the time of the whole request, sending included.",
        "",
        "| size | first page after | page of 500 records, made | from memory | peak memory |",
        "|---|---|---|---|---|",
    ]
    for size in ("demo", "medium", "large"):
        cost = script(interpreters["ours"], "sandbox.py", size)
        lines.append(
            f"| `{size}` | {cost['start']:.1f} s | {cost['cold'] * 1000:.0f} ms | {cost['warm'] * 1000:.1f} ms "
            f"| {cost['mb']:.0f} MB |"
        )
    return "\n".join(lines)


def memory(interpreters: dict[str, str], records: int, repeats: int) -> str:  # noqa: ARG001
    """Peak memory at several sizes, up to ten times the records of the other sections."""
    studies: list[dict[str, Any]] = script(interpreters["ours"], "memory.py")
    parquet = Run("ours", "parquet")
    for size in (records // 5, 10 * records):
        with server(interpreters["ours"], size, "export_server.py") as (url, count):
            arena = Arena(interpreters, url, count)
            arena.compete([parquet], 1)
        (cost,) = arena.costs[parquet]
        studies.append({"study": "10 forms of 57 columns", "records": count, "parquet": cost})
    return sizes(studies)


def sizes(studies: Sequence[dict[str, Any]]) -> str:
    """The table of these measurements, and how memory grows with the number of records."""
    lines = ["| study | records | `iter()`, MB | Parquet, MB | Parquet, user CPU, s |", "|---|---|---|---|---|"]
    for one in studies:
        iterated = f"{one['iterated']['mb']:.0f}" if "iterated" in one else "-"
        exported = f"{one['parquet']['mb']:.0f} | {one['parquet']['user']:.1f}"
        lines.append(f"| {one['study']} | {one['records']:,} | {iterated} | {exported} |")
    *_, small, large = (one for one in studies if "iterated" not in one)
    few, many = (next(one for one in studies if one["study"] == name) for name in ("367 subjects", "`large`"))
    rows = [
        (
            f"{what} {b['records']:,} records, peak memory",
            f"{a['records']:,} records",
            1.2,
            ratio([b[way]["mb"]], [a[way]["mb"]]),
        )
        for what, way, a, b in (("`iter()` over", "iterated", few, many), ("Parquet of", "parquet", small, large))
    ]
    return "\n".join([*lines, "", *goals(rows)])
