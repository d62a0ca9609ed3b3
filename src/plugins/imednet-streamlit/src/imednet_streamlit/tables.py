"""Tables of the data that a session holds, each made once as long as the data are the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from imednet.workflows.monitoring import MonitoringTable, StudyData
from imednet.workflows.monitoring.expected_pages import ExpectedPage, expected_pages

from .reading import SECONDS

if TYPE_CHECKING:
    from .auth import SignedIn

Make = Callable[[StudyData], MonitoringTable]


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=60, show_spinner=False)
def _made(token: str, read: str, name: str, _make: Make, _data: StudyData) -> MonitoringTable:  # noqa: ARG001
    return _make(_data)


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=8, show_spinner=False)
def _expected(token: str, read: str, _data: StudyData) -> tuple[ExpectedPage, ...]:  # noqa: ARG001
    return tuple(expected_pages(_data))


def expected(signed_in: SignedIn, data: StudyData) -> tuple[ExpectedPage, ...]:
    """The pages that visits expect, for several tables of the same data."""
    return _expected(signed_in.token, _read(data), data)


def _read(data: StudyData) -> str:
    """Names a read: its moment, its lists, and what it was narrowed to."""
    return "|".join([data.moment.isoformat(), *sorted(data.proofs), str(data.site), str(data.subject_key)])


def forget() -> None:
    """Forget all tables of this session."""
    _made.clear()
    _expected.clear()


def made(signed_in: SignedIn, data: StudyData, name: str, make: Make) -> MonitoringTable:
    """A table.

    Args:
        signed_in: who reads.
        data: what it is made of.
        name: names the table and everything that was chosen for it.
        make: makes it.
    """
    return _made(signed_in.token, _read(data), name, make, data)
