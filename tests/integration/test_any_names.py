"""Whatever a study calls its forms and variables, every target holds all of its rows under names of their own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from naming_targets import TARGETS, Drawn, studies, through
from support import examples


@pytest.mark.parametrize("target", TARGETS)
def test_any_names_go_through_every_target_and_back(target: str) -> None:
    """50 drawn studies a target; 20,000 over all targets in `nox -s soak`."""

    @settings(max_examples=examples(50), deadline=None)
    @given(studies())
    def check(drawn: Drawn) -> None:
        through(target, drawn)

    check()
