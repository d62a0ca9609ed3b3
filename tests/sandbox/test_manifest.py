"""The manifest, counted again from the rows served, and the ledger, found again by a checker of its own."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from builds import assert_same_everywhere, pythons
from imednet.sandbox import Sandbox, Scale, Study, build
from imednet.sandbox.server.manifest import manifest_of, study_manifest
from support import LISTS, STUDY

Row = dict[str, Any]
Rows = dict[str, list[Row]]
ALL_DEFECTS = [f"D{number:02}" for number in range(1, 43)]


@pytest.fixture(scope="module", params=["demo", "more sites"])
def study(request: pytest.FixtureRequest) -> Study:
    return build(Scale() if request.param == "demo" else Scale(sites=20, subjects=150, users=30))[STUDY]


@pytest.fixture(scope="module")
def rows(study: Study) -> Rows:
    return {name: study.rows(name) for name in LISTS.values()}


@pytest.fixture(scope="module")
def manifest(study: Study) -> Row:
    return study_manifest(study)


def test_counts_and_hashes(rows: Rows, manifest: Row) -> None:
    for name, found in rows.items():
        order = {"variables": "formId", "codings": "formId"}.get(name)
        listed = sorted(found, key=lambda row: row[order]) if order else found
        lines = b"".join(
            json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            for row in listed
        )
        pages = {"500": -(-len(found) // 500), "25": -(-len(found) // 25)}
        assert manifest["lists"][name] == {
            "count": len(found), "sha256": hashlib.sha256(lines).hexdigest(), "pages": pages,
        }  # fmt: skip


def test_records_and_subjects(rows: Rows, manifest: Row) -> None:
    live = Counter(row["formKey"] for row in rows["records"] if not row["deleted"])
    gone = Counter(row["formKey"] for row in rows["records"] if row["deleted"])
    assert manifest["records"]["forms"] == {
        form["formKey"]: {"live": live[form["formKey"]], "deleted": gone[form["formKey"]]} for form in rows["forms"]
    }
    assert sum(manifest["records"]["statuses"].values()) == len(rows["records"])
    assert manifest["records"]["sites"] == {
        str(site): count for site, count in sorted(Counter(row["siteId"] for row in rows["records"]).items())
    }
    assert manifest["subjects"]["statuses"] == Counter(row["subjectStatus"] for row in rows["subjects"])
    assert sum(manifest["subjects"]["enrolled"].values()) == sum(
        bool(s["enrollmentStartDate"]) for s in rows["subjects"]
    )
    count = sum(
        len(set(row["recordData"] or {}) - {"dateCreated", "dateModified", "unvnum"}) for row in rows["records"]
    )
    assert manifest["answers"]["count"] == count


def test_queries_and_codings_and_revisions(rows: Rows, manifest: Row) -> None:
    sites = {row["subjectId"]: str(row["siteId"]) for row in rows["subjects"]}
    states: dict[str, Counter[str]] = defaultdict(Counter)
    for query in rows["queries"]:
        last = max(query["queryComments"], key=lambda one: one["sequence"], default=None)
        states[sites[query["subjectId"]]]["unknown" if last is None else "closed" if last["closed"] else "open"] += 1
    for site, counts in manifest["queries"].items():
        assert {name: counts[name] for name in ("open", "closed", "unknown")} == {
            name: states[site][name] for name in ("open", "closed", "unknown")
        }
    users = Counter(row["user"] for row in rows["recordRevisions"])
    assert manifest["revisions"]["user"] == users
    known = {row["login"] for row in rows["users"]}
    assert manifest["revisions"]["unknown"] == sorted(set(users) - known)
    terms = {"AE": "AETERM", "MH": "MHTERM", "CM": "CMTRT"}
    spoken = [r for r in rows["records"] if r["formKey"] in terms and (r["recordData"] or {}).get(terms[r["formKey"]])]
    coded = {row["recordId"] for row in rows["codings"]}
    assert manifest["codings"]["uncoded"] == len(spoken) - len(coded)
    assert sum(manifest["codings"]["versions"].values()) == len(rows["codings"])


def test_the_calendar_names_what_changed(rows: Rows, manifest: Row) -> None:
    first = "2026-10-02"
    changed: dict[str, dict[str, list[int]]] = {}
    for row in rows["records"]:
        if row["dateModified"] >= first:
            day = changed.setdefault(row["dateModified"][:10], {"changed": [], "deleted": []})
            day["deleted" if row["deleted"] else "changed"].append(row["recordId"])
    assert manifest["calendar"] == changed


def state(visit: Row, left: dict[int, str], today: str) -> str:
    """Where a visit stands, from its own row and the day its subject left."""
    if visit["deleted"] or not visit["startDate"]:
        return "deleted" if visit["deleted"] else "no window"
    if visit["visitDate"]:
        if visit["visitDate"] < visit["startDate"]:
            return "early"
        return "late" if visit["visitDate"] > visit["endDate"] else "in window"
    if (visit["dueDate"] or visit["startDate"]) > left.get(visit["subjectId"], "9999"):
        return "after exit"
    grace = 1 if visit["intervalName"].startswith("Diary") else 3 if visit["intervalId"] in (507, 508, 509, 510) else 0
    return "missed" if date.fromisoformat(visit["endDate"]) + timedelta(grace) < date.fromisoformat(today) else "future"


def test_visits(study: Study, rows: Rows, manifest: Row) -> None:
    left = {s.number: date.fromordinal(s.exit).isoformat() for s in study.plan.subjects if s.exit and s.number != 20007}
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for visit in rows["visits"]:
        counted[visit["intervalName"]][state(visit, left, "2026-11-01")] += 1
    assert manifest["visits"]["intervals"] == counted
    kept = manifest["visits"]["diary"]
    assert kept["301-003"] == {"kept": 28, "due": 28}
    assert all(0 <= one["kept"] <= one["due"] <= 28 for one in kept.values())


class Checker:
    """Finds defects in rows as a careful client would, knowing nothing of how they were made."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.variables: dict[str, dict[str, Row]] = defaultdict(dict)
        for variable in rows["variables"]:
            self.variables[variable["formKey"]][variable["variableName"]] = variable
        self.records = {row["recordId"]: row for row in rows["records"]}

    def found(self) -> dict[str, set[Any]]:
        return {
            "D04": {r["recordId"] for r in self.rows["records"] if r["recordData"] == {}},
            "D05": {r["recordId"] for r in self.rows["records"] if r["recordData"] is None},
            "D15": self.repeated("VS", lambda r: r["visitId"]),
            "D14": self.repeated("AE", self.event),
            "D24": self.answers(lambda v, value: not isinstance(value, (str, dict)) and value is not None),
            "D26": self.answers(lambda v, value: v["variableType"] == "PARTIALDATE" and "UN" in str(value)),
            "D31": self.keys(known=True),
            "D32": self.keys(known=False),
            "D34": {r["recordId"] for r in self.rows["records"] if r["keywords"] is None},
            "D35": {r["recordId"] for r in self.rows["records"] if r["dateModified"] < r["dateCreated"]},
            "D37": {q["annotationId"] for q in self.rows["queries"] if not q["queryComments"]},
            "D38": {
                q["annotationId"] for q in self.rows["queries"]
                if q["recordId"] is not None and self.records[q["recordId"]]["deleted"]
            },
            "D39": {
                q["annotationId"] for q in self.rows["queries"]
                if [c["sequence"] for c in q["queryComments"]] != sorted(c["sequence"] for c in q["queryComments"])
            },
            "D40": self.absent_users(),
            "D41": {
                r["recordId"] for r in self.rows["records"]
                if r["parentRecordId"] is not None and self.lost(r["parentRecordId"], r["deleted"])
            },
            "D10": {
                r["recordId"] for r in self.rows["records"] if r["deleted"] and r["subjectId"] not in self.gone_whole()
            },
            "D13": {
                r["visitId"] for r in self.rows["records"]
                if not r["deleted"] and r["visitId"] in {v["visitId"] for v in self.rows["visits"] if v["deleted"]}
            },
            "D16": self.same_people(),
            "D36": {r["recordId"] for r in self.rows["records"] if r["dateModified"] == "2026-09-15 02:00:00"},
            "D42": {
                c["codingId"] for c in self.rows["codings"]
                if c["revision"] > 1 or c["dictionaryVersion"] in ("27.0", "2024-03")
            },
        }  # fmt: skip

    def lost(self, parent: int, child_deleted: bool) -> bool:
        found = self.records.get(parent)
        return found is None or (found["deleted"] and not child_deleted)

    def gone_whole(self) -> set[int]:
        """Deleted subjects all of whose records are deleted too."""
        live = {row["subjectId"] for row in self.rows["records"] if not row["deleted"]}
        return {row["subjectId"] for row in self.rows["subjects"] if row["deleted"]} - live

    def same_people(self) -> set[int]:
        """Pairs with the same initials and birth year at different sites, wherever both stand there unspoilt."""
        seen: dict[Any, set[int]] = defaultdict(set)
        for row in self.rows["records"]:
            answers = row["recordData"] or {}
            if row["formKey"] == "REG" and answers.get("REGINIT") and str(answers.get("REGYOB")).isdigit():
                seen[answers["REGINIT"], answers["REGYOB"]].add(row["subjectId"])
        return {number for pair in seen.values() if len(pair) > 1 for number in pair}

    def event(self, record: Row) -> Any:
        answers = record["recordData"] or {}
        return (record["subjectId"], answers.get("AETERM"), answers.get("AESTDAT"), answers.get("AESTTIM"))

    def repeated(self, form: str, key: Any) -> set[Any]:
        """All but the first of the records that are the same by a key."""
        seen: set[Any] = set()
        found = set()
        of_form = [row for row in self.rows["records"] if row["formKey"] == form]
        for record in sorted(of_form, key=lambda row: (row["dateCreated"], row["recordId"])):
            if key(record) in seen:
                found.add(key(record))
            seen.add(key(record))
        return found

    def answers(self, wrong: Any) -> set[Any]:
        return {
            (record["recordId"], name)
            for record in self.rows["records"]
            for name, value in (record["recordData"] or {}).items()
            if name in self.variables[record["formKey"]] and wrong(self.variables[record["formKey"]][name], value)
        }

    def keys(self, *, known: bool) -> set[Any]:
        found = set()
        for record in self.rows["records"]:
            declared = self.variables[record["formKey"]]
            strange = set(record["recordData"] or {}) - set(declared) - {"dateCreated", "dateModified", "unvnum"}
            if any((name.upper() in declared) is known for name in strange):
                found.add(record["recordId"])
        return found

    def absent_users(self) -> set[Any]:
        active = {row["login"] for row in self.rows["users"] if row["userActiveInStudy"]}
        return {row["recordRevisionId"] for row in self.rows["recordRevisions"] if row["user"] not in active}


def test_a_checker_finds_exactly_the_planted_defects(rows: Rows, manifest: Row) -> None:
    """Every injected defect and only those, for the defects that rows alone can show."""
    checker = Checker(rows)
    found = checker.found()
    ledger = manifest["ledger"]
    records = checker.records
    planted: dict[str, set[Any]] = {name: {case[1] for case in ledger.get(name, [])} for name in found}
    planted["D24"] = {(case[1], case[2]) for case in ledger["D24"]}
    planted["D26"] = {(case[1], case[2]) for case in ledger["D26"]}
    planted["D15"] = {records[case[1]]["visitId"] for case in ledger["D15"]}
    twice = {checker.event(records[case[1]]) for case in ledger["D14"]}
    assert found.pop("D14") <= twice  # a double whose copy lost an answer cannot be seen
    assert twice & Checker(rows).found()["D14"]
    planted.pop("D14")
    pairs = {number for case in ledger["D16"] for number in (case[1], case[3])}
    assert found.pop("D16") <= pairs  # one whose birth year was spoilt cannot be seen
    planted.pop("D16")
    for name, cases in found.items():
        assert cases == planted[name], name


def test_the_ledger_follows_what_happens_later() -> None:
    """After ten days the checker still finds exactly what the ledger says."""
    with Sandbox() as box:
        box.advance(10)
        study = box.studies[STUDY]
        rows = {name: study.rows(name) for name in LISTS.values()}
        ledger = study_manifest(study, box.api.clock)["ledger"]
    checker = Checker(rows)
    found = checker.found()
    for name in ("D04", "D05", "D10", "D31", "D32", "D34", "D35", "D36", "D37", "D38", "D39", "D41", "D42"):
        assert found[name] == {case[1] for case in ledger.get(name, [])}, name
    for name, wrong in (("D01", ""), ("D02", None)):
        for _, number, variable, _ in ledger[name]:
            assert checker.records[number]["recordData"][variable] == wrong
    assert not any(row["dateModified"] > "2026-11" for row in rows["records"] if row["subjectId"] == 20004)
    assert any((row["visitDate"] or "") > "2026-10-31" for row in rows["visits"])


def test_the_ledger_tells_what_stood_there(rows: Rows, manifest: Row) -> None:
    """Cases of answers name a record, a variable and the answer as it would have been."""
    records = {row["recordId"]: row for row in rows["records"]}
    for name, wrong in (("D01", ""), ("D02", None)):
        for endpoint, number, variable, original in manifest["ledger"][name]:
            assert endpoint == "records"
            assert records[number]["recordData"][variable] == wrong
            assert original is not None
    for _, number, variable, _ in manifest["ledger"]["D03"]:
        assert variable not in records[number]["recordData"]
    for _, number, variable, _ in manifest["ledger"]["D21"]:
        assert records[number]["recordData"][variable].endswith(",5")
    for _, number, _, _ in manifest["ledger"]["D36"]:
        assert records[number]["dateModified"] == "2026-09-15 02:00:00"
    for _, number, _, _ in manifest["ledger"]["D10"]:
        assert records[number]["deleted"]


def test_demo_has_every_defect_and_the_clean_subject_none(manifest: Row, rows: Rows) -> None:
    assert sorted(manifest["ledger"]) == ALL_DEFECTS
    clean = {row["recordId"] for row in rows["records"] if row["subjectId"] == 20004}
    clean |= {row["visitId"] for row in rows["visits"] if row["subjectId"] == 20004}
    touched = {
        (name, case[1])
        for name, cases in manifest["ledger"].items()
        for case in cases
        if case[0] in ("records", "visits")
    }
    assert not {case for case in touched if case[1] in clean}
    assert not [query for query in rows["queries"] if query["subjectId"] == 20004]


def test_builds_are_the_same_in_every_process_and_version(tmp_path: Path) -> None:
    """This process, and one of each version of Python found, give the same manifest to the last byte."""
    assert_same_everywhere("demo", manifest_of(build()), pythons(), tmp_path)


def test_the_manifest_of_a_running_sandbox_follows_its_changes() -> None:
    with Sandbox() as box:
        before = box.manifest(ledger=False)["study"][STUDY]
        done = box.advance(1)
        after = box.manifest(ledger=False)["study"][STUDY]
    assert after["lists"]["records"]["count"] == before["lists"]["records"]["count"] + done["new"]
    day = after["calendar"]["2026-11-01"]
    assert (len(day["changed"]), len(day["deleted"])) == (done["new"] + done["changed"], done["deleted"])
    assert min(done.values()) > 0
