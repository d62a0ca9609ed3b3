"""Rows of the decoder are, but for `type(row)`, what objects of the model made of the same values would be."""

from __future__ import annotations

import copy
import gc
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from imednet.core import decoded
from imednet.core.decoding.page import Split, _split, models
from imednet.models import Keyword, Query, Record, Subject, Variable
from imednet_api.types import Model, fast_json

pytestmark = pytest.mark.skipif(fast_json() is None, reason="such rows are made by the fast decoder alone")

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


def split(model: type[Model], *rows: dict[str, Any]) -> Split:
    return _split(json.dumps({"data": rows}).encode(), model, ())


def decoded_row(model: type[Model], row: dict[str, Any]) -> Any:
    """One row as a list gives it."""
    (found,) = models(model, split(model, row))
    assert type(found) is not model
    return found


@pytest.mark.parametrize("model", MODELS, ids=lambda one: str(one.__name__))
@given(data=st.data())
def test_any_row_is_as_if_it_had_been_made_of_its_values(model: type[Model], data: st.DataObject) -> None:
    row = {name: data.draw(JSON, name) for name in model.FIELDS}
    plain = model.from_dict(row)
    for read in (
        decoded_row(model, row),
        copy.copy(decoded_row(model, row)),
        copy.deepcopy(decoded_row(model, row)),
        pickle.loads(pickle.dumps(decoded_row(model, row))),
    ):
        assert read == plain
        assert plain == read
        assert read.to_dict() == row
        assert repr(read) == repr(plain)
        assert read.additional_properties == {}
        assert attrs.asdict(read) == attrs.asdict(plain)  # type: ignore[arg-type]
    assert not split(model, {**row, "brandNew": 1}).rows  # a row of other fields is made of its values


def test_a_row_says_that_it_is_of_its_model() -> None:
    row = decoded_row(Record, RECORD)
    assert isinstance(row, Record)
    assert row.__class__ is Record
    assert type(row).__name__ == "Record"
    assert not isinstance(row, dict)
    assert not hasattr(row, "__dict__")
    assert not hasattr(row, "no_such_field")
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


def test_a_copy_is_an_object_of_the_model_itself() -> None:
    row = decoded_row(Record, RECORD)
    row.site_id = 301
    for copied in (copy.copy(row), copy.deepcopy(row), pickle.loads(pickle.dumps(row)), attrs.evolve(row)):
        assert type(copied) is Record
        assert copied == row
        assert copied.site_id == 301
    shared = copy.copy(row)
    shared.keywords.clear()
    assert row.keywords == []
    replaced = row.__replace__(record_data={"AETERM": "Fever"})
    assert replaced.record_data == {"AETERM": "Fever"}
    assert row.record_data == RECORD["recordData"]


def test_what_is_deleted_is_gone() -> None:
    row = decoded_row(Record, RECORD)
    del row.form_key, row.keywords, row.record_data
    for name in ("form_key", "keywords", "record_data", "no_such_field"):
        assert not hasattr(row, name)
    assert row.record_id == 7
    with pytest.raises(AttributeError):
        copy.copy(row)


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


def test_the_collector_looks_at_no_row_that_was_only_read() -> None:
    row = decoded_row(Record, {**RECORD, "keywords": []})
    assert row.record_data == RECORD["recordData"]
    assert not gc.is_tracked(row)
    row.parent_record_id = row
    assert gc.is_tracked(row)


def test_a_long_chain_of_rows_can_be_let_go() -> None:
    """In a thread with a stack of 1 MB, which is as small as Python 3.13 needs for a chain of lists."""
    body = json.dumps({"data": [RECORD]})
    code = f"""
import threading
from imednet.core.decoding.page import _split, models
from imednet.models import Record
def work():
    last = None
    for _ in range(60_000):
        (row,) = models(Record, _split({body!r}.encode(), Record, ()))
        row.parent_record_id, last = last, row
threading.stack_size(2**20)
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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


def test_what_the_class_of_a_row_makes_is_of_the_model() -> None:
    kind: Any = type(decoded_row(Record, RECORD))
    values = [RECORD[name] for name in Record.FIELDS]
    for made in (kind.from_dict(RECORD), kind.from_values(values)):
        assert type(made) is Record
        assert made.record_id == 7


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


def test_two_threads_that_read_first_get_one_object() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(100):
            row = decoded_row(Record, {**RECORD, "keywords": RECORD["keywords"] * 60})
            together, seen = threading.Barrier(2), list[Any]()

            def work(row: Any = row, together: Any = together, seen: list[Any] = seen) -> None:
                together.wait()
                seen.append((id(row.keywords), id(row.record_data)))

            threads = [threading.Thread(target=work) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(set(seen)) == 1
    finally:
        sys.setswitchinterval(before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system makes no copies of a process")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_made_while_another_thread_reads_can_read() -> None:
    row, held = decoded_row(Record, RECORD), threading.Event()

    def hold() -> None:
        with decoded._MAKING:
            held.set()
            time.sleep(0.3)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(10)  # a child that waits forever ends, and not well
        os._exit(0 if row.record_data["AETERM"] == "Cough" else 1)
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert row.keywords


def test_many_threads_may_change_one_row_at_once() -> None:
    """Each sets an attribute of its own; none is lost, and none is read unset."""
    names = ["site_id", "form_key", "record_status", "subject_key", "visit_id", "deleted"]
    for _ in range(200):
        row, together = decoded_row(Record, RECORD), threading.Barrier(len(names))
        seen: list[Any] = []

        def work(name: str, row: Any = row, together: Any = together, seen: list[Any] = seen) -> None:
            together.wait()
            seen.append(row.record_id)
            setattr(row, name, name)
            seen.append(row.record_data["AETERM"])

        threads = [threading.Thread(target=work, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(seen, key=str) == [7] * len(names) + ["Cough"] * len(names)
        assert [getattr(row, name) for name in names] == names
