"""Any JSON value as an answer, through any sink and back: equal, or a listed loss."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporting import NAMES, differences, target
from imednet.sandbox import Sandbox
from support import STUDY, examples

ODD = [
    "", " ", "0", "-0", "007", "1e3", "12,5", "<5", "NaN", "null", "None", "=1+1", "\r\n", "\t", "\u2028", "\x00",
    "a\x1fb", "_x000D_", "'", '"', ";", ",", "2024-02-30", "2024-02", "9999-12-31", "0001-01-01", "24:00", "23:59",
    "12:5", "2024-01-01 10:00", "2024-01-01T10:00", "9007199254740993", "1" * 400, "0.1", "1.10", "\ufeff", "𝟙", "¹",
    "x" * 300, "é" * 150, "e\u0301", "٣", "\x85", "\x0b", "trailing ", "\U0001f600",
]  # fmt: skip
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(ODD)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
VARIABLES = (
    "AENUM",
    "AETERM",
    "AESTDAT",
    "AESTTIM",
    "AESEV",
    "aeterm",
    "AENARR",
    "unvnum",
    "never declared",
    "recordId",
)
ANSWERS = st.dictionaries(st.sampled_from(VARIABLES) | st.text(max_size=5), VALUES, max_size=6) | VALUES


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """A study of which adverse events alone are exported."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
@given(answers=st.lists(ANSWERS, min_size=10, max_size=10))
def test_any_answer_comes_back_or_is_listed(box: Sandbox, name: str, answers: list[Any]) -> None:
    records = box.studies[STUDY].records
    keys = list(records.values("formKey"))
    places = [place for place in records.places() if keys[place] == "AE"][:10]
    for place, answer in zip(places, answers, strict=True):
        records.change(place, recordData=answer)
    with tempfile.TemporaryDirectory() as folder:
        one = target(name, Path(folder))
        report = one.export(box, forms=["AE"])
        wrong = [cell for cell in differences(one, box, report) if cell[0] == "AE"]
    assert wrong == []
