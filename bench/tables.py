"""Ways to have a study in files or in a database. Each returns how many rows were written; the sum is the same."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lists import HEADERS, KEYS, STUDY, script_rows


def _in_a_folder(work: Callable[[Path], int]) -> tuple[int, int]:
    folder = tempfile.mkdtemp()
    try:
        return work(Path(folder)), 0
    finally:
        shutil.rmtree(folder)


def _ours(url: str, name: str, target: str) -> tuple[int, int]:
    from imednet import ImednetSDK, integrations

    export: Any = getattr(integrations, name)
    with ImednetSDK(*KEYS, url) as sdk:
        return _in_a_folder(lambda folder: export(sdk, STUDY, folder / target).rows)


def ours_parquet(url: str) -> tuple[int, int]:
    return _ours(url, "export_to_parquet", "study")


def ours_parquet_context(url: str) -> tuple[int, int]:
    from imednet import ImednetSDK
    from imednet.integrations import export_to_parquet

    with ImednetSDK(*KEYS, url) as sdk:
        return _in_a_folder(lambda folder: export_to_parquet(sdk, STUDY, folder / "study", context=True).rows)


def ours_csv(url: str) -> tuple[int, int]:
    return _ours(url, "export_to_csv", "study")


def ours_duckdb(url: str) -> tuple[int, int]:
    return _ours(url, "export_to_duckdb", "study.duckdb")


def _rows_of_parquet(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.ParquetFile(path).metadata.num_rows)


def _rows_of_csv(path: Path) -> int:
    import csv

    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def peer_parquet(url: str) -> tuple[int, int]:
    import imednet.integrations as peer
    from imednet import ImednetSDK

    def work(folder: Path) -> int:
        peer.export_to_parquet(ImednetSDK(*KEYS, url), STUDY, str(folder / "study.parquet"))
        return _rows_of_parquet(folder / "study.parquet")

    return _in_a_folder(work)


def peer_csv(url: str) -> tuple[int, int]:
    import imednet.integrations as peer
    from imednet import ImednetSDK

    def work(folder: Path) -> int:
        peer.export_to_csv(ImednetSDK(*KEYS, url), STUDY, str(folder / "study.csv"))
        return _rows_of_csv(folder / "study.csv")

    return _in_a_folder(work)


def script_parquet(url: str) -> tuple[int, int]:
    import pandas as pd

    def work(folder: Path) -> int:
        pd.json_normalize(script_rows(url)).to_parquet(folder / "study.parquet")
        return _rows_of_parquet(folder / "study.parquet")

    return _in_a_folder(work)


def script_csv(url: str) -> tuple[int, int]:
    import pandas as pd

    def work(folder: Path) -> int:
        pd.json_normalize(script_rows(url)).to_csv(folder / "study.csv", index=False)
        return _rows_of_csv(folder / "study.csv")

    return _in_a_folder(work)


def dlt_load(url: str, folder: Path, **resource: Any) -> int:
    """Dlt's `rest_api` source, pages of 500, nested values as JSON, loaded into DuckDB by way of Parquet.

    Args:
        url: the server.
        folder: where the database and dlt's own state are kept.
        resource: further settings of the list, such as how it is written.
    """
    import dlt
    from dlt.sources.rest_api import rest_api_source

    paginator = {
        "type": "page_number", "base_page": 0, "page_param": "page", "total_path": "pagination.totalPages",
    }  # fmt: skip
    source = rest_api_source({
        "client": {"base_url": f"{url}/api/v1/edc/studies/{STUDY}/", "headers": HEADERS, "paginator": paginator},
        "resources": [{
            "name": "records", "max_table_nesting": 0, **resource,
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


def dlt_duckdb(url: str) -> tuple[int, int]:
    return _in_a_folder(lambda folder: dlt_load(url, folder))


WAYS: dict[str, Callable[[str], tuple[int, int]]] = {
    "parquet": ours_parquet,
    "parquet_context": ours_parquet_context,
    "csv": ours_csv,
    "duckdb": ours_duckdb,
    "peer_parquet": peer_parquet,
    "peer_csv": peer_csv,
    "script_parquet": script_parquet,
    "script_csv": script_csv,
    "dlt_duckdb": dlt_duckdb,
}
