"""Rows of a list are ordinary objects of their model, whichever decoder made them; answers are decoded when read."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from imednet.core.decoding import exact, fast
from imednet.models import Keyword, Query, Record, Subject, Variable
from imednet_api.types import Model, fast_json

DECODERS = [exact, *([fast] if fast_json() is not None else [])]
both = pytest.mark.parametrize("decoder", DECODERS, ids=lambda one: str(one.__name__).rpartition(".")[2])
MODELS: list[type[Model]] = [Record, Query, Subject, Variable]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
RECORD: dict[str, Any] = {
    **dict.fromkeys(Record.FIELDS), "recordId": 7, "formKey": "AE", "keywords": [{"keywordName": "late"}],
    "recordData": {"AETERM": "Cough", "AESEV": None, "AENUM": 1.5},
}  # fmt: skip


def decoded_row(model: type[Model], row: dict[str, Any], decoder: Any = DECODERS[-1]) -> Any:
    """One row as a list gives it."""
    (found,) = decoder.objects(json.dumps({"data": [row]}).encode(), model, ()).rows
    return found


@both
@pytest.mark.parametrize("model", MODELS, ids=lambda one: str(one.__name__))
@given(data=st.data())
def test_any_row_is_as_if_it_had_been_made_of_its_values(decoder: Any, model: type[Model], data: st.DataObject) -> None:
    row = {name: data.draw(JSON, name) for name in model.FIELDS}
    plain = model.from_dict(row)
    for read in (
        decoded_row(model, row, decoder),
        copy.copy(decoded_row(model, row, decoder)),
        copy.deepcopy(decoded_row(model, row, decoder)),
        pickle.loads(pickle.dumps(decoded_row(model, row, decoder))),
        attrs.evolve(decoded_row(model, row, decoder)),
    ):
        assert type(read) is model
        assert read == plain
        assert plain == read
        assert read.to_dict() == row
        assert repr(read) == repr(plain)
        assert read.additional_properties == {}
        assert attrs.asdict(read) == attrs.asdict(plain)  # type: ignore[arg-type]


@both
def test_a_row_is_an_object_of_its_model(decoder: Any) -> None:
    row = decoded_row(Record, RECORD, decoder)
    assert type(row) is Record
    assert issubclass(type(row), Record)
    assert not hasattr(row, "__dict__")
    assert not hasattr(row, "no_such_field")
    assert attrs.asdict(row)["record_data"] == RECORD["recordData"]
    assert attrs.fields(Record).record_data.name == "record_data"
    with pytest.raises(TypeError):
        hash(row)
    match row:
        case Record(record_id=number, form_key="AE"):
            assert number == 7
        case _:
            pytest.fail("a pattern of the class matches")


@pytest.mark.parametrize(
    "change",
    [
        lambda row: setattr(row, "record_status", "Done"),
        lambda row: setattr(row, "record_data", {"AETERM": "Fever"}),
        lambda row: row.record_data.update(AETERM="Fever"),
        lambda row: row.keywords.append(Keyword(keyword_name="second")),
        lambda row: setattr(row.keywords[0], "keyword_name", "other"),
        lambda row: row.keywords.clear(),
        lambda row: row.record_data.clear(),
    ],
)
def test_a_change_stays(change: Callable[[Any], object]) -> None:
    row, plain = decoded_row(Record, RECORD), Record.from_dict(copy.deepcopy(RECORD))
    change(row)
    change(plain)
    assert row == plain
    assert row.to_dict() == plain.to_dict() != RECORD
    assert pickle.loads(pickle.dumps(row)) == plain


def test_what_is_deleted_is_gone() -> None:
    row = decoded_row(Record, RECORD)
    del row.form_key, row.keywords, row.record_data
    for name in ("form_key", "keywords", "record_data", "no_such_field"):
        assert not hasattr(row, name)
    assert row.record_id == 7


@pytest.mark.parametrize("value", [({"keywordName": "set"},), {"keywordName": "set"}, (), [], None, "text"])
def test_what_is_set_stays_as_it_was_set(value: Any) -> None:
    row = decoded_row(Record, RECORD)
    row.keywords = value
    assert row.keywords is value
    assert row == attrs.evolve(Record.from_dict(RECORD), keywords=value)
    assert copy.copy(row).keywords is value


def test_a_row_is_shown_without_its_answers() -> None:
    """Also by rich, which prints objects of other libraries, and local variables beside an error, field by field."""
    odd = {**RECORD, "subjectId": {"name": "Jane Doe"}}
    for row in (decoded_row(Record, odd), Record.from_dict(odd)):
        for shown in (pretty_repr(row), repr(row)):
            assert "record_id=7" in shown
            assert "Cough" not in shown
            assert "Jane" not in shown


def test_rows_that_hold_each_other_go() -> None:
    """Those that hold themselves by what was set, by nested objects, or by an error that was kept."""
    first, second = decoded_row(Record, RECORD), decoded_row(Record, {**RECORD, "keywords": []})
    first.parent_record_id, second.parent_record_id = second, first
    nested = decoded_row(Record, RECORD)
    nested.keywords[0].keyword_name = nested
    gone = [weakref.ref(row) for row in (first, second, nested)]
    del first, second, nested
    gc.collect()
    assert [row() for row in gone] == [None, None, None]


def test_what_is_decoded_late_is_decoded_once() -> None:
    row = decoded_row(Record, RECORD)
    assert row.record_data is row.record_data
    assert row.keywords is row.keywords
    assert isinstance(row.keywords[0], Keyword)
    first = row.record_data
    row.site_id = 301
    assert row.record_data is first
    nothing = decoded_row(Record, {**RECORD, "recordData": None, "keywords": []})
    assert nothing.record_data is None
    assert nothing.keywords == []


def test_what_is_replaced_is_let_go() -> None:
    class Answers(dict[str, Any]):
        pass

    row = decoded_row(Record, RECORD)
    row.record_data = first = Answers()
    gone = weakref.ref(first)
    del first
    row.record_data = None
    assert gone() is None
    other = decoded_row(Record, RECORD)
    assert other.record_data
    other.record_data = None
    assert other.record_data is None
