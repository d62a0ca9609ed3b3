"""Fixtures of the tests of mirrors: an empty mirror, and a server with a small study."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from imednet.mirror import Mirror
from mirroring import StudyServer
from small_study import small_study


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    """A mirror in an empty folder, which removes replaced files at once."""
    return Mirror(tmp_path / "mirror", retention=timedelta(0))


@pytest.fixture
def server() -> StudyServer:
    return small_study()
