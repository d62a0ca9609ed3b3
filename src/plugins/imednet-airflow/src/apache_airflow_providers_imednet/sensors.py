"""Sensors: for the end of a job, and for a change of a study."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import BaseSensorOperator, Context, PokeReturnValue, conf
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSensorTimeout

from imednet.constants import FAILED_JOB_STATES
from imednet.core.polling import is_over

from .failures import final_failures
from .hooks import ImednetHook
from .marks import LISTS, changed, checked, marks
from .triggers import ImednetJobTrigger, ImednetStudyChangedTrigger, memory_of, remember, remembered

_DEFERRABLE = conf.getboolean("operators", "default_deferrable", fallback=False)


class ImednetJobSensor(BaseSensorOperator):
    """Waits until a job of a batch that was written has ended; its XCom is the state.

    One that failed or was cancelled fails the task for good. One that completed may have stored less than all: what
    became of each item, `ImednetRecordsOperator` finds out.

    Args:
        batch_id: id of the job.
        study_key: the study; else that of the connection.
        deferrable: wait in the triggerer.
        imednet_conn_id: the connection.
    """

    template_fields: Sequence[str] = ("batch_id", "study_key")

    def __init__(
        self,
        *,
        batch_id: str,
        study_key: str | None = None,
        deferrable: bool = _DEFERRABLE,
        imednet_conn_id: str = ImednetHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.batch_id = batch_id
        self.study_key = study_key
        self.deferrable = deferrable
        self.imednet_conn_id = imednet_conn_id

    def execute(self, context: Context) -> Any:
        """Wait here, or in the triggerer."""
        if not self.deferrable:
            return super().execute(context)
        with final_failures():
            study_key = ImednetHook(self.imednet_conn_id).study_key(self.study_key)
        self.defer(
            trigger=ImednetJobTrigger(
                study_key,
                [self.batch_id],
                self.imednet_conn_id,
                self.poke_interval,
                until=(datetime.now(UTC) + timedelta(seconds=self.timeout)).isoformat(),
            ),
            method_name="ended",
            timeout=timedelta(seconds=self.timeout),
        )
        return None  # pragma: no cover  (deferring does not return)

    def ended(self, context: Context, event: dict[str, Any]) -> str:  # noqa: ARG002  (the signature of Airflow)
        """Return the state of the job that ended."""
        if event["status"] == "waiting":
            raise AirflowSensorTimeout(f"the job {self.batch_id} has not ended in time")
        _raise(event)
        return self._state(event["states"][self.batch_id])

    def poke(self, context: Context) -> PokeReturnValue:  # noqa: ARG002  (the signature of Airflow)
        """Look at the job once."""
        hook = ImednetHook(self.imednet_conn_id)
        with final_failures(), hook.get_conn() as sdk:
            job = sdk.jobs.get(hook.study_key(self.study_key), self.batch_id)
        over = is_over(job)
        return PokeReturnValue(over, xcom_value=self._state(job.state) if over else None)

    def _state(self, state: Any) -> str:
        """The state of a job that ended. Raises AirflowFailException where it did not do what it was to do."""
        if str(state).strip().upper() in FAILED_JOB_STATES:
            raise AirflowFailException(
                f"the job {self.batch_id} ended as {state}. Next: imednet records verify JOURNAL says what it stored"
            )
        return str(state)


class ImednetStudyChangedSensor(BaseSensorOperator):
    """Waits until a study differs from how this sensor saw it last; its XCom names the lists that changed.

    What it saw is in a variable of Airflow. The first time there is none, and the study counts as changed. A change is
    seen once the sensor has told it, whatever becomes of the tasks behind it: give it a `timeout` that the schedule can
    wait, and let what must not miss a change, such as a mirror, run after it with `trigger_rule="all_done"`.

    Args:
        study_key: the study; else that of the connection.
        lists: the lists to look at, one small request each.
        memory: name of the variable; by default one for each sensor, connection, study and set of lists.
        deferrable: wait in the triggerer.
        imednet_conn_id: the connection.
    """

    template_fields: Sequence[str] = ("study_key",)

    def __init__(
        self,
        *,
        study_key: str | None = None,
        lists: Sequence[str] = LISTS,
        memory: str | None = None,
        deferrable: bool = _DEFERRABLE,
        imednet_conn_id: str = ImednetHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.study_key = study_key
        self.lists = list(checked(lists))
        self.memory = memory
        self.deferrable = deferrable
        self.imednet_conn_id = imednet_conn_id

    def execute(self, context: Context) -> Any:
        """Look once, and then wait here, or in the triggerer."""
        if not self.deferrable:
            return super().execute(context)
        found = self.poke(context)
        if found.is_done:
            return found.xcom_value
        with final_failures():
            study_key = ImednetHook(self.imednet_conn_id).study_key(self.study_key)
        self.defer(
            trigger=ImednetStudyChangedTrigger(
                study_key,
                self.imednet_conn_id,
                self.poke_interval,
                self.lists,
                self._memory(context, study_key),
                once=True,
            ),
            method_name="noticed",
            timeout=timedelta(seconds=self.timeout),
        )
        return None  # pragma: no cover  (deferring does not return)

    def noticed(self, context: Context, event: dict[str, Any]) -> list[str]:  # noqa: ARG002  (the signature of Airflow)
        """Return the lists that changed."""
        _raise(event)
        return list(event["lists"])

    def poke(self, context: Context) -> PokeReturnValue:
        """Look at the study once."""
        hook = ImednetHook(self.imednet_conn_id)
        with final_failures(), hook.get_conn() as sdk:
            study_key = hook.study_key(self.study_key)
            now = marks(sdk, study_key, self.lists)
        memory = self._memory(context, study_key)
        different = changed(remembered(memory) or {}, now)
        if different:
            remember(memory, now)
        return PokeReturnValue(bool(different), xcom_value=different)

    def _memory(self, context: Context, study_key: str) -> str:
        ti = context["ti"]
        who = f"{ti.dag_id}/{ti.task_id}/{getattr(ti, 'map_index', -1)}"
        return self.memory or memory_of(who, self.imednet_conn_id, study_key, self.lists)


def _raise(event: dict[str, Any]) -> None:
    """Raise for an event that says that a trigger could not look."""
    if event["status"] == "error":
        raise (AirflowFailException if event.get("final") else AirflowException)(event["message"])
