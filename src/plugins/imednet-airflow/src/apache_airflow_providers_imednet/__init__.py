"""iMednet for Apache Airflow: a hook, operators, sensors and triggers over the SDK `imednet`.

`hooks` makes SDKs from a connection, `operators` export, mirror and write, `sensors` and `triggers` wait for jobs and
for changes, `export` offers the tabular helpers of the SDK under their known names.
"""

from __future__ import annotations

__version__ = "0.1.0"
