"""An asynchronous SDK whose work is done in a thread: with its own credentials and hooks, or from its own mirror."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from imednet import AsyncImednetSDK, ImednetSDK
from imednet.errors import ArgumentError
from imednet.integrations import CsvSink, ExportOptions, ExportReport, export_study_async
from imednet.mirror import Mirror
from imednet.probe import probe
from imednet.sandbox import Sandbox
from support import STUDY

Make = Callable[..., Sandbox]


class OwnAuth:
    """Credentials that no argument and no variable of the environment holds."""

    def __init__(self, box: Sandbox) -> None:
        keys = box.credentials
        self._headers = {"x-api-key": str(keys["api_key"]), "x-imn-security-key": str(keys["security_key"])}

    def get_headers(self) -> dict[str, str]:
        return self._headers


async def exported(sdk: AsyncImednetSDK, folder: Path) -> ExportReport:
    return await export_study_async(sdk, STUDY, CsvSink(folder), home=folder, options=ExportOptions(forms=["AE"]))


@pytest.mark.parametrize("keys", [False, True], ids=["no keys around", "other keys in the environment"])
def test_an_export_and_a_sync_use_the_auth_and_the_hooks_of_the_sdk(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: bool
) -> None:
    if keys:
        monkeypatch.setenv("IMEDNET_API_KEY", "somebody-else")
        monkeypatch.setenv("IMEDNET_SECURITY_KEY", "somebody-else")
    sent: list[Any] = []

    async def work() -> None:
        sdk = AsyncImednetSDK(base_url=box.url, auth=OwnAuth(box), on_request=sent.append)
        async with sdk:
            assert (await exported(sdk, tmp_path / "x")).rows == 67
            assert len(sent) > 2
            assert (await Mirror(tmp_path / "mirror").sync_async(sdk, STUDY)).inserted["sites"] == 6

    asyncio.run(work())


def test_a_probe_uses_the_auth_of_the_sdk(box: Sandbox) -> None:
    with ImednetSDK(base_url=box.url, auth=OwnAuth(box)) as sdk:
        assert probe(sdk, STUDY, requests_per_second=None).dialect["sizeOver500"].answer == "refused"


def test_a_client_that_cannot_be_handed_on_is_refused(box: Sandbox, tmp_path: Path) -> None:
    async def work() -> None:
        async with (
            httpx.AsyncClient() as client,
            AsyncImednetSDK(**box.credentials, http_client=client) as sdk,
        ):
            with pytest.raises(ArgumentError, match="Next: pass a blocking ImednetSDK"):
                await exported(sdk, tmp_path / "x")

    asyncio.run(work())


def test_a_mirror_is_exported_without_the_server(own_box: Make, tmp_path: Path) -> None:
    box = own_box()
    mirror = Mirror(tmp_path / "mirror")
    with ImednetSDK(**box.credentials) as sdk:
        mirror.sync(sdk, STUDY)
    box.stop()

    async def work() -> None:
        async with mirror.async_sdk() as sdk:
            assert (await exported(sdk, tmp_path / "x")).rows == 67
            with pytest.raises(ArgumentError, match="not with a mirror"):
                await Mirror(tmp_path / "other").sync_async(sdk, STUDY)

    asyncio.run(work())
