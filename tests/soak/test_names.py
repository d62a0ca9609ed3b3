"""Twenty thousand studies of any names through all targets and back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from naming_targets import TARGETS, Drawn, studies, through

STUDIES = 20_000


@pytest.mark.parametrize("target", TARGETS)
def test_any_names_go_through_every_target_and_back(target: str) -> None:
    """Every table is there under a name of its own, with its rows, counted in the target."""

    @settings(max_examples=STUDIES // len(TARGETS), deadline=None)
    @given(studies())
    def check(drawn: Drawn) -> None:
        through(target, drawn)

    check()
