"""Filter expressions: the strict grammar is sent, everything else is an error before anything is sent."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet.core.filtering import grammar as filters
from imednet.errors import ArgumentError, UnknownFilterError
from imednet.sandbox.server.expressions import Refused, holds, parse_filter
from imednet_api.api import operation
from support import built

RECORDS = operation("list_records")
CHICAGO = timezone(timedelta(hours=-6))


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"form_key": "AE"}, "formKey==AE"),
        ({"form_key": "AE", "site_id": 301}, "formKey==AE;siteId==301"),
        ({"record_status": "Record Complete"}, 'recordStatus=="Record Complete"'),
        ({"record_status": 'say "yes"'}, "recordStatus=='say \"yes\"'"),
        ({"record_type": False}, "recordType==false"),
        ({"site_id": None, "form_key": "AE"}, "formKey==AE"),
        ({"site_id": None}, None),
        ({"date_modified": (">=", datetime(2026, 3, 1, 8, tzinfo=CHICAGO))}, "dateModified>=2026-03-01T14:00:00Z"),
        ({"date_modified": ("<", date(2026, 3, 1))}, "dateModified<2026-03-01T00:00:00Z"),
        ({"form_key": ["AE"]}, "formKey==AE"),
        ({"subject_key": "and"}, 'subjectKey=="and"'),
    ],
)  # fmt: skip
def test_keywords_become_the_strict_grammar(given: dict[str, Any], sent: str | None) -> None:
    assert built(RECORDS, given) == sent


@pytest.mark.parametrize(
    ("keyword", "nearest"),
    [("study", "study_key"), ("formkey", "form_key"), ("formKey", "form_key"), ("size", None), ("subject", "subject_")],
)
def test_an_unknown_keyword_names_the_nearest_and_the_way_round(keyword: str, nearest: str | None) -> None:
    with pytest.raises(UnknownFilterError) as caught:
        built(RECORDS, {keyword: 1})
    assert isinstance(caught.value, TypeError)
    assert "filters={" in str(caught.value)
    if nearest:
        assert f"Did you mean '{nearest}" in str(caught.value)


def test_documented_attributes_that_are_no_fields_can_be_filtered() -> None:
    assert built(operation("list_visits"), {"interval_group_name": "ePRO"}) == "intervalGroupName==ePRO"


def test_extra_attributes_are_sent_as_they_are() -> None:
    assert built(RECORDS, {}, {"newAttr": 1}) == "newAttr==1"


@pytest.mark.parametrize(
    "value",
    [
        "line\nbreak",
        "both ' and \"",
        ["a", "b\n"],
        [],
        ["a", ("==", 1)],
        ("~", 1),
        ("==", None),
        object(),
        {"a": 1},
        {},
        datetime(2026, 3, 1),
    ],
)
def test_values_the_grammar_cannot_hold_are_refused_without_being_shown(value: Any) -> None:
    with pytest.raises(ArgumentError) as caught:
        built(RECORDS, {"subject_key": value})
    assert "both ' and" not in str(caught.value)


@given(value=st.text(max_size=20))
def test_any_text_is_either_refused_or_matches_exactly_itself(value: str) -> None:
    """What is sent means the value and nothing else, as the sandbox's own parser reads it."""
    try:
        sent = built(RECORDS, {"subject_key": value})
    except ArgumentError:
        return
    assert sent is not None
    if value == "":
        with pytest.raises(Refused):
            parse_filter("subjectKey==", {"subjectKey"})
    test = parse_filter(sent, {"subjectKey"})
    assert holds(test, {"subjectKey": value})
    assert not holds(test, {"subjectKey": value + "x"})


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("formKey==AE", ["formKey"]),
        ('formKey==AE;subjectKey=="a,b"', ["formKey", "subjectKey"]),
        ("a==1,b==2", None), ("a==1 or b==2", None), ("(a==1)", None), ('a=="x', None), ("a==1 and b==2", None),
        ("nonsense", None), ("a==1;", None),
    ],
)  # fmt: skip
def test_only_a_plain_and_counts_as_one(expression: str, names: list[str] | None) -> None:
    clauses = filters.clauses_if_conjunction(expression)
    assert (None if clauses is None else [name for name, _, _ in clauses]) == names


def test_a_record_data_filter_with_both_connectors_is_refused_unshown() -> None:
    with pytest.raises(ArgumentError) as caught:
        filters.check_record_data_filter("AESER==PLANTED;SEX==Male,AGE>=65")
    assert "PLANTED" not in str(caught.value)
    filters.check_record_data_filter('AETERM=="a;b",SEX==Male')


def test_sort_fields_take_both_spellings_and_refuse_others() -> None:
    assert filters.sort_fields(RECORDS, ["dateModified,DESC", "record_id"]) == [
        ("date_modified", True),
        ("record_id", False),
    ]
    for wrong in ("nothing", "recordId,down"):
        with pytest.raises(ArgumentError):
            filters.sort_fields(RECORDS, wrong)


def test_times_are_sent_as_the_server_reads_them() -> None:
    when = datetime(2026, 9, 15, 2, tzinfo=UTC)
    sent = built(RECORDS, {"date_modified": (">=", when)})
    assert sent is not None
    test = parse_filter(sent, {"dateModified"})
    assert holds(test, {"dateModified": "2026-09-15 02:00:00"})
    assert not holds(test, {"dateModified": "2026-09-15 01:59:59"})
