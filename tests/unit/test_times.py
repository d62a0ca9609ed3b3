"""Times of answers as aware `datetime`, beside the raw values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet.models import Record, Role
from imednet_api.types import utc


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-06-05 21:12:09", datetime(2025, 6, 5, 21, 12, 9, tzinfo=UTC)),
        ("2021-12-09T08:23:21.99", datetime(2021, 12, 9, 8, 23, 21, 990000, tzinfo=UTC)),
        ("2025-06-30T21:40:44.98268", datetime(2025, 6, 30, 21, 40, 44, 982680, tzinfo=UTC)),
        ("2025-06-30T21:40:44.5+02:00", datetime(2025, 6, 30, 19, 40, 44, 500000, tzinfo=UTC)),
        ("2025-06-07", datetime(2025, 6, 7, tzinfo=UTC)),
        ([2025, 6, 5, 21, 12, 7, 625000000], datetime(2025, 6, 5, 21, 12, 7, 625000, tzinfo=UTC)),
        ([2025, 6, 5, 21, 12, 7], datetime(2025, 6, 5, 21, 12, 7, tzinfo=UTC)),
        ([2025, 6, 5, 21, 12], datetime(2025, 6, 5, 21, 12, tzinfo=UTC)),
        (None, None), ("", None), ("UNK", None), ("2024-03", None), ([2025], None), ([2025, 13, 1, 1, 1], None),
        (5, None),
        ({}, None), ("2025-02-30 10:00:00", None), ("1970-01-01", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_all_forms_that_were_seen(value: Any, expected: datetime | None) -> None:
    assert utc(value) == expected


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)))
def test_every_time_is_read_back(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    assert utc(moment.isoformat(sep=" ")) == aware
    assert utc(moment.isoformat().rstrip("0") if moment.microsecond else moment.isoformat()) == aware
    assert utc([*moment.timetuple()[:6], moment.microsecond * 1000]) == aware


@given(st.none() | st.text(max_size=30) | st.lists(st.integers() | st.text(max_size=3), max_size=9) | st.integers())
def test_nothing_raises(value: Any) -> None:
    found = utc(value)
    assert found is None or found.utcoffset() == timedelta(0)


def test_models_have_both_the_raw_value_and_the_time() -> None:
    record = Record.from_dict({"dateModified": "2025-06-05 21:12:09"})
    assert record.date_modified == "2025-06-05 21:12:09"
    assert record.date_modified_utc == datetime(2025, 6, 5, 21, 12, 9, tzinfo=UTC)
    assert record.date_created_utc is None
    assert Role.from_dict({"dateCreated": [2025, 6, 5, 21, 12]}).date_created_utc == datetime(
        2025, 6, 5, 21, 12, tzinfo=UTC
    )
