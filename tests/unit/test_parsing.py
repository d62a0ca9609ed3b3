"""JSON at hand becomes objects, in either spelling, and nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet.core.parsing import ModelParser, get_model_parser
from imednet.errors import ArgumentError
from imednet.models import Record, Study

VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)


@given(st.dictionaries(st.sampled_from([*Study.FIELDS, "somethingNew"]), VALUES))
def test_both_spellings_make_the_same_object(data: dict[str, Any]) -> None:
    parser = ModelParser(Study)
    plain = parser.parse(data)
    assert plain.to_dict() == data
    assert parser.parse({Study.FIELDS.get(name, name): value for name, value in data.items()}) == plain


def test_many_keep_their_order_and_answers_stay() -> None:
    items = [{"recordId": number, "recordData": {"AETERM": "Cough"}} for number in (2, 1)]
    found = ModelParser(Record).parse_many(items)
    assert [record.record_id for record in found] == [2, 1]
    assert found[0].record_data == {"AETERM": "Cough"}
    assert [record.to_dict() for record in found] == items


@pytest.mark.parametrize("data", [None, "PLANTED", [1], 5, b"{}"])
def test_what_is_no_mapping_is_refused_unshown(data: Any) -> None:
    with pytest.raises(ArgumentError, match="made from a mapping") as caught:
        get_model_parser(Study)(data)
    assert "PLANTED" not in str(caught.value)


def test_a_model_may_bring_its_own_way() -> None:
    class Own(Study):
        @classmethod
        def from_json(cls, data: Any) -> Study:
            return Study.from_dict({"studyKey": data})

    assert ModelParser(Own).parse("ABC").study_key == "ABC"
