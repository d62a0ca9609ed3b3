"""`ImednetMirrorSyncOperator`: a local copy of a study, kept in step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator, Context

from imednet.mirror import Mirror

from ..assets import tell_outlets
from ..failures import final_failures
from ..hooks import ImednetHook
from ..lineage import Named, lineage, study_dataset


class ImednetMirrorSyncOperator(BaseOperator):
    """Brings a mirror of a study up to date; see `imednet.mirror.Mirror.sync`. Needs the extra `mirror`.

    Args:
        folder: the folder of the mirror, on a disk that all workers of the task share.
        study_key: the study; else that of the connection.
        reconcile: compare all rows, or do not; by default a week after the last time.
        unblind: the reason for holding blinded answers, for a new mirror.
        accept_deletions: believe it where most rows of a list are gone.
        imednet_conn_id: the connection.
    """

    template_fields: Sequence[str] = ("folder", "study_key")
    ui_color = "#d7f0ea"

    def __init__(
        self,
        *,
        folder: str,
        study_key: str | None = None,
        reconcile: bool | None = None,
        unblind: str | None = None,
        accept_deletions: bool = False,
        imednet_conn_id: str = ImednetHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.folder = folder
        self.study_key = study_key
        self.reconcile = reconcile
        self.unblind = unblind
        self.accept_deletions = accept_deletions
        self.imednet_conn_id = imednet_conn_id
        self._written: tuple[Named, Named, int] | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Sync, and return the snapshot and how many rows changed in each list."""
        hook = ImednetHook(self.imednet_conn_id)
        with final_failures():
            study_key = hook.study_key(self.study_key)
            Path(self.folder).absolute().parent.mkdir(parents=True, exist_ok=True)
            mirror = Mirror(self.folder)
            with hook.get_conn() as sdk:
                report = mirror.sync(
                    sdk, study_key, reconcile=self.reconcile, unblind=self.unblind,
                    accept_deletions=self.accept_deletions,
                )  # fmt: skip
                read = study_dataset(sdk.client.base_url, study_key)
        facts = {
            "study_key": study_key,
            "snapshot": mirror.number(),
            "changed": report.changed,
            "inserted": {name: count for name, count in report.inserted.items() if count},
            "updated": {name: count for name, count in report.updated.items() if count},
            "deleted": {name: count for name, count in report.deleted.items() if count},
            "requests": report.requests,
            "warnings": list(report.warnings),
        }
        rows = sum(sum(counts.values()) for counts in (report.inserted, report.updated, report.deleted))
        self._written = (read, ("file", str(Path(self.folder).absolute())), rows)
        tell_outlets(context, self.outlets, facts)
        self.log.info("mirror of study %s at snapshot %s: %s rows changed", study_key, facts["snapshot"], rows)
        return facts

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:  # noqa: ARG002  (the name and signature of Airflow)
        """The lineage of the task, for the provider of OpenLineage."""
        if self._written is None:
            return None
        read, written, rows = self._written
        return lineage([read], [written], rows)
