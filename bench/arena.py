"""Where contestants meet: an environment for each, one server for all, a process for every run."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import urllib.request
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ENVIRONMENTS = {
    "ours": [f"{ROOT}[export]"],
    "peer": ["imednet==0.5.0", "pandas>=2.2,<4", "pyarrow>=17,<27"],
    "generated": ["openapi-python-client==0.29.1"],
    "floor": ["httpx>=0.27,<1", "orjson>=3.10,<4"],
    "script": ["requests>=2.32,<3", "pandas>=2.2,<4", "pyarrow>=17,<27"],
    "dlt": ["dlt[duckdb,parquet]>=1.5,<2"],
}
TOLD = ("imednet", "httpx", "msgspec", "pydantic", "orjson", "requests", "pandas", "pyarrow", "duckdb", "dlt")
"""Packages whose versions are told with the results."""
Cost = dict[str, float]


def python(name: str) -> str:
    """The interpreter of a contestant's environment, made at first use; ours is installed anew each time."""
    home = ROOT / ".bench" / name
    commands = home / ("Scripts" if os.name == "nt" else "bin")
    found = commands / "python"
    fresh = not found.exists()
    if fresh:
        venv.create(home, with_pip=True)
    if fresh or name == "ours":
        command = [str(found), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, *ENVIRONMENTS[name]], check=True, capture_output=True)
        if name == "ours" and not fresh:
            subprocess.run([*command, "--force-reinstall", "--no-deps", str(ROOT)], check=True, capture_output=True)
    if name == "generated":
        where = ("--path", str(ROOT / "openapi" / "imednet.yaml"), "--output-path", str(home / "default_client"))
        command = [str(commands / "openapi-python-client"), "generate", *where, "--meta", "none", "--overwrite"]
        subprocess.run(command, check=True, capture_output=True)
    return str(found)


def versions(interpreters: dict[str, str]) -> str:
    """What stands in each environment, as far as it matters."""
    told = []
    code = "import sys, importlib.metadata as m; d = {x.name.lower(): x.version for x in m.distributions()}; "
    for name, interpreter in interpreters.items():
        command = [interpreter, "-c", code + f"print(*[f'{{n}} {{d[n]}}' for n in {TOLD} if n in d], sep=', ')"]
        found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        told.append(f"{name}: {found or 'httpx'}")
    return "; ".join(told)


@contextmanager
def server(interpreter: str, records: int, script: str = "server.py", *words: str) -> Iterator[tuple[str, int]]:
    """The sandbox in a process of its own: its address and how many records it has."""
    command = [interpreter, str(HERE / script), str(records), *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, count = process.stdout.readline().split()
        try:
            yield url, int(count)
        finally:
            process.kill()


def latency(url: str, seconds: float) -> None:
    """Set how long the server waits before each answer."""
    body = json.dumps([f"latency GET records seconds={seconds}"] if seconds else []).encode()
    request = urllib.request.Request(f"{url}/_sandbox/faults", data=body, method="POST")
    request.add_header("Content-Type", "application/json")
    urllib.request.urlopen(request).read()


@dataclass(frozen=True)
class Run:
    """What one contestant does: `who` is its environment and `how` its function; the rest says which work.

    Attributes:
        who, how: such as `ours` and `typed`.
        work: for lists, what is read of the rows.
        size: rows a page, 0 for the contestant's default.
        seconds: how long the server waits before each answer.
    """

    who: str
    how: str
    work: str = ""
    size: int = 0
    seconds: float = 0.0


@dataclass
class Arena:
    """Runs contestants against one server, each in a process of its own, and keeps what they cost.

    All runs of one work must find the same rows: a run with another count or checksum ends everything.
    """

    interpreters: dict[str, str]
    url: str
    count: int
    costs: dict[Run, list[Cost]] = field(default_factory=dict)
    _sums: dict[str, float] = field(default_factory=dict)

    def warm(self, *runs: Run) -> None:
        """Let the server make every page once, so that all come from memory later."""
        for run in runs:
            self._measure(run)

    def compete(self, runs: Sequence[Run], repeats: int) -> None:
        """Every run once, and so on: what disturbs the machine for a while disturbs all of them."""
        for _ in range(repeats):
            for run in dict.fromkeys(runs):
                latency(self.url, run.seconds)
                cost = self._measure(run)
                self.costs.setdefault(run, []).append(cost)
                shown = {unit: round(cost[unit], 2) for unit in ("user", "wall", "mb")}
                print(run.who, run.how, run.work, run.size or "", run.seconds or "", shown, flush=True)
        latency(self.url, 0)

    def _measure(self, run: Run) -> Cost:
        command = [self.interpreters[run.who], str(HERE / "contestants.py"), self.url, run.how, run.work, str(run.size)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{run} failed: {done.stderr}")
        cost: Cost = json.loads(done.stdout)
        if cost["rows"] != self.count:
            sys.exit(f"{run} got {cost['rows']} rows of {self.count}")
        if self._sums.setdefault(run.work, cost["sum"]) != cost["sum"]:
            sys.exit(f"{run} read other values than the others: {cost['sum']}, not {self._sums[run.work]}")
        return cost

    def ratio(self, ours: Run, other: Run, unit: str) -> tuple[float, str]:
        """Ours over the other: of the medians, and as text with the lowest and highest of the single repeats."""
        mine, theirs = [cost[unit] for cost in self.costs[ours]], [cost[unit] for cost in self.costs[other]]
        return ratio(mine, theirs)

    def row(self, run: Run, units: Sequence[tuple[str, str]]) -> str:
        """Medians of one run with their spread, as cells of a table."""
        return " | ".join([spread([cost[unit] for cost in self.costs[run]], form) for unit, form in units])


def spread(values: list[float], form: str) -> str:
    """The median and, in brackets, the lowest and the highest."""
    median = form.format(statistics.median(values))
    return median if len(values) == 1 else f"{median} ({form.format(min(values))} to {form.format(max(values))})"


def ratio(mine: list[float], theirs: list[float]) -> tuple[float, str]:
    """The ratio of two medians, and as text with the spread of the ratios of single repeats."""
    found = statistics.median(mine) / statistics.median(theirs)
    single = [a / b for a, b in zip(mine, theirs, strict=True)]
    return found, f"{found:.2f}" + (f" ({min(single):.2f} to {max(single):.2f})" if len(single) > 1 else "")


def goals(rows: Sequence[tuple[str, str, float, tuple[float, str]]]) -> list[str]:
    """A table of what was to be reached: what, beside what, at most, and what it is."""
    lines = ["| what | beside | goal | measured | met |", "|---|---|---|---|---|"]
    for what, beside, most, (found, text) in rows:
        lines.append(f"| {what} | {beside} | {most:.2f} | {text} | {'yes' if round(found, 2) <= most else '**no**'} |")
    return lines


Section = Callable[[dict[str, str], int, int], str]
