"""What fields accept, when two answers are the same, dictionaries and code lists."""

from __future__ import annotations

import math
from datetime import date, datetime, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet.errors import ArgumentError
from imednet.models import Record, Variable
from imednet.validation import (
    CodeList,
    FieldKind,
    field_kind,
    inferred_code_lists,
    load_dictionary,
    new_values,
    same_answer,
    wire_value,
)
from imednet.validation.dictionary import Choice
from imednet.validation.fields import UnfitValue


@given(st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e9, 1e9).map(lambda one: round(one, 4)))
def test_any_number_is_sent_as_one_and_known_again(number: float) -> None:
    assert wire_value(FieldKind.NUMBER, number) == number
    assert same_answer(FieldKind.NUMBER, number, repr(number))
    text = f"{number:.4f}" if isinstance(number, float) else str(number)
    assert same_answer(FieldKind.NUMBER, wire_value(FieldKind.NUMBER, text), text)


@given(st.dates(), st.times().map(lambda one: one.replace(second=0, microsecond=0)))
def test_any_day_and_time_is_sent_as_text(day: date, hour: time) -> None:
    assert wire_value(FieldKind.DATE, day) == day.isoformat()
    assert wire_value(FieldKind.TIME, hour) == hour.isoformat("minutes")
    moment = datetime.combine(day, hour)
    sent = wire_value(FieldKind.DATETIME, moment)
    for stored in (sent, sent.replace(" ", "T"), f"{sent}:00"):
        assert same_answer(FieldKind.DATETIME, sent, stored)


@given(st.sampled_from(list(FieldKind)), st.text(max_size=8) | st.booleans() | st.floats() | st.integers() | st.none())
def test_any_value_is_sent_or_refused_without_being_told(kind: FieldKind, value: object) -> None:
    try:
        sent = wire_value(kind, value)
    except UnfitValue as why:
        told = str(why)
        assert not (isinstance(value, str) and len(value) > 3 and value in told)
        return
    assert sent == "" or same_answer(kind, sent, sent)
    assert not (isinstance(sent, float) and not math.isfinite(sent) and kind is FieldKind.NUMBER)


@pytest.mark.parametrize(
    ("kind", "sent", "stored", "same"),
    [
        ("NUMBER", 11, "11", True), ("NUMBER", 11, "11.0", True), ("NUMBER", 0.1, "0.1", True),
        ("NUMBER", 11, "12", False), ("NUMBER", 11, "ND", False), ("NUMBER", 11, None, False),
        ("CHECKBOX", True, "true", True), ("CHECKBOX", True, "false", False),
        ("CHECKBOX", "a, b", "b`a", True), ("CHECKBOX", "a, b", ["a", "b"], True),
        ("RADIO", "Yes", "Yes", True), ("RADIO", "Yes", "yes", False),
        ("TEXT", "", None, True), ("TEXT", None, "", True), ("TEXT", "x", None, False),
        ("MEMO", "a\r\nb", "a\nb", False),
        ("PARTIALDATE", "2026-01", "2026-01", True),
    ],
)  # fmt: skip
def test_answers_are_compared_by_kind(kind: str, sent: object, stored: object, same: bool) -> None:
    assert same_answer(field_kind(kind), sent, stored) is same


@pytest.mark.parametrize(
    ("kind", "value"),
    [("NUMBER", "007"), ("NUMBER", True), ("NUMBER", float("inf")), ("DATE", "2026-02-30"), ("DATE", 5), ("RADIO", 1),
     ("RADIO", "Maybe"), ("CHECKBOX", 1), ("CHECKBOX", "x"), ("TIME", "24:01"), ("TEXT", ["a"])],
)  # fmt: skip
def test_what_a_field_does_not_take(kind: str, value: object) -> None:
    with pytest.raises(UnfitValue):
        wire_value(field_kind(kind), value, ["Yes", "No"])


def test_a_dictionary_is_read_whatever_its_columns_are_called(tmp_path: Path) -> None:
    (tmp_path / "ABC-01_Choices.csv").write_bytes(
        '\ufeffForm,Field Name,Choice,Code,Order\r\nAE,AESER,"No, ""none""",0,2\r\nAE,AESER,Ja,1,1\r\n,,,,\r\n'.encode()
    )
    (tmp_path / "Business_Logic.csv").write_text("Form Key,Condition,Condition,Updated\nAE,<if/>,<then/>,12-31-2025\n")
    found = load_dictionary(tmp_path)
    assert found.lists["AE", "AESER"].choices == (Choice("Ja", "1"), Choice('No, "none"', "0"))
    assert found.logic[0] == {"Form Key": "AE", "Condition": "<if/>\n<then/>", "Updated": "2025-12-31"}
    assert "there is no FORMS.csv" in found.warnings
    assert found.knows_choices_of("AE", "AESER")
    assert not found.knows_choices_of("AE", "AETERM")
    (tmp_path / "ABC-01_Choices.csv").write_text("Form,Colour\nAE,red\n")
    with pytest.raises(ArgumentError, match=r"no column for the variable; its headers are Form, Colour.*Next"):
        load_dictionary(tmp_path)
    (tmp_path / "broken.zip").write_bytes(b"PK\x05\x06nothing")
    for path in (tmp_path / "nope", tmp_path / "broken.zip"):
        with pytest.raises(ArgumentError, match="Next"):
            load_dictionary(path)


def test_lists_are_inferred_with_their_coverage_and_grow_by_versions() -> None:
    variables = [Variable.from_dict({"formKey": "AE", "variableName": "AESER", "variableType": "RADIO"})]
    rows = [
        Record.from_dict({"formKey": "AE", "recordId": number, "deleted": False, "recordData": {"AESER": text}})
        for number, text in enumerate(["Yes", "No", "", "Yes"])
    ]
    lists = inferred_code_lists(rows, variables)
    found = lists["AE", "AESER"]
    assert (found.texts, found.source, found.coverage) == (("No", "Yes"), "inferred", 0.75)
    more = [Record.from_dict({"formKey": "AE", "recordId": 9, "recordData": {"AESER": "Unknown"}})]
    assert new_values(lists, more) == {("AE", "AESER"): ["Unknown"]}
    merged, new = found.merged(CodeList((Choice("Yes"), Choice("Unknown"))))
    assert (merged.version, new, merged.texts) == (2, ["Unknown"], ("No", "Yes", "Unknown"))
    assert found.merged(found) == (found, [])
