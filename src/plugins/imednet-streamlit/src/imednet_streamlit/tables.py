"""Tables of the data that a session holds, each made once as long as the data are the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from imednet.workflows.monitoring import MonitoringTable, StudyData

from .reading import SECONDS

if TYPE_CHECKING:
    from .auth import SignedIn

Make = Callable[[StudyData], MonitoringTable]


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=60, show_spinner=False)
def _made(token: str, moment: str, narrowed: str, name: str, _make: Make, _data: StudyData) -> MonitoringTable:  # noqa: ARG001
    return _make(_data)


def forget() -> None:
    """Forget all tables of this session."""
    _made.clear()


def made(signed_in: SignedIn, data: StudyData, name: str, make: Make) -> MonitoringTable:
    """A table.

    Args:
        signed_in: who reads.
        data: what it is made of.
        name: names the table and everything that was chosen for it.
        make: makes it.
    """
    return _made(signed_in.token, data.moment.isoformat(), f"{data.site}/{data.subject_key}", name, make, data)
