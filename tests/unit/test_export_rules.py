"""Pure rules of exports: casts, names, the spool and its journal."""

from __future__ import annotations

import json
import math
import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet.errors import ExportConfigurationError
from imednet.integrations.run.spool import Spool
from imednet.integrations.tables.form_assignment import FormAssignment
from imednet.integrations.tables.layout import Shape, study_tables
from imednet.integrations.tables.naming import Namer, from_label, identifier
from imednet.integrations.tables.options import ExportKeywords, ExportOptions
from imednet.models import Form
from imednet.validation.kinds import Caster, Kind, Misfit, cast


@pytest.mark.parametrize("text", ["0", "-1", "12.50", "0.1", "9007199254740992", "-0"])
def test_plain_numbers_are_cast(text: str) -> None:
    assert cast(Kind.NUMBER, text) == float(text)


@pytest.mark.parametrize(
    "text",
    ["12,5", "<5", "1e3", "007", " 72 ", "+1", ".5", "5.", "NaN", "inf", "1 234", "٣", "1_000", "9007199254740993"],
)
def test_what_is_no_plain_number_is_a_misfit_that_does_not_tell_it(text: str) -> None:
    with pytest.raises(Misfit) as caught:
        cast(Kind.NUMBER, text)
    assert text.strip() not in str(caught.value)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_any_number_written_plainly_comes_back(value: float) -> None:
    text = f"{value:.6f}"
    assert math.isclose(cast(Kind.NUMBER, text), value, abs_tol=1e-6)


@given(st.dates())
def test_any_day_comes_back(day: date) -> None:
    assert cast(Kind.DATE, day.isoformat()) == day
    assert cast(Kind.PARTIAL, day.isoformat()[:7]) == day.isoformat()[:7]


@given(st.datetimes())
def test_any_moment_comes_back(moment: datetime) -> None:
    assert cast(Kind.DATETIME, moment.isoformat(sep=" ")) == moment


@given(st.text())
def test_any_text_is_cast_or_a_misfit(text: str) -> None:
    for kind in (Kind.NUMBER, Kind.DATE, Kind.DATETIME, Kind.TIME, Kind.PARTIAL):
        caster = Caster.of(kind)
        for _ in range(2):
            unfit = caster.unfit([text, None])
            value, nothing = caster.values([text, None])
            assert nothing is None
            assert (value is None) == (text == "" or text in caster.reasons)
            assert unfit == set(caster.reasons)


@given(st.lists(st.text(max_size=8) | st.sampled_from(["X", "x", "X_1", "", "血圧"]), max_size=12), st.integers(4, 9))
def test_names_are_unique_short_and_the_same_again(wanted: list[str], longest: int) -> None:
    for namer in (Namer(), Namer(longest), Namer(longest, clean=True, upper=True)):
        names = {str(place): namer.name(str(place), name) for place, name in enumerate(wanted)}
        assert len({name.casefold() for name in names.values()}) == len(wanted)
        if namer.longest is not None:
            assert all(len(name.encode("utf-8", "replace")) <= longest for name in names.values())
        again = Namer(namer.longest, namer.clean, namer.upper, names)
        shuffled = list(enumerate(wanted))[::-1]
        assert again.name("new", "X").casefold() not in {name.casefold() for name in names.values()}
        assert {str(place): again.name(str(place), name) for place, name in shuffled} == names


def test_labels_become_names_of_the_trade() -> None:
    labels = {
        "1. Dose/day": "DOSEDAY",
        "Was the\ndose given?": "WAS_THE_DOSE_GIVEN", "血圧": "", "!!!": "", "  a   b ": "A_B",
        "2.5 mg": "MG", "a\tb": "A_B",
    }  # fmt: skip
    assert {label: from_label(label) for label in labels} == labels
    assert identifier("") == "V"


LINES = st.lists(st.tuples(st.sampled_from(["A", "B", "C"]), st.integers(0, 999)), max_size=20)


@given(pages=st.lists(LINES, max_size=5), cut=st.integers(0, 400))
def test_a_spool_that_was_cut_anywhere_gives_back_what_its_journal_covers(
    pages: list[list[tuple[str, int]]], cut: int
) -> None:
    """Whatever bytes a dying run left behind, only whole pages are there afterwards, in order."""
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder) / "s", {"study": "S"})
        spool.start()
        for number, page in enumerate(pages):
            for key, value in page:
                spool.append(key, [json.dumps(value).encode()])
            spool.note(page=number)
        spool.append("A", [b'"lost"'])
        spool.append("D", [b'"lost"'])
        spool.close()
        journal = Path(folder) / "s" / "journal.jsonl"
        whole = journal.read_bytes()
        journal.write_bytes(whole[: max(0, len(whole) - cut)])
        again = Spool(Path(folder) / "s", {"study": "S"})
        resumed = again.resume()
        reached = again.notes.get("page", -1) if resumed else -1
        if cut == 0 and pages:
            assert reached == len(pages) - 1
        for key in "ABCD":
            wanted = [value for page in pages[: reached + 1] for one, value in page if one == key]
            found = [json.loads(line) for batch in again.batches(key, 7, 10**6) for line in batch]
            assert found == wanted
            assert again.rows(key) == len(wanted)
        again.append("D", [b"1"])
        again.note()
        assert [line.strip() for batch in again.batches("D", 10, 10**6) for line in batch] == [b"1"]
        again.remove()


def test_a_spool_of_another_study_is_not_gone_on_with(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", {"study": "S"})
    spool.start()
    spool.append("A", [b"1"])
    spool.note(token="t")
    spool.close()
    other = Spool(tmp_path / "s", {"study": "T"})
    assert not other.resume()
    assert other.rows("A") == 0
    other.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"names": "x"}, {"values": "x"}, {"deleted": "x"}, {"forms": "AE"}, {"forms": []}, {"entities": ["nothing"]},
        {"unblind": ""}, {"max_retries": -1}, {"variables": [1]}, {"consistency": "x"},
    ],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ExportConfigurationError):
        ExportOptions(**wrong)  # type: ignore[arg-type]


def test_keywords_of_exports_are_the_fields_of_their_options() -> None:
    fields = {name: str(field.type) for name, field in ExportOptions.__dataclass_fields__.items()}
    assert {name: value.__forward_arg__ for name, value in ExportKeywords.__annotations__.items()} == fields


FORMS = [Form(form_id=1, form_key="AE"), Form(form_id=2, form_key="VS"), Form(form_id=3, form_key="OLD", disabled=True)]


@pytest.mark.parametrize(
    ("form_id", "form_key", "table"),
    [
        (1, "AE", "AE"),
        ("1", "AE", "AE"),
        (1, "VS", "AE"),
        (None, "VS", "VS"),
        ("", "VS", "VS"),
        (99, "VS", "VS"),
        ([1], "VS", "VS"),
        (3, "AE", "OLD"),
        (None, "OLD", "OLD"),
        (99, "GONE", "_unassigned"),
        (99, None, "_unassigned"),
        ({}, ["AE"], "_unassigned"),
    ],
)
def test_the_id_of_a_form_decides_and_its_key_where_no_form_has_the_id(form_id: Any, form_key: Any, table: str) -> None:
    assert FormAssignment(study_tables("S", FORMS, [], ExportOptions(), Shape())).key(form_id, form_key) == table


def test_of_forms_that_share_a_key_only_the_id_decides() -> None:
    tables = study_tables(
        "S", [Form(form_id=1, form_key="AE"), Form(form_id=2, form_key="AE")], [], ExportOptions(), Shape()
    )
    assignment = FormAssignment(tables)
    assert [assignment.key(form_id, "AE") for form_id in (1, 2, 3)] == ["AE", tables.forms[1].key, "_unassigned"]
