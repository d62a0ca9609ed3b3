"""The tabular helpers of `imednet.integrations`, and nothing else.

Targets that are no tables, graphs and warehouses, are in `imednet.integrations` itself.
"""

from __future__ import annotations

from imednet.integrations import (
    export_to_csv,
    export_to_duckdb,
    export_to_duckdb_by_form,
    export_to_excel,
    export_to_hive_parquet,
    export_to_json,
    export_to_long_sql,
    export_to_parquet,
    export_to_sav,
    export_to_sql,
    export_to_sql_by_form,
    export_to_xpt,
)

__all__ = [
    "export_to_csv",
    "export_to_duckdb",
    "export_to_duckdb_by_form",
    "export_to_excel",
    "export_to_hive_parquet",
    "export_to_json",
    "export_to_long_sql",
    "export_to_parquet",
    "export_to_sav",
    "export_to_sql",
    "export_to_sql_by_form",
    "export_to_xpt",
]
