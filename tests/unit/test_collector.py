"""The collector of cycles rests while a list grows, and only then."""

from __future__ import annotations

import gc
import time
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
        pages.came()
        assert gc.isenabled()  # the first page says nothing of the next one
        for _ in range(50):
            clock.now += 0.04
            pages.came()
            assert not gc.isenabled()
    assert gc.isenabled()


@pytest.mark.parametrize("seconds", [0.06, 30.0])
def test_it_goes_on_once_a_page_takes_its_time(clock: Clock, seconds: float) -> None:
    with UncollectedPages() as pages:
        pages.came()
        pages.came()
        assert not gc.isenabled()
        clock.now += seconds
        for _ in range(3):
            pages.came()
            assert gc.isenabled()


def test_it_rests_for_some_seconds_at_most_also_where_no_page_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "_LONGEST", 0.05)
    with UncollectedPages() as pages:
        pages.came()
        pages.came()
        assert not gc.isenabled()
        deadline = time.monotonic() + 10
        while not gc.isenabled() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert gc.isenabled()
        pages.came()
        assert gc.isenabled()


@pytest.mark.parametrize("rest", [uncollected, UncollectedPages])
def test_it_goes_on_after_an_error_and_stays_off_where_it_was_off(rest: Callable[[], object]) -> None:
    def work() -> None:
        with rest() as pages:  # type: ignore[attr-defined]
            if pages is not None:
                pages.came()
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
