"""Monitoring tables of the medium study, in both dialects, equal its manifest and counts made from its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from monitoring import CHECKS, Case, opened


@pytest.fixture(scope="module", params=["documented", "live"])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    """The medium study in each dialect."""
    with opened("medium", request.param) as found:
        yield found


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.__name__))
def test_tables_say_what_the_study_holds(case: Case, check: Callable[[Case], None]) -> None:
    check(case)
