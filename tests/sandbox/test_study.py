"""What holds in every build of the invented study, whatever its size."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pytest

from imednet.sandbox import Scale, Study, build
from imednet.sandbox.invent.seeded import Dice
from imednet.sandbox.invent.sites import quotas, sites_of
from imednet.sandbox.invent.sizes import PROFILES, SIZES
from imednet.sandbox.study.tables import KEYS
from support import LISTS, STUDY

Rows = dict[str, list[dict[str, Any]]]
TWIN = "TIDEWATER-201-DEV"
CLOCK = "2026-11-01 00:00:00"


@pytest.fixture(scope="module", params=["demo", "twin", "several sites"])
def study(request: pytest.FixtureRequest) -> Study:
    if request.param == "several sites":
        return build(Scale(sites=20, subjects=120, users=30), seed=7)[STUDY]
    return build()[STUDY if request.param == "demo" else TWIN]


@pytest.fixture(scope="module")
def rows(study: Study) -> Rows:
    return {name: study.rows(name) for name in LISTS.values()}


def test_identities_are_unique_and_grow(rows: Rows) -> None:
    for name, found in rows.items():
        numbers = [tuple(row[key] for key in KEYS[name]) for row in found]
        assert len(set(numbers)) == len(numbers), name
        assert numbers == sorted(numbers), name


def test_everything_points_to_what_exists(rows: Rows) -> None:
    """Sites, subjects, visits, intervals, forms and parents, but for the planted strays."""
    sites = {row["siteId"] for row in rows["sites"]}
    subjects = {row["subjectId"]: row for row in rows["subjects"]}
    intervals = {row["intervalId"] for row in rows["intervals"]}
    visits = {row["visitId"]: row for row in rows["visits"]}
    records = {row["recordId"]: row for row in rows["records"]}
    forms = {row["formId"]: row["formKey"] for row in rows["forms"]}
    assert {row["siteId"] for row in subjects.values()} <= sites
    assert {row["intervalId"] for row in visits.values()} <= intervals
    for record in records.values():
        assert forms[record["formId"]] == record["formKey"]
        assert record["siteId"] in sites
        if record["recordType"] == "SITE":
            assert (record["subjectId"], record["subjectKey"], record["visitId"], record["intervalId"]) == (None,) * 4
            continue
        subject = subjects[record["subjectId"]]
        assert (record["subjectKey"], record["siteId"]) == (subject["subjectKey"], subject["siteId"])
        if record["visitId"] is not None:
            visit = visits[record["visitId"]]
            assert (visit["subjectId"], visit["intervalId"]) == (record["subjectId"], record["intervalId"])
        parent = record["parentRecordId"]
        if parent is not None and parent != 4999999 and parent != record["recordId"]:
            assert records[parent]["formKey"] == "AE"
            assert records[parent]["subjectId"] == record["subjectId"]
    for name in ("recordRevisions", "queries", "codings"):
        for row in rows[name]:
            assert row["recordId"] is None or row["recordId"] in records


def test_no_time_is_later_than_the_server_clock(rows: Rows) -> None:
    for name, found in rows.items():
        for row in found:
            for field in ("dateCreated", "dateModified", "dateCoded"):
                assert str(row.get(field) or "") < CLOCK, (name, row)
            for comment in row.get("queryComments") or ():
                assert comment["date"] < CLOCK


def test_visits_of_a_subject_are_in_order(study: Study) -> None:
    """Consent, baseline, procedure, and then all others."""
    for subject in study.plan.subjects:
        days = [day for day in subject.days[:3] if day is not None]
        assert days == sorted(days)
        if subject.treated:
            assert all(day >= (subject.days[2] or 0) for day in subject.days[3:] if day is not None)
        assert all(day is None or day >= subject.registered for day in subject.days)


def test_the_last_revision_is_the_record(rows: Rows) -> None:
    of_record = defaultdict(list)
    for revision in rows["recordRevisions"]:
        of_record[revision["recordId"]].append(revision)
    assert set(of_record) == {row["recordId"] for row in rows["records"]}
    for record in rows["records"]:
        revisions = of_record[record["recordId"]]
        assert [row["recordRevision"] for row in revisions] == list(range(1, len(revisions) + 1))
        last = revisions[-1]
        shared = ("recordStatus", "deleted", "recordOid", "subjectId", "subjectKey", "siteId", "formKey", "intervalId")
        assert [last[name] for name in shared] == [record[name] for name in shared]
        assert last["dateCreated"] == record["dateModified"]
        assert [row["dataRevision"] for row in revisions] == sorted(row["dataRevision"] for row in revisions)
        assert not any(row["deleted"] for row in revisions[:-1])
        if record["deleted"]:
            assert last["reasonForChange"] == "Entered in error"


def test_a_query_is_closed_when_its_last_comment_says_so(rows: Rows) -> None:
    for query in rows["queries"]:
        comments = sorted(query["queryComments"], key=lambda one: one["sequence"])
        assert [one["sequence"] for one in comments] == list(range(1, len(comments) + 1))
        for comment in comments:
            assert comment["closed"] is comment["annotationStatus"].endswith(" Closed")
        if comments:
            assert query["dateModified"] == max(one["date"] for one in comments)


def test_forms_agree_with_one_another(study: Study, rows: Rows) -> None:
    """Serial numbers, arms, means, exit reasons and windows say the same wherever they stand."""
    answers: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(dict)
    for record in rows["records"]:
        if record["subjectId"] not in (20008, 20009, 20010, 20011) and record["recordData"]:
            answers[record["formKey"]].setdefault(record["subjectKey"], []).append(record["recordData"])
    statuses = {row["subjectKey"]: row["subjectStatus"] for row in rows["subjects"]}
    serials = {key: found[0].get("PRSER") for key, found in answers["PROC"].items()}
    for key, found in answers["DD"].items():
        assert {one.get("DDSER") for one in found} - {"", None} <= {serials[key], ""} or not serials[key]
    for found in answers["ACCT"].values():
        for one in found:
            if one.get("DASUBJ") and one.get("DASER") and serials.get(one["DASUBJ"]):
                assert one["DASER"] == serials[one["DASUBJ"]]
    reasons = {"Completed": "Completed protocol", "Deceased": "Death", "Screen Failed": "Screen failure"}
    for key, found in answers["EOS"].items():
        wanted = reasons.get(statuses[key])
        assert wanted is None or {one.get("EXREAS") for one in found} <= {wanted, "", None}
    means = 0
    for found in answers["VS"].values():
        for one in found:
            three = [str(one.get(f"SYSBP{n}")) for n in (1, 2, 3)]
            if all(value.isdigit() for value in three) and str(one.get("SYSMEAN")).isdigit():
                means += round(sum(map(int, three)) / 3) == int(one["SYSMEAN"])
    assert means > len(answers["VS"])
    late = sum(len(study.plan.late_visits(subject)) for subject in study.plan.subjects)
    assert late <= sum(one.get("DVCAT") == "Visit window" for found in answers["PD"].values() for one in found) + 5


def test_status_counts_are_exact() -> None:
    assert quotas([0.06, 0.18, 0.05, 0.38, 0.22, 0.07, 0.03, 0.01], 48) == [3, 9, 2, 18, 11, 3, 1, 1]
    statuses = Counter(row["subjectStatus"] for row in build()[STUDY].rows("subjects"))
    assert statuses == {
        "Registered": 3, "Screen Failed": 9, "Baseline": 2, "Enrolled": 18, "Completed": 11, "Withdrawn": 3,
        "Lost to Follow-Up": 1, "Deceased": 1,
    }  # fmt: skip


def test_sites_of_large() -> None:
    """8 % without subjects, 12 % closed, one in forty with the name of another."""
    sites = sites_of(build()[STUDY].design, Dice(2024), 400, 18300)
    assert sum(count for _, count in sites) == 18300
    assert sum(count == 0 for _, count in sites) == 32
    assert sum(site["siteEnrollmentStatus"] == "Enrollment Closed" for site, _ in sites) == 48
    assert len(sites) - len({site["siteName"] for site, _ in sites}) == 10
    assert len({site["siteId"] for site, _ in sites}) == 400


def normalised(study: Rows, number: int) -> list[Any]:
    """All that is said of a subject, with ids that depend on the size of the study replaced."""
    wanted = ("subjects", "visits", "records", "recordRevisions", "queries", "codings")
    found: list[Any] = []
    numbers = {
        row[key]
        for name, key in (("records", "recordId"), ("visits", "visitId"))
        for row in study[name]
        if row["subjectId"] == number
    }
    ranks = {value: place for place, value in enumerate(sorted(numbers))}
    for name in wanted:
        rows = []
        for row in study[name]:
            if row["subjectId"] != number:
                continue
            given = ("annotationId", "codingId", "recordOid", "recordRevisionId")
            plain = {field: value for field, value in row.items() if field not in given}
            for field in ("recordId", "visitId", "parentRecordId"):
                if field in plain:
                    plain[field] = field if plain[field] in ranks else plain[field]
            rows.append(plain)
        found.append(sorted(map(repr, rows)))
    return found


@pytest.mark.parametrize("number", range(20001, 20017))
def test_scripted_subjects_are_the_same_in_every_size(sizes: tuple[Rows, Rows], number: int) -> None:
    small, larger = sizes
    assert normalised(small, number) == normalised(larger, number)


@pytest.fixture(scope="module")
def sizes() -> tuple[Rows, Rows]:
    small, larger = build()[STUDY], build(Scale(sites=20, subjects=120, users=30))[STUDY]
    return {name: small.rows(name) for name in LISTS.values()}, {name: larger.rows(name) for name in LISTS.values()}


def test_a_seed_makes_another_study() -> None:
    one, other = build(seed=1)[STUDY], build(seed=2)[STUDY]
    assert one.rows("records") != other.rows("records")
    assert one.rows("records") == build(seed=1)[STUDY].rows("records")


class TestProfiles:
    """Each breaks one thing."""

    def test_wide(self) -> None:
        study = build(PROFILES["wide"])[STUDY]
        variables = study.rows("variables")
        assert (len(study.rows("forms")), len(variables)) == (132, 3300)
        assert len(study.rows("subjects")) == 160
        assert 8300 < len(study.table("records")) < 9100
        per_form = Counter(row["formKey"] for row in variables)
        assert max(per_form.values()) == 620
        names = Counter(row["variableName"] for row in variables)
        assert {"Pain Level", "1stDose", "recordId", "subjectKey", "dateCreated", "aeterm", "AETERM", "X" * 64} <= set(
            names
        )
        repeated = sum(count for count in names.values() if count > 1)
        assert 0.36 < repeated / len(variables) < 0.44
        assert sum(len(row["label"]) > 300 for row in variables) == 30
        assert {"血圧", "!!!", "X", "X_1"} <= {row["label"] for row in variables}
        with_records = {row["formKey"] for row in study.rows("records")}
        assert len(with_records) > 120

    def test_empty(self) -> None:
        study = build(PROFILES["empty"])[STUDY]
        design = {name: len(study.rows(name)) for name in ("forms", "intervals", "variables")}
        assert design == {"forms": 29, "intervals": 40, "variables": 275}
        for name in set(LISTS.values()) - set(design):
            assert study.rows(name) == [], name

    @pytest.mark.parametrize(("profile", "count"), [("single", 500), ("single-501", 501), ("single-1000", 1000)])
    def test_single(self, profile: str, count: int) -> None:
        study = build(PROFILES[profile])[STUDY]
        assert len(study.rows("records")) == count
        assert {row["recordId"] for row in study.rows("recordRevisions")} == {
            r["recordId"] for r in study.rows("records")
        }
        study.rows("queries"), study.rows("codings")

    def test_legacy(self) -> None:
        study = build(PROFILES["legacy"])[STUDY]
        forms = study.rows("forms")
        with_disabled = {row["formKey"] for row in study.rows("variables") if row["disabled"]}
        odd = [form for form in forms if form["disabled"] or form["formKey"] in with_disabled]
        assert 0.55 <= len(odd) / len(forms) <= 0.65
        assert min(form["revision"] for form in forms) > 40

    def test_burst(self) -> None:
        study = build(Scale(burst=6000))[STUDY]
        moments = Counter(study.records.values("dateModified"))
        assert moments["2026-10-25 03:00:00"] == 6000
        assert PROFILES["burst"].burst == 6000
        assert PROFILES["burst"].subjects == SIZES["medium"].subjects
