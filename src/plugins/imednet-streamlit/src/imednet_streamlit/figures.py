"""Cards with the figures of a page, and how each changed since the last visit, where earlier figures are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from imednet.workflows.monitoring.table import Cell, Kind, display

from . import texts
from .auth import SignedIn


@dataclass(frozen=True)
class Figure:
    """A figure.

    Attributes:
        label: its heading.
        value: the figure; `None` where there is none.
        kind: what it counts.
        good: whether more or less of it is good news; it decides the colour of a change.
    """

    label: str
    value: Cell
    kind: Kind = "count"
    good: Literal["more", "less", "neither"] = "neither"


def cards(signed_in: SignedIn, scope: str, figures: list[Figure]) -> None:
    """Show figures side by side.

    Args:
        signed_in: whose figures of the last visit they are compared with.
        scope: what they are figures of, such as a page with a site; only figures of one scope are compared.
        figures: the figures.
    """
    before = _before(signed_in, scope, figures)
    colours = {"more": "normal", "less": "inverse", "neither": "off"}
    for place, figure in zip(st.columns(len(figures)), figures, strict=True):
        change = None
        if before is not None and isinstance(figure.value, (int, float)) and figure.label in before[1]:
            change = round(figure.value - before[1][figure.label], 1)
        place.metric(
            figure.label,
            display(figure.value, figure.kind) or "–",
            delta=f"{change:+g}" if change else None,
            delta_color=colours[figure.good],  # type: ignore[arg-type]
            border=True,
        )
    if before is not None:
        st.caption(texts.SINCE.format(moment=before[0].replace("T", " ").rstrip("Z")))


def _before(signed_in: SignedIn, scope: str, figures: list[Figure]) -> tuple[str, dict[str, float]] | None:
    """The figures of the visit before this one, and its time; those of this visit are kept for the next."""
    store = signed_in.store
    if store is None:
        return None
    numbers = {one.label: float(one.value) for one in figures if isinstance(one.value, (int, float))}
    store.keep_figures(signed_in.person, signed_in.study_key, scope, signed_in.began, numbers)
    return store.figures_before(signed_in.person, signed_in.study_key, scope, signed_in.began)
