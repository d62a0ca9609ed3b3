"""A pytest plugin with the fixture `imednet_sandbox`, for testing pipelines without keys.

    def test_nightly_load(imednet_sandbox):
        load(**imednet_sandbox.credentials)


    @pytest.mark.imednet_sandbox(dialect="live", faults=["status GET records nth=3 status=429 retry_after=0"])
    def test_nightly_load_on_a_bad_day(imednet_sandbox): ...

pytest finds the plugin wherever this package is installed. It loads nothing but pytest until a test uses the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .server.server import Sandbox


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker `imednet_sandbox`."""
    config.addinivalue_line(
        "markers", "imednet_sandbox(**options): arguments of `imednet.sandbox.Sandbox` for the fixture of that name"
    )


@pytest.fixture
def imednet_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A running sandbox for one test; its options come from the marker of the same name."""
    from .server.server import Sandbox

    marker = request.node.get_closest_marker("imednet_sandbox")
    with Sandbox(*(marker.args if marker else ()), **(marker.kwargs if marker else {})) as box:
        yield box
