"""`ImednetRecordsOperator`: records are written once, however often the task is tried."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator, Context, conf
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from imednet.errors import ArgumentError
from imednet.validation.schema import ItemsRefusedError
from imednet.workflows.writing.earlier_runs import WrittenBeforeError
from imednet.workflows.writing.item_files import read_items
from imednet.workflows.writing.journal import Journal, JournalInUseError, has_begun

from ..assets import tell_outlets
from ..failures import final_failures, told
from ..hooks import ImednetHook
from ..lineage import Named, lineage, study_dataset
from ..triggers import ImednetJobTrigger

Items = Sequence[Mapping[str, Any]]
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 60.0
"""Seconds before the triggerer looks; they double while nothing goes on."""


class ImednetRecordsOperator(BaseOperator):
    """Writes records and waits until the outcome of each is known; see `docs/writing.md` of the SDK.

    Each run of the task has a journal of its own in `journal_folder`: a batch is written down before it goes out, and a
    retry reads back what may have been stored and sends only what never went out. The folder must outlive the worker
    and be the same for every try: on a shared disk, not inside a container. A task that waited and finds its journal
    gone fails for good, since nobody knows any more what went out.

    The task succeeds when every item is stored as it was sent. Its XCom says how many have which state, and their
    numbers; it holds no answer. Items come from a file or a function, never from an argument, because Airflow keeps
    arguments of tasks in its database.

    Args:
        journal_folder: the folder of the journals.
        items: a function of the context that gives the items, the same for every try of a run.
        items_file: a file of items: CSV, Excel or JSON.
        study_key: the study; else that of the connection.
        email_notify: an address that the server tells when the job has ended.
        timeout: seconds to wait for the next item to be stored.
        resend_missing: send items again that are proven not to be there.
        write_again: write a file whose items another run of `journal_folder` has written. Without it that fails for
            good: a Dag that is started twice writes a file once.
        deferrable: wait in the triggerer, so that no worker is held meanwhile.
        imednet_conn_id: the connection.
    """

    template_fields: Sequence[str] = ("journal_folder", "items_file", "study_key")
    ui_color = "#f6e2c9"

    def __init__(
        self,
        *,
        journal_folder: str,
        items: Callable[[Context], Items] | None = None,
        items_file: str | None = None,
        study_key: str | None = None,
        email_notify: str | None = None,
        timeout: float = 600,
        resend_missing: bool = False,
        write_again: bool = False,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        imednet_conn_id: str = ImednetHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if (items is None) == (items_file is None):
            raise ValueError("give items or items_file, and not both")
        if items is not None and not callable(items):
            raise ValueError("items takes a function: Airflow keeps arguments of tasks, and these would be answers")
        self.journal_folder = journal_folder
        self.items = items
        self.items_file = items_file
        self.study_key = study_key
        self.email_notify = email_notify
        self.timeout = timeout
        self.resend_missing = resend_missing
        self.write_again = write_again
        self.deferrable = deferrable
        self.imednet_conn_id = imednet_conn_id
        self._written: tuple[Named, int] | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Write the items, or go on where an earlier try of this run stopped."""
        until = datetime.now(UTC) + timedelta(seconds=self.timeout)
        return self._go_on(context, until, None, 0, _FIRST_PAUSE)

    def resume(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Go on after the triggerer waited: read back what the job stored, and send the next batch."""
        if event["status"] == "error":
            self.log.warning("the triggerer could not look after the job: %s", event.get("message"))
        note, until = event["note"], datetime.fromisoformat(event["until"])
        journal = Path(note["journal"])
        if not has_begun(journal):
            raise AirflowFailException(
                f"the journal {journal} is gone, and with it what was sent. Next: look at the records of this run "
                "before anything is written again, and keep journals where every worker has them"
            )
        return self._go_on(context, until, journal, note["settled"], min(2 * note["pause"], _LONGEST_PAUSE))

    def _go_on(
        self, context: Context, until: datetime, journal: Path | None, settled: int, pause: float
    ) -> dict[str, Any]:
        hook = ImednetHook(self.imednet_conn_id)
        with final_failures():
            study_key = hook.study_key(self.study_key)
            items = self._items(context)
            with hook.get_conn() as sdk:
                server = sdk.client.base_url
                journal = journal or self._journal(context, server)
                begun = has_begun(journal)
                try:
                    report = sdk.workflows.record_update.submit(
                        study_key, items, journal=journal, email_notify=self.email_notify,
                        timeout=0 if self.deferrable else self.timeout, resend_missing=self.resend_missing,
                        refuse_written=self.items_file is not None and not self.write_again,
                    )  # fmt: skip
                except WrittenBeforeError as error:
                    raise AirflowFailException(
                        f"{len(error.numbers)} of the {len(items)} items of the file are those of a run that has its "
                        f"journal in {error.journal}; nothing was sent. Next: imednet records verify with that "
                        "journal; write_again=True writes them once more"
                    ) from None
                except ItemsRefusedError as error:
                    rest = f"the rest of {journal}: " if begun else ""
                    raise AirflowFailException(f"{rest}{told(error)}") from None
                except JournalInUseError as error:  # of a try whose process still runs: a later try goes on
                    raise AirflowException(str(error)) from None
        self._written = (study_dataset(server, study_key), report.counts.get("stored", 0))
        now = len(report.outcomes) - report.counts.get("unknown", 0) - report.counts.get("not sent", 0)
        if now > settled:  # it goes on, so the time begins anew
            until, pause = datetime.now(UTC) + timedelta(seconds=self.timeout), _FIRST_PAUSE
        if self.deferrable and "unknown" in report.counts and datetime.now(UTC) < until:
            note = {"journal": str(journal), "settled": now, "pause": pause}
            trigger = ImednetJobTrigger(
                study_key, batches(journal), self.imednet_conn_id, until=until.isoformat(), pause=pause, note=note
            )
            self.defer(trigger=trigger, method_name="resume")
        facts = {
            "study_key": study_key,
            "counts": report.counts,
            "record_ids": report.record_ids,
            "journal": str(journal),
        }
        if not report.complete:
            raise AirflowException(
                f"not every item is stored: {facts['counts']}. Next: imednet records verify {journal}; a retry of this "
                "task sends nothing twice"
            )
        tell_outlets(context, self.outlets, {name: facts[name] for name in ("study_key", "counts")})
        self.log.info("study %s: %s", study_key, facts["counts"])
        return facts

    def _items(self, context: Context) -> list[dict[str, Any]]:
        if self.items_file is not None:
            return [dict(item) for item in read_items(Path(self.items_file)).items]
        given = self.items(context) if self.items is not None else None
        if given is None or isinstance(given, (str, Mapping)):
            raise ArgumentError("the function of items must give a list of items")
        return [dict(item) for item in given]

    def _journal(self, context: Context, server: str) -> Path:
        """The journal of this task in this run on this server, the same for every try.

        A run is known by its logical date, also where it was deleted and made anew, else by its id.
        """
        ti = context["ti"]
        run = context.get("logical_date")
        when = run.isoformat() if run else ti.run_id
        facts = (server, ti.dag_id, when, ti.task_id, str(getattr(ti, "map_index", -1)))
        digest = hashlib.sha256("\0".join(facts).encode()).hexdigest()[:12]
        readable = re.sub(r"[^A-Za-z0-9._-]+", "_", f"{ti.dag_id}.{ti.task_id}")[:80]
        folder = Path(self.journal_folder).absolute()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder / f"{readable}.{digest}.journal.jsonl"

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:  # noqa: ARG002  (the signature of Airflow)
        """The lineage of the task, for the provider of OpenLineage."""
        return None if self._written is None else lineage([], [self._written[0]], self._written[1])


def batches(journal: Path) -> list[str]:
    """The ids of the jobs of a journal whose outcome is open."""
    with Journal(journal) as opened:
        return [opened.state.batch_ids[batch] for batch in opened.state.open if batch in opened.state.batch_ids]
