"""Jobs J5 to J8 and J10, check by check, sync and async, on the strict sandbox and under the live dialect."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from imednet import AsyncImednetSDK
from imednet.errors import ArgumentError, NotFoundError
from imednet.integrations import export_to_csv, export_to_json, export_to_parquet
from imednet.sandbox import Answer, Fault, Request, Sandbox
from imednet.validation import load_dictionary
from imednet.workflows.query_management import QueryStatus
from imednet.workflows.study_structure import Design, differences
from imednet.workflows.subject_data import SubjectData
from support import PATIENCE, STUDY, Door, Ways

Make = Callable[..., Sandbox]
both_dialects = pytest.mark.parametrize("dialect", ["documented", "live"])


@pytest.fixture(scope="module", params=["documented", "live"])
def study(request: pytest.FixtureRequest) -> Any:
    """A demo sandbox of one dialect, which no test changes."""
    with Sandbox(dialect=request.param) as box:
        yield box


def served(box: Sandbox, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = box.studies[STUDY].rows(name, unblinded=False)
    return found


def subject(one: Door, number: int, box: Sandbox) -> SubjectData:
    key = next(row["subjectKey"] for row in served(box, "subjects") if row["subjectId"] == number)
    found: SubjectData = one.call("workflows.subject_data.get_all_subject_data", STUDY, key)
    return found


def iterated(one: Door, path: str, *args: Any, **kwargs: Any) -> list[Any]:
    """What a streaming workflow gives, as a list."""
    target = one.sdk
    for name in path.split("."):
        target = getattr(target, name)
    if one.kind == "sync":
        return list(target(*args, **kwargs))

    async def collect() -> list[Any]:
        return [item async for item in target(*args, **kwargs)]

    assert one._runner is not None
    found: list[Any] = one._runner.run(collect())
    return found


# ---- J5: everything about one subject


def test_j5_1_the_subject_of_the_examples(study: Sandbox, door: Ways) -> None:
    data = subject(door(study), 20001, study)
    assert data.records[0].form_key in ("REG", "ICF", "ELIG", "DEMO")
    order = {visit.visit_id: place for place, visit in enumerate(data.visits)}
    at_visits = [order[row.visit_id] for row in data.records if row.visit_id in order and row.parent_record_id is None]
    assert at_visits == sorted(at_visits)
    events = [row for row in data.records if row.form_key == "AE"]
    (action,) = [row for row in data.records if row.form_key == "AEACT" and row.parent_record_id is not None][:1]
    parent = next(row for row in events if row.record_id == action.parent_record_id)
    assert action in data.children_of(parent.record_id)
    assert data.records.index(action) > data.records.index(parent)
    assert {len(query.query_comments or []) for query in data.queries} == {3, 1}
    assert data.codings
    assert data.revisions
    assert any(row.keywords for row in data.records) or data.subject.keywords
    json.dumps(data.to_dict())


def test_j5_2_all_records_of_the_subject_and_no_other(study: Sandbox, door: Ways) -> None:
    for number in (20001, 20004, 20008):
        data = subject(door(study), number, study)
        for name, rows in (("records", data.records), ("visits", data.visits), ("queries", data.queries)):
            wanted = [row for row in served(study, name) if row["subjectId"] == number]
            assert len(rows) == len(wanted), name
        assert {row.record_id for row in data.records} == {
            row["recordId"] for row in served(study, "records") if row["subjectId"] == number
        }
        assert {row.subject_id for row in data.records} == {number}


def test_j5_3_deleted_and_broken_subjects_give_warnings(study: Sandbox, door: Ways) -> None:
    deleted = subject(door(study), 20003, study)
    assert "the subject is deleted" in deleted.warnings
    broken = " ".join(subject(door(study), 20011, study).warnings)
    for part in (
        "its own parent",
        "not among the records",
        "interval 540, which is disabled",
        "but its visit",
        "no answers",
    ):
        assert part in broken, part


def test_j5_4_texts_are_exact_and_unscheduled_visits_in_number_order(study: Sandbox, door: Ways) -> None:
    data = subject(door(study), 20008, study)
    wanted = {row["recordId"]: row["recordData"] for row in served(study, "records") if row["subjectId"] == 20008}
    folded = {number: {k.casefold(): v for k, v in (answers or {}).items()} for number, answers in wanted.items()}
    for row in data.records:
        assert {k.casefold(): v for k, v in (row.record_data or {}).items()} == folded[row.record_id or 0]
    data = subject(door(study), 20015, study)
    numbers = [
        (row.record_data or {}).get("unvnum")
        for row in data.records
        if row.form_key == "UNS" and row.visit_id is not None
    ]
    assert [one for one in numbers if one] == [str(number) for number in range(1, 13)]


def test_j5_5_an_unknown_key_is_not_found(study: Sandbox, door: Ways) -> None:
    for key in ("301-999", "301-00", "301-0011"):
        with pytest.raises(NotFoundError, match="has no subject of this key") as caught:
            door(study).call("workflows.subject_data.get_all_subject_data", STUDY, key)
        assert key not in str(caught.value)


# ---- J6: open queries by site and age


def test_j6_1_2_counts_by_site_equal_the_oracle(study: Sandbox, door: Ways) -> None:
    one = door(study)
    wanted = study.manifest()["study"][STUDY]["queries"]
    found = {
        str(site.site_id): {
            "open": site.open, "closed": site.closed, "unknown": site.unknown,
            "oldest": site.oldest.strftime("%Y-%m-%d %H:%M:%S") if site.oldest else None,
        }
        for site in one.call("workflows.query_management.ageing", STUDY)
    }  # fmt: skip
    assert found == wanted
    counts = one.call("workflows.query_management.get_query_state_counts", STUDY)
    assert counts == {state: sum(site[state] for site in found.values()) for state in ("open", "closed", "unknown")}
    kinds = {(status.query.record_id is None) for status in one.call("workflows.query_management.statuses", STUDY)}
    assert kinds == {True, False}


def statuses(one: Door, number: int) -> list[QueryStatus]:
    found = one.call("workflows.query_management.statuses", STUDY)
    return [status for status in found if status.query.subject_id == number]


def test_j6_3_ages_and_who_must_act_next(study: Sandbox, door: Ways) -> None:
    for status in door(study).call("workflows.query_management.get_open_queries", STUDY):
        comments = sorted(status.query.query_comments, key=lambda comment: comment.sequence)
        days = re.compile(r"(\d+)-(\d+)-(\d+)")
        assert days.match(comments[0].date)
        assert status.age_days >= status.idle_days >= 0
        answered = str(comments[-1].annotation_status).endswith("Responded")
        if len(comments) > 1:
            assert status.waits_for == ("opener" if answered else "site"), comments
        else:
            assert status.waits_for == "site"


def test_j6_4_reopened_queries_are_open_and_deleted_records_are_flagged(study: Sandbox, door: Ways) -> None:
    one = door(study)
    torture = statuses(one, 20012)
    assert any(status.reopened and status.state == "open" for status in torture)
    assert any(status.on_deleted_record for status in torture)
    gone = {row["recordId"] for row in served(study, "records") if row["deleted"]}
    everything = one.call("workflows.query_management.statuses", STUDY)
    assert {s.query.annotation_id for s in everything if s.on_deleted_record} == {
        row["annotationId"] for row in served(study, "queries") if row["recordId"] in gone
    }
    kept = one.call("workflows.query_management.statuses", STUDY, include_deleted=False)
    assert len(kept) == len(everything) - sum(status.on_deleted_record for status in everything)


@both_dialects
def test_j6_5_status_words_in_another_language_change_nothing(own_box: Make, door: Ways, dialect: str) -> None:
    plain, german = own_box(dialect=dialect), own_box(dialect=dialect, switches={"statusWords": "german"})
    found = [
        [site.to_row() for site in door(box).call("workflows.query_management.ageing", STUDY)]
        for box in (plain, german)
    ]
    assert found[0] == found[1]


# ---- J7: the audit trail


def test_j7_2_logins_are_joined_and_unknown_ones_kept(study: Sandbox, door: Ways) -> None:
    trail = iterated(door(study), "workflows.audit_trail.entries", STUDY)
    wanted = served(study, "recordRevisions")
    assert [one.revision.record_revision_id for one in trail] == sorted(row["recordRevisionId"] for row in wanted)
    people = {row["login"]: row for row in study.studies[STUDY].rows("users")}
    for one in trail:
        person = people.get(one.revision.user)
        assert one.active == (person["userActiveInStudy"] if person else None)
        assert (one.name is None) == (person is None or not (person["firstName"] or person["lastName"]))
    assert any(one.active is False for one in trail)
    assert any(one.active is None for one in trail)


def test_j7_3_filters_by_record_subject_user_and_dates(study: Sandbox, door: Ways) -> None:
    one, rows = door(study), served(study, "recordRevisions")
    first = next(row for row in rows if row["subjectKey"])
    for name, field in (("record_id", "recordId"), ("subject_key", "subjectKey"), ("user", "user")):
        found = iterated(one, "workflows.audit_trail.entries", STUDY, **{name: first[field]})
        assert len(found) == sum(row[field] == first[field] for row in rows)
    found = iterated(one, "workflows.audit_trail.entries", STUDY, since="2026-09-01", until="2026-10-01")
    assert len(found) == sum("2026-09-01" <= row["dateCreated"] < "2026-10-01" for row in rows) > 0
    listed = one.call("workflows.data_extraction.extract_audit_trail", STUDY, user=first["user"])
    assert len(listed) == sum(row["user"] == first["user"] for row in rows)


@pytest.mark.parametrize("export", [export_to_csv, export_to_parquet, export_to_json])
def test_j7_4_changed_values_between_two_snapshots_stand_beside_the_revisions(
    own_box: Make, door: Ways, export: Callable[..., Any], tmp_path: Path
) -> None:
    box = own_box()
    one = door(box)
    from imednet import ImednetSDK

    with ImednetSDK(**box.credentials) as sdk:
        export(sdk, STUDY, tmp_path / "before")
        old = {row["recordId"]: row for row in served(box, "records")}
        box.advance(1)
        export(sdk, STUDY, tmp_path / "after")
    new = {row["recordId"]: row for row in served(box, "records")}
    found = one.call("workflows.audit_trail.changes", STUDY, tmp_path / "before", tmp_path / "after")
    wanted: set[tuple[int, str | None]] = set()
    for number, row in new.items():
        if number not in old:
            wanted.add((number, None))
            continue
        before, after = old[number]["recordData"] or {}, row["recordData"] or {}
        for name in before.keys() | after.keys():
            if (before.get(name) or None) != (after.get(name) or None) and name not in ("dateCreated", "dateModified"):
                wanted.add((number, name))
        for field in ("recordStatus", "deleted"):
            if old[number][field] != row[field]:
                wanted.add((number, field))
    assert {(one.change.record_id, one.change.variable) for one in found} == wanted
    assert wanted
    assert all(change.entries for change in found)
    assert found[0].to_row()["users"]


def test_j7_4_only_snapshots_that_were_made_alike_are_compared(study: Sandbox, door: Ways, tmp_path: Path) -> None:
    from imednet import ImednetSDK

    one = door(study)
    with ImednetSDK(**study.credentials) as sdk:
        export_to_csv(sdk, STUDY, tmp_path / "a", forms=["AE"])
        export_to_csv(sdk, STUDY, tmp_path / "b", forms=["AE", "MH"])
        export_to_csv(sdk, STUDY, tmp_path / "c", forms=["AE"], names="label")
    with pytest.raises(ArgumentError, match=r"form MH is in .* and was not exported to"):
        one.call("workflows.audit_trail.changes", STUDY, tmp_path / "a", tmp_path / "b")
    with pytest.raises(ArgumentError, match="different formats or options"):
        one.call("workflows.audit_trail.changes", STUDY, tmp_path / "a", tmp_path / "c")
    with pytest.raises(ArgumentError, match="holds no export"):
        one.call("workflows.audit_trail.changes", STUDY, tmp_path, tmp_path / "b")
    assert one.call("workflows.audit_trail.changes", STUDY, tmp_path / "a", tmp_path / "a") == []


def test_j7_5_gaps_are_reported(own_box: Make, door: Ways) -> None:
    box = own_box()
    assert door(box).call("workflows.audit_trail.gaps", STUDY) == []
    table = box.studies[STUDY].table("recordRevisions")
    counts: dict[int, list[int]] = {}
    for place in table.places():
        row = table.row(place)
        counts.setdefault(row["recordId"], []).append(place)
    record, places = next((record, places) for record, places in counts.items() if len(places) == 4)
    table.remove(places[1])
    (gap,) = door(box).call("workflows.audit_trail.gaps", STUDY)
    assert (gap.record_id, gap.missing) == (record, (2,))


# ---- J8: visits and diaries


def test_j8_1_windows_by_interval_equal_the_oracle(study: Sandbox, door: Ways) -> None:
    """But for subject 20007, whose end of study has no date: the day it was entered counts as the day it left."""
    wanted = study.manifest()["study"][STUDY]["visits"]["intervals"]
    one = door(study)
    windows = one.call("workflows.visits.windows", STUDY, exit_date="EOS.EXDAT", include_disabled=True)
    found: dict[str, dict[str, int]] = {}
    for window in windows:
        state = window.state
        if window.visit.subject_id == 20007 and state == "after exit":
            state = "missed"
        counts = found.setdefault(window.visit.interval_name, {})
        counts[state] = counts.get(state, 0) + 1
    assert {name: dict(sorted(counts.items())) for name, counts in found.items()} == wanted
    moved = [w for w in windows if w.visit.subject_id == 20007 and w.state == "after exit"]
    assert len(moved) == 4
    by_site = one.call("workflows.visits.counts", STUDY, exit_date="EOS.EXDAT")
    together = one.call("workflows.visits.counts", STUDY, exit_date="EOS.EXDAT", sites=False)
    assert sum(sum(count.states.values()) for count in by_site) == sum(sum(c.states.values()) for c in together)
    assert all(count.site_id is not None for count in by_site)


def test_j8_2_missing_due_dates_invent_nothing(study: Sandbox, door: Ways) -> None:
    windows = door(study).call("workflows.visits.windows", STUDY, exit_date="EOS.EXDAT", days=30)
    far = [window for window in windows if window.visit.interval_name in ("Month 12", "Month 24")]
    assert all(not window.visit.due_date for window in far)
    assert {window.state for window in far} >= {"in window", "future"}
    soon = [window for window in windows if window.due_soon]
    assert soon
    for window in soon:
        due = window.visit.due_date or window.visit.start_date
        assert due <= "2026-12-01"
        assert window.visit.end_date >= "2026-11-01"
        assert not window.visit.visit_date
    assert all(
        window.state == "no window" for window in windows if not window.visit.start_date and not window.visit.deleted
    )


def test_j8_3_diary_compliance_equals_the_oracle(study: Sandbox, door: Ways) -> None:
    wanted = study.manifest()["study"][STUDY]["visits"]["diary"]
    found = door(study).call("workflows.visits.diary_compliance", STUDY, exit_date="EOS.EXDAT")
    assert {one.subject_key: {"kept": one.kept, "due": one.due} for one in found} == wanted
    assert all(one.rate is None or 0 <= one.rate <= 1 for one in found)


def test_j8_4_5_deleted_visits_exits_and_retired_intervals(study: Sandbox, door: Ways) -> None:
    one = door(study)
    windows = one.call("workflows.visits.windows", STUDY, exit_date="EOS.EXDAT")
    assert all(window.state == "deleted" for window in windows if window.visit.deleted)
    assert 540 not in {window.visit.interval_id for window in windows}
    asked = one.call("workflows.visits.windows", STUDY, exit_date="EOS.EXDAT", include_disabled=True)
    assert len(asked) >= len(windows)
    without = one.call("workflows.visits.windows", STUDY)
    late = sum(window.state == "missed" for window in without)
    assert late > sum(window.state == "missed" for window in windows)
    for wrong in ({"exit_date": "EOS"}, {"days": -1}):
        with pytest.raises(ArgumentError):
            one.call("workflows.visits.windows", STUDY, **wrong)


# ---- J10: the design


@both_dialects
def test_j10_1_the_same_study_gives_the_same_bytes(own_box: Make, door: Ways, dialect: str, tmp_path: Path) -> None:
    one = door(own_box(dialect=dialect))
    for name in ("a", "b"):
        one.call("workflows.study_structure.snapshot", STUDY, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    facts = json.loads((tmp_path / "a").read_text("utf-8"))
    assert {name: len(facts[name]) for name in ("sites", "forms", "variables", "intervals", "users")} == {
        "sites": 6, "forms": 29, "variables": 275, "intervals": 40, "users": 23,
    }  # fmt: skip
    assert one.call("workflows.study_structure.diff", STUDY, tmp_path / "a") == []


def test_j10_2_changes_are_told_once_and_order_is_none(own_box: Make, door: Ways, tmp_path: Path) -> None:
    box = own_box()
    one = door(box)
    one.call("workflows.study_structure.snapshot", STUDY, tmp_path / "a")
    study = box.studies[STUDY]
    forms, variables, sites = study.table("forms"), study.table("variables"), study.table("sites")
    keys = [forms.row(place)["formKey"] for place in forms.places()]
    forms.change(keys.index("AE"), disabled=True, dateModified="2026-11-01 00:00:00")
    forms.change(keys.index("CM"), formName="Medication", revision=99)
    forms.change(keys.index("PD"), dateModified="2026-11-01 00:00:00")
    names = [(variables.row(p)["formKey"], variables.row(p)["variableName"]) for p in variables.places()]
    first, second = names.index(("VS", "SYSBP1")), names.index(("VS", "DIABP1"))
    a, b = variables.row(first)["sequence"], variables.row(second)["sequence"]
    variables.change(first, sequence=b)
    variables.change(second, sequence=a)
    variables.change(names.index(("MH", "MHTERM")), label="Another question")
    variables.add({**variables.row(first), "variableId": 700900, "variableName": "NEWVAR", "sequence": 99})
    sites.remove(list(sites.places())[-1])
    found = {(one.what, one.key, one.kind) for one in one.call("workflows.study_structure.diff", STUDY, tmp_path / "a")}
    assert found == {
        ("forms", "AE", "disabled"),
        ("forms", "CM", "renamed"),
        ("forms", "CM", "revision raised"),
        ("variables", "VS.SYSBP1", "re-ordered"),
        ("variables", "VS.DIABP1", "re-ordered"),
        ("variables", "MH.MHTERM", "renamed"),
        ("variables", "VS.NEWVAR", "added"),
        ("sites", "Centro Médico Peñablanca", "removed"),
    }


def test_j10_3_role_dates_as_arrays_and_as_texts_give_the_same_snapshot(own_box: Make, door: Ways) -> None:
    found = [
        door(own_box(switches={"roleDates": kind})).call("workflows.study_structure.get_study_structure", STUDY).text()
        for kind in ("array", "string", "mixed")
    ]
    assert found[0] == found[1] == found[2]


def test_j10_2_the_order_of_rows_and_keys_raises_no_alarm(own_box: Make, door: Ways) -> None:
    def shuffled(request: Request, answer: Callable[[Request], Answer]) -> Answer:
        result = answer(request)
        if result.status == 200 and "/forms" in request.path:
            body = json.loads(result.body)
            body["data"] = [dict(reversed(row.items())) for row in body["data"]]
            return Answer(200, json.dumps(body).encode())
        return result

    one, other = door(own_box()), door(own_box(intercept=shuffled))
    designs = [d.call("workflows.study_structure.get_study_structure", STUDY) for d in (one, other)]
    assert differences(*designs) == []
    assert designs[0].text() == designs[1].text()


def test_j10_4_5_choices_come_from_the_dictionary_and_names_are_not_merged(
    study: Sandbox, door: Ways, tmp_path: Path
) -> None:
    text = "\ufeffForm Key,Variable Name,Choice Text,Choice Value,Sequence\r\nAE,AESER,No,0,2\r\nAE,AESER,Yes,1,1\r\n"
    (tmp_path / "CHOICES.csv").write_text(text, "utf-8")
    dictionary = load_dictionary(tmp_path)
    design: Design = door(study).call("workflows.study_structure.get_study_structure", STUDY, dictionary)
    rows = {(row["formKey"], row["variableName"]): row for row in design.facts["variables"]}
    assert rows["AE", "AESER"]["choices"] == ["Yes", "No"]
    assert rows["AE", "AESER"]["choicesKnown"] is True
    assert rows["AE", "AETERM"]["choicesKnown"] is False
    assert rows["VS", "SYSBP1"]["variableId"] != rows["UNS", "SYSBP1"]["variableId"]
    with pytest.raises(ArgumentError, match="is not a design"):
        Design.load(tmp_path / "CHOICES.csv")


# ---- frames and criteria


def test_records_by_criteria_of_record_subject_and_visit(study: Sandbox, door: Ways) -> None:
    found = door(study).call(
        "workflows.data_extraction.extract_records_by_criteria", STUDY,
        record_filter={"form_key": "VS"}, subject_filter={"site_id": 301}, visit_filter={"interval_name": "Baseline"},
    )  # fmt: skip
    site = {row["subjectId"] for row in served(study, "subjects") if row["siteId"] == 301}
    baseline = {row["visitId"] for row in served(study, "visits") if row["intervalName"] == "Baseline"}
    wanted = {
        row["recordId"] for row in served(study, "records")
        if row["formKey"] == "VS" and row["subjectId"] in site and row["visitId"] in baseline
    }  # fmt: skip
    assert {row.record_id for row in found} == wanted
    assert wanted


def test_frames_drop_nothing(study: Sandbox, door: Ways) -> None:
    frames = dict(iterated(door(study), "workflows.record_mapper.frames", STUDY))
    assert len(frames) == 28
    rows = served(study, "records")
    for form_key, frame in frames.items():
        own = {row["recordId"]: row["recordData"] or {} for row in rows if row["formKey"] == form_key}
        assert set(frame["recordId"]) == set(own)
        columns = {source.casefold(): column for column, source in frame.attrs["variables"].items()}
        listed = {(issue["recordId"], issue["variable"]): issue["value"] for issue in frame.attrs["issues"]}
        for _, line in frame.iterrows():
            undeclared = json.loads(line["undeclared"]) if pd.notna(line["undeclared"]) else {}
            for name, value in own[line["recordId"]].items():
                if value is None or value == "":
                    continue
                cell = line.get(columns.get(name.casefold()))
                kept = str(cell) if pd.notna(cell) else None
                found = (kept, listed.get((line["recordId"], name)), undeclared.get(name))
                text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                if isinstance(cell, float):
                    assert cell == float(text), (form_key, name)
                elif isinstance(cell, pd.Timestamp):
                    assert cell.isoformat(sep=" ").startswith(text.replace("T", " ")), (form_key, name)
                else:
                    assert text in found or (kept or "").startswith(text) or value in found, (form_key, name)
    with pytest.raises(ArgumentError, match="has no form"):
        door(study).call("workflows.record_mapper.dataframe", STUDY, "NOPE")


def test_the_tree_holds_every_record_once(study: Sandbox, door: Ways) -> None:
    tree = door(study).call("workflows.record_mapper.hierarchy", STUDY)
    found = [row.record_id for node in tree for visit in node.visits for rows in visit.forms.values() for row in rows]
    assert sorted(found) == sorted(row["recordId"] for row in served(study, "records"))
    assert len(tree) == 49
    assert tree[-1].subject is None


@pytest.mark.parametrize(
    ("path", "args", "how"),
    [
        ("query_management.get_queries_by_site", ("Nowhere",), {}),
        ("query_management.get_queries_by_site", (999,), {}),
        ("query_management.get_queries_for_subject", ("301-999",), {}),
        ("query_management.get_open_queries", (), {"site": 999}),
        ("visits.windows", (), {"subject_key": "301-999"}),
    ],
)
def test_a_site_or_subject_that_is_not_there_is_not_found(
    study: Sandbox, door: Ways, path: str, args: tuple[Any, ...], how: dict[str, Any]
) -> None:
    with pytest.raises(NotFoundError, match="Next: imednet"):
        door(study).call(f"workflows.{path}", STUDY, *args, **how)


@pytest.mark.parametrize(
    ("path", "how"),
    [
        ("visits.windows", {"exit_date": "EOSS.EXDAT"}),
        ("visits.counts", {"exit_date": "EOS.EXDATE"}),
        ("coding_reconciliation.report", {"variables": {"AE": "AETREM"}}),
    ],
)
def test_a_variable_that_is_not_there_is_an_error(study: Sandbox, door: Ways, path: str, how: dict[str, Any]) -> None:
    """Read by it, nobody would have left, and nothing would wait for its code."""
    with pytest.raises(ArgumentError, match="has no variable"):
        door(study).call(f"workflows.{path}", STUDY, **how)


def test_a_variable_whose_name_ends_like_a_column_of_texts_is_compared(
    own_box: Make, door: Ways, tmp_path: Path
) -> None:
    """AETERM_raw beside AETERM: neither hides a change of the other."""
    from imednet import ImednetSDK

    box = own_box()
    variables, records = box.studies[STUDY].table("variables"), box.studies[STUDY].records
    first = next(variables.row(p) for p in variables.places() if variables.row(p)["variableName"] == "AETERM")
    variables.add({**first, "variableId": 700901, "variableName": "AETERM_raw", "sequence": 99})
    place = next(
        p for p in records.places()
        if records.row(p)["formKey"] == "AE" and not records.row(p)["deleted"] and records.data(p)
    )  # fmt: skip
    answers = {**(records.data(place) or {}), "AETERM": "one", "AETERM_raw": "same"}
    records.change(place, recordData=answers)
    with ImednetSDK(**box.credentials) as sdk:
        for name, export in (("csv", export_to_csv), ("parquet", export_to_parquet)):
            records.change(place, recordData=answers)
            export(sdk, STUDY, tmp_path / f"{name}-before", forms=["AE"])
            records.change(place, recordData={**answers, "AETERM": "two"})
            export(sdk, STUDY, tmp_path / f"{name}-after", forms=["AE"])
            changes = door(box).call(
                "workflows.audit_trail.changes", STUDY, tmp_path / f"{name}-before", tmp_path / f"{name}-after"
            )
            assert [(one.change.variable, one.change.old, one.change.new) for one in changes] == [
                ("AETERM", "one", "two")
            ]


def test_a_cancelled_workflow_leaves_no_call_behind(own_box: Make) -> None:
    """Also while the calls that run side by side wait for their answers."""
    box = own_box(faults=[Fault("latency", endpoint=name, seconds=PATIENCE) for name in ("queries", "subjects")])

    async def run() -> int:
        async with AsyncImednetSDK(**box.credentials) as sdk:
            task = asyncio.create_task(sdk.workflows.query_management.ageing(STUDY))
            while not {"GET queries", "GET subjects"} <= set(box.stats()["requests"]):
                await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return len(asyncio.all_tasks()) - 1

    assert asyncio.run(run()) == 0
