"""Fixtures of the tests of mirrors: an empty mirror, and a server with a small study."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from imednet.mirror import Mirror
from mirroring import STUDY, StudyServer
from small_study import DAY, small_study


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    """A mirror in an empty folder, which removes replaced files at once."""
    return Mirror(tmp_path / "mirror", retention=timedelta(0))


@pytest.fixture
def server() -> StudyServer:
    return small_study()


@pytest.fixture
def step(server: StudyServer, mirror: Mirror) -> Callable[..., Any]:
    """A sync, and a day later."""

    def sync(**options: Any) -> Any:
        with server.sdk() as sdk:
            report = mirror.sync(sdk, STUDY, **options)
        server.now += DAY
        return report

    return sync
