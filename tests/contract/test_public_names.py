"""The public names are those written down, with their parameters and, for type checkers, their types."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_type

from imednet import AsyncImednetSDK, ImednetSDK
from imednet.endpoints import Rows
from imednet.endpoints.rows import AsyncRowIterator, RowIterator, RowPages
from imednet.models import Form, Job, Record, Site, Subject
from imednet.sandbox import Sandbox
from support import STUDY

ROOT = Path(__file__).resolve().parents[2]


def test_names_and_parameters_are_as_written_down() -> None:
    done = subprocess.run(
        [sys.executable, "-B", str(ROOT / "scripts" / "public_names.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_types_are_what_a_type_checker_says(box: Sandbox) -> None:
    """`assert_type` is mypy's to check; here the same calls are made."""
    with ImednetSDK(**box.credentials) as sdk:
        assert isinstance(assert_type(sdk.sites.list(STUDY), Rows[Site])[0], Site)
        assert isinstance(next(assert_type(sdk.records.iter(STUDY), RowIterator[Record])), Record)
        assert isinstance(next(assert_type(sdk.forms.pages(STUDY), RowPages[Form])).rows[0], Form)
        assert isinstance(assert_type(sdk.sites.list(STUDY, raw=True), Rows[dict[str, Any]])[0], dict)
        assert isinstance(assert_type(sdk.get_subjects(STUDY), Rows[Subject])[0], Subject)
        assert type(assert_type(sdk.records.count(STUDY), int)) is int
        assert_type(sdk.sites.get(STUDY, sdk.sites.list(STUDY)[0].site_id), Site)


if TYPE_CHECKING:

    async def asynchronous(sdk: AsyncImednetSDK) -> None:
        """The same, awaited."""
        assert_type(await sdk.sites.list(STUDY), Rows[Site])
        assert_type(sdk.records.iter(STUDY), AsyncRowIterator[Record])
        assert_type(await sdk.jobs.get(STUDY, "B"), Job)
        assert_type(await sdk.async_poll_job(STUDY, "B"), Job)
