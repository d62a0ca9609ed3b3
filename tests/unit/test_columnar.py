"""The Arrow way of reading lines gives what the exact way gives, cell by cell and issue by issue."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imednet.integrations.tables.arrow import ArrowBatch
from imednet.integrations.tables.arrow_reader import ArrowReader
from imednet.integrations.tables.batches import Reader
from imednet.integrations.tables.layout import Shape, Table, form_table
from imednet.integrations.tables.options import ExportOptions, Values
from imednet_api.models import Variable
from support import examples

pytest.importorskip("pyarrow")

KINDS = {"N": "NUMBER", "D": "DATE", "DT": "DATETIME", "T": "TIME", "P": "PARTIAL DATE", "X": "TEXT", "B": "TEXT"}


def table(values: Values) -> Table:
    """A form with one variable of each kind, and a blinded one."""
    variables = [
        Variable.from_dict({
            "variableName": name, "variableType": kind, "variableId": number, "sequence": number,
            "blinded": name == "B",
        })
        for number, (name, kind) in enumerate(KINDS.items(), 1)
    ]  # fmt: skip
    return form_table("F", variables, ExportOptions(values=values), Shape())[0]


NUMBERS = st.from_regex(r"-?[0-9]{1,20}(\.[0-9]{1,12})?", fullmatch=True)
DATES = st.dates().map(str) | st.from_regex(r"[0-9]{4}-[0-3][0-9]-[0-3][0-9]", fullmatch=True)
FITTING = st.sampled_from(["", "ND", "-0", "9007199254740993", "1" * 400, "2024-02-30", "0000-01-01", "10:59", "2024"])
TEXTS = FITTING | NUMBERS | DATES | st.datetimes().map(lambda one: one.isoformat(" ")) | st.text(max_size=5)
CLEAN = st.none() | TEXTS
ANY = (
    CLEAN
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.lists(CLEAN, max_size=2)
)
KEYWORDS = st.lists(
    st.fixed_dictionaries({}, optional={"keywordName": CLEAN, "keywordId": st.integers(0, 9)}), max_size=2
)
NAMES = st.sampled_from(list(KINDS))


def records(cells: st.SearchStrategy[Any], names: st.SearchStrategy[str], fields: st.SearchStrategy[Any] | None) -> Any:
    """Records with these answers; fields of the record itself may be absent."""
    some = {"subjectId": st.integers(0, 9), "subjectKey": CLEAN, "deleted": st.booleans(), "keywords": KEYWORDS}
    odd = {"formKey": fields, "visitId": fields, "recordOid": fields, "keywords": fields} if fields is not None else {}
    data = st.dictionaries(names, cells, max_size=7)
    record = st.fixed_dictionaries(
        {"recordId": st.integers(1, 99)}, optional={**some, **odd, "recordData": st.none() | data}
    )
    return st.lists(record, min_size=1, max_size=6)


SOUND = records(CLEAN, NAMES, None)
ODD = records(ANY, NAMES | st.sampled_from(["n", "b", "Z", ""]), ANY)


def same(values: Values, rows: list[dict[str, Any]]) -> Any:
    """What the Arrow way made, after comparing it with the exact way."""
    lines = [
        json.dumps(row, separators=(",", ":"), ensure_ascii="N" in str(row)).encode("utf-8") + b"\n" for row in rows
    ]
    exact, ours = Reader(table(values)), ArrowReader(table(values))
    wanted, wanted_issues = exact.batch(0, lines)
    batch, issues = ours.batch(0, lines)
    assert list(map(list, batch.columns)) == list(map(list, wanted.columns))
    assert repr(list(map(list, batch.columns))) == repr(list(map(list, wanted.columns)))  # also -0.0, 1 and True
    assert issues == wanted_issues
    assert (ours.rows, ours.undeclared, ours.case_variants) == (exact.rows, exact.undeclared, exact.case_variants)
    assert len(batch) == len(rows)
    return batch


@pytest.mark.parametrize("values", ["both", "text", "typed"])
@settings(max_examples=examples(300), deadline=None)
@given(SOUND)
def test_sound_rows_go_the_arrow_way_and_are_the_same(values: Values, rows: list[dict[str, Any]]) -> None:
    assert isinstance(same(values, rows), ArrowBatch)


@settings(max_examples=examples(500), deadline=None)
@given(ODD)
def test_any_rows_are_the_same(rows: list[dict[str, Any]]) -> None:
    same("both", rows)


@pytest.mark.parametrize(
    "line",
    [
        b'{"recordId":1,"recordId":2}\n',
        b'{"recordId":1,"recordData":{"X":"a","X":"b"}}\n',
        b'{"recordId":1,"recordData":{"X":"\\ud800"}}\n',
        b'{"recordId":1,"keywords":[null]}\n',
        b'{"recordId":1,"keywords":[{"other":1}]}\n',
        b'{"recordId":1.0}\n',
        b'{"recordId":1,"recordData":[]}\n',
    ],
)
def test_what_arrow_takes_otherwise_goes_the_exact_way(line: bytes) -> None:
    exact, ours = Reader(table("both")).batch(0, [line]), ArrowReader(table("both")).batch(0, [line])
    assert list(map(list, ours[0].columns)) == list(map(list, exact[0].columns))
    assert ours[1] == exact[1]
