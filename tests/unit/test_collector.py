"""The collector of cycles rests while a list grows, and only then."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import pytest

from imednet.core import collector
from imednet.core.collector import UncollectedPages, uncollected
from imednet.sandbox import Sandbox
from support import STUDY, Ways


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    assert gc.isenabled()
    yield
    gc.enable()


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(collector, "time", clock)
    return clock


def test_it_rests_while_pages_follow_each_other_at_once(clock: Clock) -> None:
    with UncollectedPages() as pages:
        assert gc.isenabled()
        for _ in range(50):
            pages.came()
            assert not gc.isenabled()
            clock.now += 0.04
    assert gc.isenabled()


@pytest.mark.parametrize("seconds", [0.06, 30.0])
def test_it_goes_on_once_a_page_takes_its_time(clock: Clock, seconds: float) -> None:
    with UncollectedPages() as pages:
        pages.came()
        clock.now += seconds
        pages.came()
        assert gc.isenabled()
        pages.came()
        assert gc.isenabled()


def test_it_rests_for_some_seconds_at_most(clock: Clock) -> None:
    with UncollectedPages() as pages:
        for _ in range(200):
            pages.came()
            clock.now += 0.04
        assert gc.isenabled()


@pytest.mark.parametrize("rest", [uncollected, UncollectedPages])
def test_it_goes_on_after_an_error_and_stays_off_where_it_was_off(rest: Callable[[], object]) -> None:
    def work() -> None:
        with rest() as pages:  # type: ignore[attr-defined]
            if pages is not None:
                pages.came()
            assert not gc.isenabled()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert gc.isenabled()
    gc.disable()
    with pytest.raises(KeyboardInterrupt):
        work()
    assert not gc.isenabled()


def test_lists_leave_it_on(box: Sandbox, door: Ways) -> None:
    sdk = door(box)
    assert len(sdk.call("records.list", STUDY)) > 2000
    assert gc.isenabled()
    with pytest.raises(Exception, match=r"NO-SUCH"):
        sdk.call("records.list", "NO-SUCH")
    assert gc.isenabled()
