"""Configurations of a study: the language of mappings, files in two formats, and what each mistake says."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet.errors import ArgumentError, ConfigurationError
from imednet.models.mapping_expressions import LONGEST, Expression
from imednet.models.study_config import StudyConfiguration

GIVEN = {
    "version": 1,
    "study_key": "TIDEWATER-201",
    "mappings": {
        "adverse_events": {
            "form": "AE", "where": "not empty(AETERM)",
            "fields": {"term": "AETERM", "serious": 'AESER == "Yes"', "severity": 'lookup("severity", AESEV)'},
        },
        "own table": {"form": "VS", "fields": {"high": "SYSBP1 > 140"}},
    },
    "terminology_lookups": {"severity": {"Mild": 1, "Severe": "3"}},
    "widgets": [{"kind": "chart", "title": "By severity", "table": "adverse_events", "by": "severity"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "answers", "wanted"),
    [
        ("AETERM", {"aeterm": " Rash "}, "Rash"),
        ("AETERM", {}, None),
        ('field("Pain Level")', {"Pain Level": "3"}, "3"),
        ('AESER == "Yes"', {"AESER": "Yes "}, True),
        ('AESER == "Yes"', {"AESER": None}, False),
        ('AESER != "Yes"', {"AESER": ""}, False),
        ('CODE == "7"', {"CODE": "007"}, False),
        ("CODE == 7", {"CODE": "007"}, True),
        ("CODE == 7", {"CODE": "<7"}, False),
        ("CODE != 7", {"CODE": "<7"}, True),
        ("SYS > 140", {"SYS": "148"}, True),
        ("SYS > 140", {"SYS": "12,5"}, False),
        ("SYS > DIA", {"SYS": "120", "DIA": "80"}, True),
        ('DAY < "2026-01-01"', {"DAY": "2025-12-31"}, True),
        ('DAY < "2026-01-01"', {"DAY": "2025"}, False),
        ('SEV in ("Major", "Critical")', {"SEV": "Major"}, True),
        ('SEV not in ("Major", "Critical")', {"SEV": None}, False),
        ("WEIGHT / (HEIGHT / 100) / (HEIGHT / 100)", {"WEIGHT": "80", "HEIGHT": "200"}, 20.0),
        ("A / B", {"A": 1, "B": 0}, None),
        ("A + B", {"A": "1", "B": "<2"}, None),
        ("-A", {"A": "2.5"}, -2.5),
        ('"high" if SYS > 140 else "normal"', {"SYS": 150}, "high"),
        ("empty(A) or A == 1", {"A": "  "}, True),
        ("True if empty(A) else A == 1", {"A": 1}, True),
        ("not empty(A) and A == 1", {"A": 1}, True),
        ("first(A, B, 9)", {"A": "", "B": "x"}, "x"),
        ("number(A)", {"A": "1e3"}, None),
        ("lower(A)", {"A": "ÄRZTE"}, "ärzte"),
        ("day(A)", {"A": "2026-02-03 10:00"}, "2026-02-03"),
        ("day(A)", {"A": "2026-02"}, None),
        ("days(A, B)", {"A": "2026-01-30", "B": "2026-02-02"}, 3),
        ("A == True", {"A": "true"}, True),
        ("A", {"A": ["x"]}, None),
    ],
)
def test_what_expressions_give(expression: str, answers: dict[str, Any], wanted: Any) -> None:
    found = Expression(expression)(answers)
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("", "not empty"),
        ("AESER = 1", "equal is written =="),
        ("A + * B", "at character 5"),
        ("A ** 9", "not part of the language"),
        ("A.real", "not part of the language"),
        ("A[0]", "not part of the language"),
        ("__import__('os')", "the functions are"),
        ("(lambda: 1)()", "not part of the language"),
        ("[x for x in A]", "not part of the language"),
        ("f'{A}'", "not part of the language"),
        ("b'x'", "not part of the language"),
        ("1 < A < 3", "one comparison"),
        ("A in B", "a list such as"),
        ("A is None", "not part of the language"),
        ("lookup('severtiy', A)", "there are severity"),
        ("lookup(A, B)", "write lookup"),
        ("field(A)", "write field"),
        ("empty()", "the functions are"),
        ("empty(A, B)", "the functions are"),
        ("first(A, key=1)", "not part of the language"),
        ("1e999", "too large"),
        ("A" * (LONGEST + 1), "characters"),
        ("(" * 500 + "A" + ")" * 500, "cannot read"),
        ("-" * 1500 + "A", "parts|cannot read"),
        ("+".join("A" * 600), "parts|characters|cannot read"),
        ("A\x00", "cannot read"),
        ("AETERM and AESER == 1", "a condition is needed"),
        ("not AEDEL", "a condition is needed"),
        ("1 if AESER else 2", "a condition is needed"),
        ("(" * 120 + "A" + " + 1)" * 120, "nested|cannot read"),
    ],
)
def test_what_is_not_the_language(expression: str, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        Expression(expression, {"severity": {}})


@given(st.text(max_size=200), st.dictionaries(st.sampled_from(["A", "B", "aeterm"]), st.none() | st.text(max_size=20)))
def test_any_text_is_refused_or_computed(text: str, answers: dict[str, str | None]) -> None:
    try:
        expression = Expression(text)
    except ArgumentError:
        return
    assert isinstance(expression(answers), (str, int, float, bool, type(None)))


VALUES = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False) | st.text(max_size=8)
ATOMS = st.sampled_from(["A", "B", "1", "2.5", '"x"', "None", "True", 'field("A b")'])
COMPARISONS = st.tuples(ATOMS, st.sampled_from(["==", "!=", "<", ">="]), ATOMS).map(" ".join)
CONDITIONS = st.recursive(
    COMPARISONS
    | ATOMS.map("empty({})".format)
    | st.tuples(ATOMS, ATOMS).map(lambda two: f"{two[0]} in ({two[1]}, 'y')"),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: f"({' '.join(parts)})")
        | inner.map("(not {})".format)
    ),
    max_leaves=6,
)
PARTS = st.recursive(
    ATOMS | CONDITIONS.map("({})".format),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "==", "!=", "<", ">="]), inner).map(
            lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
        ),
        st.tuples(st.sampled_from(["empty", "number", "lower", "day"]), inner).map(lambda one: f"{one[0]}({one[1]})"),
        st.tuples(inner, CONDITIONS, inner).map(lambda parts: f"({parts[0]} if {parts[1]} else {parts[2]})"),
    ),
    max_leaves=10,
)


@given(PARTS, st.fixed_dictionaries({"a": VALUES, "B": VALUES, "a B": VALUES}))
def test_no_answer_makes_an_error(text: str, answers: dict[str, Any]) -> None:
    value = Expression(text)(answers)
    assert isinstance(value, (str, int, float, bool, type(None)))
    assert value == value or value is None  # never NaN


def test_a_long_expression_is_fast() -> None:
    expression = Expression("(" + " + ".join(["A"] * 80) + ") * 2")
    began = time.process_time()
    for _ in range(1000):
        assert expression({"A": "1"}) == 160
    assert time.process_time() - began < 30  # a loop without end, not a slow machine


# ---- configurations


def test_files_in_both_formats(tmp_path: Path) -> None:
    configuration = StudyConfiguration.from_dict(GIVEN)
    for name in ("study.json", "study.yaml"):
        configuration.save(tmp_path / name)
        assert StudyConfiguration.load(tmp_path / name) == configuration
    assert json.loads((tmp_path / "study.json").read_text()) == GIVEN
    assert StudyConfiguration.from_dict(configuration.to_dict()).to_dict() == GIVEN


def test_rows_of_a_mapping() -> None:
    mapping = StudyConfiguration.from_dict(GIVEN).mappings["adverse_events"]
    assert mapping.variables == ("AETERM", "AESER", "AESEV")
    assert mapping.counts({"AETERM": "Rash"})
    assert not mapping.counts({"AETERM": " "})
    assert mapping.row({"AETERM": "Rash", "AESER": "Yes", "AESEV": "mild"}) == {
        "term": "Rash", "serious": True, "severity": 1,
    }  # fmt: skip


def changed(path: str, value: Any) -> dict[str, Any]:
    given: dict[str, Any] = json.loads(json.dumps(GIVEN))
    *parents, last = path.split("/")
    at: Any = given
    for part in parents:
        at = at[int(part) if isinstance(at, list) else part]
    at[last] = value
    return given


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("version", 2, "version: this release reads version 1"),
        ("mapings", {}, "did you mean 'mappings'"),
        ("study_key", 5, "study_key: must be a text"),
        ("mappings", [], "mappings: must be a table"),
        ("mappings/adverse_events/from", "AE", r"mappings\.adverse_events: there is no setting 'from'"),
        ("mappings/adverse_events/fields/severty", "A", "did you mean 'severity'"),
        (
            "mappings/adverse_events/fields/serious",
            "AESER = 1",
            r"fields\.serious: .*equal is written ==",
        ),
        ("mappings/adverse_events/where", "AETERM", r"adverse_events\.where: must be true or false"),
        ("mappings/adverse_events/fields/serious", "AESER", r"fields\.serious: must be true or false"),
        ("mappings/adverse_events/where", "import os", r"adverse_events\.where: cannot read"),
        ("mappings/adverse_events/fields", {}, "needs `form`"),
        ("terminology_lookups/severity", {"Mild": [1]}, r"severity\.Mild: must be"),
        ("widgets", {}, "widgets: must be a list"),
        ("widgets/0/kind", "pie", "metric, table, chart"),
        ("widgets/0/table", "adverse_event", "did you mean 'adverse_events'"),
        ("widgets/0/by", "sevrity", "did you mean 'severity'"),
        ("widgets/0/by", None, "a chart needs `by`"),
        ("widgets/0/title", 3, r"widgets\[0\]\.title"),
    ],
)
def test_a_mistake_is_named_with_its_place(path: str, value: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        StudyConfiguration.from_dict(changed(path, value))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "no YAML.*line"),
        ("!!python/object/apply:os.system ['true']", "no YAML"),
        ("a: &x [1]\nb: *x", "aliases"),
        ("- 1", "must be a table"),
        ("mappings:\n  a: {form: AE, form: CM}", "'form' in line 2 is there twice"),
        ("[" * 5000, "no YAML"),
    ],
)
def test_yaml_that_is_no_configuration(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        StudyConfiguration.from_yaml(text)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        StudyConfiguration.load(tmp_path / "none.yaml")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(ConfigurationError, match="no JSON"):
        StudyConfiguration.load(tmp_path / "bad.json")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        StudyConfiguration.load(tmp_path / "bytes.yaml")


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers() | st.booleans(), max_size=4))
def test_lookups_come_back_from_both_formats(table: dict[str, Any]) -> None:
    configuration = StudyConfiguration.from_dict({"terminology_lookups": {"words": table}})
    assert StudyConfiguration.from_json(configuration.to_json()) == configuration
    assert StudyConfiguration.from_yaml(configuration.to_yaml()) == configuration
