"""Triggers: they wait in the triggerer for jobs, and for changes of a study."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Variable
from airflow.triggers.base import BaseEventTrigger, BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from imednet.core.polling import is_over
from imednet.errors import ImednetError

from .failures import is_final, told
from .hooks import ImednetHook
from .marks import LISTS, Marks, changed, checked, marks_async

_HERE = __name__


class ImednetJobTrigger(BaseTrigger):
    """Fires once when jobs have ended, or when the time for that is over.

    The event holds `status` (`over`, `waiting` or `error`), `states`, the state of each job, and `until`.

    Args:
        study_key: the study.
        batch_ids: ids of the jobs.
        imednet_conn_id: the connection.
        interval: seconds between two looks.
        until: the time (ISO 8601) after which it fires with `waiting`; a restart of the triggerer does not move it.
        pause: seconds before the first look.
        note: what the event says again, for whoever waits.
    """

    def __init__(
        self,
        study_key: str,
        batch_ids: Sequence[str],
        imednet_conn_id: str = ImednetHook.default_conn_name,
        interval: float = 5.0,
        until: str | None = None,
        pause: float = 0.0,
        note: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.note = note
        self.study_key = study_key
        self.batch_ids = list(batch_ids)
        self.imednet_conn_id = imednet_conn_id
        self.interval = interval
        self.until = until or (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
        self.pause = pause

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class and its arguments; no key is among them."""
        names = ("study_key", "batch_ids", "imednet_conn_id", "interval", "until", "pause", "note")
        return f"{_HERE}.{type(self).__name__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look at the jobs until all have ended."""
        states: dict[str, str] = {}
        try:
            await asyncio.sleep(self.pause)
            end = datetime.fromisoformat(self.until) - timedelta(seconds=self.interval)
            hook = ImednetHook(self.imednet_conn_id)
            async with await hook.get_async_conn() as sdk:
                while True:
                    over = True
                    for batch_id in self.batch_ids:
                        job = await sdk.jobs.get(self.study_key, batch_id)
                        states[batch_id] = str(job.state)
                        over = over and is_over(job)
                    if over or datetime.now(UTC) > end:
                        yield self._event("over" if over else "waiting", states)
                        return
                    await asyncio.sleep(self.interval)
        except ImednetError as error:
            yield self._event("error", states, told(error), final=is_final(error))

    def _event(
        self, status: str, states: dict[str, str], message: str | None = None, *, final: bool = False
    ) -> TriggerEvent:
        facts = {"status": status, "states": states, "until": self.until, "message": message, "final": final}
        return TriggerEvent({**facts, "note": self.note})


class ImednetStudyChangedTrigger(BaseEventTrigger):
    """Fires when a study has changed, again and again: for an `AssetWatcher`, and for the sensor.

    What it saw last is in a variable of Airflow, so that it misses nothing while the triggerer restarts; an event that
    was sent and not yet remembered comes a second time. Without a memory it remembers what is there, and waits. The
    event holds the names of the lists that changed.

    Args:
        study_key: the study.
        imednet_conn_id: the connection.
        interval: seconds between two looks; each takes one small request a list.
        lists: the lists to look at.
        memory: name of the variable; by default one for watchers of this connection, study and lists. Give watchers of
            one study in different Dags a name each.
        once: end after the first event.
    """

    def __init__(
        self,
        study_key: str,
        imednet_conn_id: str = ImednetHook.default_conn_name,
        interval: float = 300.0,
        lists: Sequence[str] = LISTS,
        memory: str | None = None,
        once: bool = False,
    ) -> None:
        super().__init__()
        self.study_key = study_key
        self.imednet_conn_id = imednet_conn_id
        self.interval = interval
        self.lists = list(checked(lists))
        self.memory = memory or memory_of("watcher", imednet_conn_id, study_key, self.lists)
        self.once = once

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class and its arguments; no key is among them."""
        names = ("study_key", "imednet_conn_id", "interval", "lists", "memory", "once")
        return f"{_HERE}.{type(self).__name__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look at the study again and again.

        A look that fails is logged as an error and repeated, each time later, up to an hour: Airflow starts a trigger
        that ended at once again, and so would go on knocking with wrong keys. With `once` it is an event.
        """
        wait = self.interval
        while True:
            try:
                different, now = await self._look()
            except ImednetError as error:
                if self.once:
                    yield TriggerEvent({"status": "error", "message": told(error), "final": is_final(error)})
                    return
                self.log.error("study %s could not be looked at: %s", self.study_key, told(error))
                wait = min(wait * 2, max(3600.0, self.interval))
                await asyncio.sleep(wait)
                continue
            wait = self.interval
            if different:
                yield TriggerEvent({"status": "changed", "study_key": self.study_key, "lists": different})
            if now is not None:
                await sync_to_async(remember)(self.memory, now)
            if different and self.once:
                return
            await asyncio.sleep(self.interval)

    async def _look(self) -> tuple[list[str], Marks | None]:
        """Lists that changed, and what to remember of it; nothing to remember where all is as before."""
        async with await ImednetHook(self.imednet_conn_id).get_async_conn() as sdk:
            now = await marks_async(sdk, self.study_key, self.lists)
        before = await sync_to_async(remembered)(self.memory)
        different = changed(before, now) if before is not None else []
        return different, now if different or before is None else None


def memory_of(who: str, imednet_conn_id: str, study_key: str, lists: Sequence[str]) -> str:
    """The name of the variable that keeps what somebody saw of a study; each who looks has one of their own."""
    text = json.dumps([who, imednet_conn_id, study_key, sorted(lists)])
    return f"imednet_seen_{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def remembered(memory: str) -> Marks | None:
    """The marks that were seen last; `None` where none are kept, or something else is there."""
    try:
        found = json.loads(Variable.get(memory, default="null"))
    except ValueError:
        return None
    return {str(name): str(mark) for name, mark in found.items()} if isinstance(found, dict) else None


def remember(memory: str, marks: Marks) -> None:
    """Keep marks."""
    Variable.set(memory, json.dumps(marks), description="what an iMednet trigger saw last: counts and digests")
