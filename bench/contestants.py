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


def _in_a_folder(work: Callable[[Path], int]) -> int:
    folder = tempfile.mkdtemp()
    try:
        return work(Path(folder))
    finally:
        shutil.rmtree(folder)


def ours_csv(url: str) -> int:
    from imednet import ImednetSDK
    from imednet.integrations import export_to_csv

    with ImednetSDK(*KEYS, url) as sdk:
        return _in_a_folder(lambda folder: export_to_csv(sdk, STUDY, folder / "study").rows)


def ours_duckdb(url: str) -> int:
    from imednet import ImednetSDK
    from imednet.integrations import export_to_duckdb

    with ImednetSDK(*KEYS, url) as sdk:
        return _in_a_folder(lambda folder: export_to_duckdb(sdk, STUDY, folder / "study.duckdb").rows)


def peer_csv(url: str) -> int:
    import csv

    import imednet.integrations as peer
    from imednet import ImednetSDK

    def work(folder: Path) -> int:
        peer.export_to_csv(ImednetSDK(*KEYS, url), STUDY, str(folder / "study.csv"))
        with (folder / "study.csv").open(encoding="utf-8", newline="") as file:
            return sum(1 for _ in csv.reader(file)) - 1

    return _in_a_folder(work)


def dlt_duckdb(url: str) -> int:
    """Dlt's `rest_api` source, pages of 500, nested values as JSON, loaded by way of Parquet."""
    import dlt
    from dlt.sources.rest_api import rest_api_source

    def work(folder: Path) -> int:
        headers = {"x-api-key": KEYS[0], "x-imn-security-key": KEYS[1], "Content-Type": "application/json"}
        paginator = {
            "type": "page_number", "base_page": 0, "page_param": "page", "total_path": "pagination.totalPages",
        }  # fmt: skip
        source = rest_api_source({
            "client": {"base_url": f"{url}/api/v1/edc/studies/{STUDY}/", "headers": headers, "paginator": paginator},
            "resources": [{
                "name": "records", "max_table_nesting": 0,
                "endpoint": {
                    "path": "records", "data_selector": "data", "params": {"size": 500, "sort": "recordId,asc"},
                },
            }],
        })  # fmt: skip
        pipeline = dlt.pipeline(
            "bench", destination=dlt.destinations.duckdb(str(folder / "bench.duckdb")), dataset_name="trial",
            pipelines_dir=str(folder / "state"),
        )  # fmt: skip
        pipeline.run(source, loader_file_format="parquet")
        with pipeline.sql_client() as client:
            return int(client.execute_sql("select count(*) from records")[0][0])

    return _in_a_folder(work)


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
    one.__name__: one
    for one in (
        ours_list,
        ours_raw,
        ours_answers,
        ours_parquet,
        ours_csv,
        ours_duckdb,
        peer_list,
        peer_parquet,
        peer_csv,
        floor_list,
        dlt_duckdb,
    )
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
