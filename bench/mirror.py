"""A mirror of a study beside full exports: the first sync, a day, and a year of days.

Each part runs in a process of its own against a sandbox in another, and prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from imednet import ImednetSDK
from imednet.integrations import ExportOptions, ParquetSink, export_study
from imednet.mirror import Mirror

STUDY = "TIDEWATER-201"
PATIENCE = 1200


def measured(work: Callable[[], Any]) -> dict[str, Any]:
    """CPU seconds, wall seconds and peak memory of this process after some work."""
    cpu, wall = time.process_time(), time.monotonic()
    result = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {
        "cpu": round(time.process_time() - cpu, 2), "wall": round(time.monotonic() - wall, 1), "peak MB": peak,
        "result": result,
    }  # fmt: skip


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def export(sdk: ImednetSDK, home: Path) -> dict[str, Any]:
    """A Parquet export of all forms and lists."""
    shutil.rmtree(home / "export", ignore_errors=True)

    def work() -> int:
        options = ExportOptions(entities=("all",), disabled=True)
        return export_study(sdk, STUDY, ParquetSink(home / "export"), home=home / "export", options=options).rows

    facts = measured(work)
    return {**facts, "bytes": sum(path.stat().st_size for path in (home / "export").glob("*.parquet"))}


def sync(sdk: ImednetSDK, home: Path) -> dict[str, Any]:
    """One sync."""

    def work() -> dict[str, Any]:
        report = Mirror(home / "mirror", retention=timedelta(0)).sync(sdk, STUDY)
        changed = sum(map(sum, (counts.values() for counts in (report.inserted, report.updated, report.deleted))))
        return {"snapshot": report.snapshot, "requests": report.requests, "changed": changed}

    facts = measured(work)
    return {**facts, "bytes": size_of(home / "mirror")}


def as_of(sdk: ImednetSDK, home: Path) -> dict[str, Any]:  # noqa: ARG001  (no server is asked)
    """The form with most rows as of the first, a middle and the last snapshot: seconds of a frame and of a query."""
    mirror = Mirror(home / "mirror")
    last = mirror.number()
    seconds = {}
    for number in (1, max(1, last // 2), last):
        began = time.monotonic()
        rows = len(mirror.frames(number, forms=["DIARY"])["DIARY"])
        frame = round(time.monotonic() - began, 2)
        began = time.monotonic()
        with mirror.connect() as connection:
            found = connection.sql(f"select * from diary_as_of({number})").arrow()
            assert (found.read_all() if hasattr(found, "read_all") else found).num_rows == rows
        seconds[number] = (rows, frame, round(time.monotonic() - began, 2))
    return {"seconds": seconds}


def year(sdk: ImednetSDK, home: Path) -> dict[str, Any]:
    """365 days, a sync after each."""
    days, requests, cpu = 365, 0, time.process_time()
    mirror = Mirror(home / "mirror", retention=timedelta(0))
    for _ in range(days):
        advance(str(sdk._client.base_url))
        requests += mirror.sync(sdk, STUDY).requests
    return {
        "days": days,
        "requests": requests,
        "cpu": round(time.process_time() - cpu, 1),
        "bytes": size_of(home / "mirror"),
    }


def advance(url: str) -> None:
    """Let a day pass in the sandbox."""
    httpx.post(f"{url}/_sandbox/advance", json={"days": 1}, timeout=PATIENCE).raise_for_status()


def dlt_scd2(sdk: ImednetSDK, home: Path) -> dict[str, Any]:
    """The records alone by dlt with its strategy `scd2`, which keeps versions; it reads the whole list each time."""
    from tables import dlt_load

    folder = home / "dlt"
    folder.mkdir(exist_ok=True)
    url = str(sdk._client.base_url).rstrip("/")
    strategy = {"disposition": "merge", "strategy": "scd2"}
    facts = measured(lambda: dlt_load(url, folder, write_disposition=strategy))
    return {**facts, "bytes": size_of(folder)}


PARTS = {"export": export, "sync": sync, "as-of": as_of, "year": year, "dlt": dlt_scd2}


def part(name: str, url: str, home: Path) -> None:
    """Run one part in this process."""
    options: Any = {"timeout": PATIENCE, "max_response_seconds": PATIENCE, "allow_http": True}
    with ImednetSDK("demo-api-key", "demo-security-key", url, **options) as sdk:
        print(json.dumps({"part": name, **PARTS[name](sdk, home)}), flush=True)


def run(size: str, *, whole_year: bool, beside_dlt: bool) -> None:
    """Run the parts for a sandbox of a size."""
    command = [sys.executable, "-m", "imednet", "sandbox", "serve", "--size", size]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server,
    ):
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]

        def child(name: str) -> None:
            subprocess.run([sys.executable, __file__, "--part", name, "--url", url, "--home", folder], check=True)

        try:
            others = ("dlt", "dlt") if beside_dlt else ()
            for name in ("export", "sync", "sync", *others):
                child(name)
            advance(url)
            for name in ("sync", *others[:1]):
                child(name)
            if whole_year:
                child("year")
                child("export")
            if size != "large":
                child("as-of")
        finally:
            server.kill()


def main() -> None:
    """Run a size, or one part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="medium")
    parser.add_argument("--year", action="store_true")
    parser.add_argument("--dlt", action="store_true", help="the records by dlt with `scd2`, too, where it is installed")
    parser.add_argument("--part")
    parser.add_argument("--url")
    parser.add_argument("--home")
    given = parser.parse_args()
    if given.part:
        part(given.part, given.url, Path(given.home))
    else:
        run(given.size, whole_year=given.year, beside_dlt=given.dlt)


if __name__ == "__main__":
    main()
