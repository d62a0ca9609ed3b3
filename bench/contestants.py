"""One contestant, one run: `contestants.py NAME URL`. Prints the rows it got and what the work cost as JSON."""

from __future__ import annotations

import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

STUDY = "TIDEWATER-201"
KEYS = ("demo-api-key", "demo-security-key")


def ours_list(url: str) -> int:
    from imednet import ImednetSDK

    with ImednetSDK(*KEYS, url) as sdk:
        return len(sdk.records.list(STUDY))


def ours_raw(url: str) -> int:
    from imednet import ImednetSDK

    with ImednetSDK(*KEYS, url) as sdk:
        return len(sdk.records.list(STUDY, raw=True))


def ours_answers(url: str) -> int:
    from imednet import ImednetSDK

    with ImednetSDK(*KEYS, url) as sdk:
        return sum(record.record_data is not None for record in sdk.records.list(STUDY))


def ours_parquet(url: str) -> int:
    from imednet import ImednetSDK
    from imednet.integrations import export_to_parquet

    folder = tempfile.mkdtemp()
    try:
        with ImednetSDK(*KEYS, url) as sdk:
            return export_to_parquet(sdk, STUDY, Path(folder) / "study").rows
    finally:
        shutil.rmtree(folder)


def peer_list(url: str) -> int:
    from imednet import ImednetSDK

    return len(ImednetSDK(*KEYS, url).records.list(study_key=STUDY))


def peer_parquet(url: str) -> int:
    import pyarrow.parquet as pq

    import imednet.integrations as peer
    from imednet import ImednetSDK

    folder = tempfile.mkdtemp()
    try:
        path = str(Path(folder) / "study.parquet")
        peer.export_to_parquet(ImednetSDK(*KEYS, url), STUDY, path)
        return int(pq.ParquetFile(path).metadata.num_rows)
    finally:
        shutil.rmtree(folder)


def floor_list(url: str) -> int:
    import httpx
    import orjson

    headers = {
        "x-api-key": KEYS[0],
        "x-imn-security-key": KEYS[1],
        "Content-Type": "application/json",
    }
    rows: list[object] = []
    with httpx.Client(base_url=url, headers=headers) as client:
        page, pages = 0, 1
        while page < pages:
            params: dict[str, str | int] = {"page": page, "size": 500, "sort": "recordId,asc"}
            body = orjson.loads(client.get(f"/api/v1/edc/studies/{STUDY}/records", params=params).content)
            rows.extend(body["data"])
            pages, page = body["pagination"]["totalPages"], page + 1
    return len(rows)


CONTESTANTS: dict[str, Callable[[str], int]] = {
    one.__name__: one for one in (ours_list, ours_raw, ours_answers, ours_parquet, peer_list, peer_parquet, floor_list)
}


def main() -> None:
    work, url = CONTESTANTS[sys.argv[1]], sys.argv[2]
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    rows = work(url)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    cost = {"rows": rows, "user": after.ru_utime - before.ru_utime, "wall": wall, "mb": after.ru_maxrss / 1024}
    print(json.dumps(cost))


if __name__ == "__main__":
    main()
