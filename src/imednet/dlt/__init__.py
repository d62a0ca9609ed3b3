"""A source for dlt: a whole study into any of its destinations, and later what changed, deletions among it.

    import dlt
    from imednet.dlt import imednet_source

    pipeline = dlt.pipeline("trial", destination="duckdb", dataset_name="abc_01")
    print(pipeline.run(imednet_source("ABC-01")))

Needs the extra `dlt`. `docs/dlt.md` says what the tables hold.
"""

from __future__ import annotations

from .source import imednet_source

__all__ = ["imednet_source"]
