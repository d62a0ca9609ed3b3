"""Whenever a study changes: a watcher in the triggerer raises the asset, and the Dag runs."""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import AssetWatcher, dag, task

from apache_airflow_providers_imednet.assets import study_asset
from apache_airflow_providers_imednet.triggers import ImednetStudyChangedTrigger

STUDY = "TIDEWATER-201-DEV"
WATCHED = study_asset(
    STUDY, watchers=[AssetWatcher(name="changes", trigger=ImednetStudyChangedTrigger(STUDY, interval=5))]
)


@dag(schedule=[WATCHED], start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1)
def imednet_on_change() -> None:
    """Say what changed."""

    @task
    def told(triggering_asset_events: dict[object, list[object]] | None = None) -> list[str]:
        """The lists that changed."""
        events = [event for some in (triggering_asset_events or {}).values() for event in some]
        found = [getattr(event, "extra", {}) for event in events]
        return sorted({str(name) for extra in found for name in extra.get("payload", extra).get("lists", [])})

    told()


on_change = imednet_on_change()

if __name__ == "__main__":
    on_change.test()
