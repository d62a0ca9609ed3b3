"""Every morning: when studies changed, bring their mirrors up to date and export them, a task for each study."""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import Variable, dag, task

from apache_airflow_providers_imednet.assets import study_asset
from apache_airflow_providers_imednet.hooks import ImednetHook
from apache_airflow_providers_imednet.operators.export import ImednetExportOperator
from apache_airflow_providers_imednet.operators.mirror import ImednetMirrorSyncOperator
from apache_airflow_providers_imednet.sensors import ImednetStudyChangedSensor

STUDY = "TIDEWATER-201"


@dag(schedule="0 5 * * *", start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1)
def imednet_daily() -> None:
    """Look, mirror, export."""

    @task
    def studies() -> list[str]:
        """The studies to look after, of those that the keys may read."""
        with ImednetHook().get_conn() as sdk:
            return [str(study.study_key) for study in sdk.studies.list() if study.study_key == STUDY]

    @task
    def places(keys: list[str], kind: str) -> list[dict[str, str]]:
        """A folder for each study, by its key: another study that joins moves none of them."""
        name = {"mirror": "folder", "export": "path"}[kind]
        folder = Variable.get("imednet_folder")
        return [{"study_key": key, name: f"{folder}/{kind}-{key}"} for key in keys]

    # a study at rest ends the look in the evening, and the next morning begins anew
    changed = ImednetStudyChangedSensor(
        task_id="changed", study_key=STUDY, deferrable=True, poke_interval=60, timeout=12 * 3600, soft_fail=True
    )
    keys = studies()
    mirror = ImednetMirrorSyncOperator.partial(task_id="mirror", outlets=[study_asset(STUDY)]).expand_kwargs(
        places.override(task_id="mirrors")(keys, "mirror")
    )
    export = ImednetExportOperator.partial(
        task_id="export", target="parquet", forms=["AE", "VS"], retries=2
    ).expand_kwargs(places.override(task_id="exports")(keys, "export"))

    @task
    def rows(reports: list[dict[str, object]]) -> int:
        """Rows of all exports."""
        return sum(int(str(report["rows"])) for report in reports)

    changed >> keys
    mirror >> export
    rows(export.output)


daily = imednet_daily()

if __name__ == "__main__":
    daily.test()
