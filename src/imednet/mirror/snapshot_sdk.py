"""SDKs that read a mirror: the same lists, filters, workflows and exports as over the server, and no network.

What changes is the proof of a list: it says how the mirror had the list, not how the list was read here.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

import httpx

from ..async_sdk import AsyncImednetSDK
from ..core.async_client import AsyncClient
from ..core.client import Client
from ..core.reading.list_call import ListCall
from ..core.reading.proof import Proof
from ..sdk import ImednetSDK
from .snapshot_lists import SnapshotLists

_NO_KEY = "mirror"


class _Transport(httpx.BaseTransport):
    def __init__(self, lists: SnapshotLists) -> None:
        self._lists = lists

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._lists.answer(request)


class _AsyncTransport(httpx.AsyncBaseTransport):
    def __init__(self, lists: SnapshotLists) -> None:
        self._lists = lists

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await asyncio.to_thread(self._lists.answer, request)


class _MirrorClient(Client):
    def __init__(self, lists: SnapshotLists, server: str) -> None:
        self._lists = lists
        self.holds_blinded, self.snapshot = lists.holds_blinded, lists.snapshot
        self.ever_blinded = lists.ever_blinded
        super().__init__(_NO_KEY, _NO_KEY, server, retries=0, allow_http=True)

    def _make_http(self) -> httpx.Client:
        return httpx.Client(transport=_Transport(self._lists), trust_env=False)

    def vouch(self, proof: Proof, call: ListCall) -> Proof:
        return vouched(self._lists, proof, call)

    def close(self) -> None:
        super().close()
        self._lists.close()


class _AsyncMirrorClient(AsyncClient):
    def __init__(self, lists: SnapshotLists, server: str) -> None:
        self._lists = lists
        self.holds_blinded, self.snapshot = lists.holds_blinded, lists.snapshot
        self.ever_blinded = lists.ever_blinded
        super().__init__(_NO_KEY, _NO_KEY, server, retries=0, allow_http=True)

    def _make_http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=_AsyncTransport(self._lists), trust_env=False)

    def vouch(self, proof: Proof, call: ListCall) -> Proof:
        return vouched(self._lists, proof, call)

    async def aclose(self) -> None:
        await super().aclose()
        self._lists.close()


def vouched(lists: SnapshotLists, proof: Proof, call: ListCall) -> Proof:
    """The proof of a list of a mirror: `proven` where the mirror had read all of it in one go, and proven it."""
    name = call.operation.name.removeprefix("list_")
    entry = lists.entry(name)
    reason = entry.reason if entry.status != "proven" else None
    if entry.lost:
        reason = f"the server no longer has this list; rows are as it had them at {entry.read} UTC"
    elif lists.in_step(name):
        reason = f"kept in step by dates and counts since all rows were read at {entry.whole} UTC"
    status: Any = "proven" if reason is None else "unproven"
    return replace(
        proof, status=status, rule="mirror", reason=reason, server_from=entry.read, server_to=entry.read
    )  # fmt: skip


class MirrorSDK(ImednetSDK):
    """The study of a mirror as of a snapshot, for whatever takes an `ImednetSDK`; made by `Mirror.sdk`.

    Filters and sorting work as on the server. Writing and jobs raise MirrorError.
    """

    def __init__(self, lists: SnapshotLists, server: str, reopen: partial[Any]) -> None:
        super().__init__(client=_MirrorClient(lists, server))
        self._reopen = reopen
        self._owns_client = True

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the folder and the number of the snapshot: a worker opens the mirror itself."""
        return self._reopen, ()


class AsyncMirrorSDK(AsyncImednetSDK):
    """The study of a mirror as of a snapshot, for whatever takes an `AsyncImednetSDK`; made by `Mirror.async_sdk`."""

    def __init__(
        self, lists: SnapshotLists, server: str, reopen: partial[Any], reopen_blocking: partial[MirrorSDK]
    ) -> None:
        super().__init__(async_client=_AsyncMirrorClient(lists, server))
        self._reopen = reopen
        self._twin = reopen_blocking
        self._owns_client = True

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the folder and the number of the snapshot."""
        return self._reopen, ()
