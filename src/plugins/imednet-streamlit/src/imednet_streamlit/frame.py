"""What stands around every page: who is signed in, what went wrong, and how old the data are.

An error is told in words of the dashboard and never in its own, which could hold a key or an answer.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import streamlit as st
from streamlit.errors import StreamlitAPIException

from imednet import errors
from imednet.workflows.base import latest
from imednet.workflows.monitoring import StudyData

from . import auth, reading, texts
from .markdown import plain

_log: Final = logging.getLogger("imednet.dashboard")
_TOLD: Final[tuple[tuple[type[Exception], str], ...]] = (
    (errors.NotFoundError, texts.GONE),
    (errors.ForbiddenError, texts.FORBIDDEN),
    (errors.RateLimitError, texts.RATE_LIMITED),
    (errors.ImednetError, texts.UNREACHABLE),
)


def in_frame(title: str, page: Callable[[auth.SignedIn], None]) -> Callable[[], None]:
    """A page of the app: its heading, and either what `page` shows or what is in its way."""

    def shown() -> None:
        st.title(title)
        signed_in = auth.current()
        if signed_in is None:
            st.info(texts.PLEASE_CONNECT)
            st.caption(texts.PLEASE_CONNECT_NEXT)
            return
        head = st.container()
        with reading.collected() as reads:
            if _went_well(signed_in, page):
                head.caption(_age(reads))

    return shown


def _went_well(signed_in: auth.SignedIn, page: Callable[[auth.SignedIn], None]) -> bool:
    """Run a page; whether nothing went wrong. What went wrong is told."""
    try:
        try:
            reading.study_name(signed_in)  # whether these keys may read this study shows here, on every page
        except errors.NotFoundError:
            st.error(texts.NOT_FOUND)
            return False
        page(signed_in)
        return True
    except errors.AuthenticationError:
        auth.refuse(texts.KEYS_REFUSED)
        st.rerun()
    except (errors.ArgumentError, errors.ConfigurationError) as error:
        st.error(texts.ARGUMENT.format(reason=plain(error)))
    except errors.ImednetError as error:
        st.error(next(text for kind, text in _TOLD if isinstance(error, kind)))
    except StreamlitAPIException:
        raise
    except Exception as error:  # noqa: BLE001  (told here; its text and its values could be answers)
        place = traceback.extract_tb(error.__traceback__)[-1]
        _log.error("%s in %s, line %s", type(error).__name__, place.filename, place.lineno)
        st.error(texts.FAILED.format(kind=type(error).__name__))
    return False


def _age(reads: Sequence[reading.Read[Any]]) -> str:
    """How old the oldest data of a page are, the server's time of the last, and whether all lists are proven whole."""
    minutes = int((datetime.now(UTC) - min(read.finished for read in reads)).total_seconds() // 60)
    proofs = reading.merged(reads)
    whole = all(proof.proven for proof in proofs.values())
    return texts.AGE.format(
        age=texts.MINUTES_AGO.format(minutes=minutes) if minutes else texts.JUST_NOW,
        moment=latest(proofs.values()).strftime("%Y-%m-%d %H:%M"),
        proof=texts.PROVEN if whole else texts.UNPROVEN,
    )


def notes(data: StudyData) -> tuple[str, ...]:
    """Say what holds for everything on a page; returns it, so that tables need not say it again."""
    for note in data.visit_notes if data.visits is not None else data.notes:
        st.caption(f"⚠ {plain(note)}")
    return data.visit_notes
