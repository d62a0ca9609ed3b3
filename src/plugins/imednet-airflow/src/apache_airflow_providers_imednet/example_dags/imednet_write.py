"""Writing: records from a file or a function, each stored once, waited for in the triggerer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import Context, dag

from apache_airflow_providers_imednet.operators.records import ImednetRecordsOperator


def items(context: Context) -> list[dict[str, Any]]:  # noqa: ARG001  (the signature)
    """An adverse event of a subject that is there."""
    return [{"formKey": "AE", "subjectKey": "301-901", "data": {"AENUM": 9, "AETERM": "Cough"}}]


@dag(schedule=None, start_date=datetime(2026, 1, 1), catchup=False)
def imednet_write() -> None:
    """Write, wait, look."""
    ImednetRecordsOperator(
        task_id="write",
        study_key="TIDEWATER-201-DEV",
        items=items,
        journal_folder="{{ var.value.imednet_folder }}/journals",
        deferrable=True,
        retries=3,
        retry_delay=timedelta(seconds=15),
    )


write = imednet_write()

if __name__ == "__main__":
    write.test()
