"""Monitoring tables against the sandbox's manifest, and against counts made here from the rows the server holds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml

from imednet import ImednetSDK
from imednet.errors import ArgumentError, NotFoundError
from imednet.mirror import Mirror
from imednet.models.study_config import StudyConfiguration
from imednet.sandbox import Sandbox
from imednet.workflows.monitoring import MonitoringTable, StudyData
from imednet.workflows.monitoring.coding_backlog import coding_backlog
from imednet.workflows.monitoring.enrolment import enrolment
from imednet.workflows.monitoring.kri.report import KriReport
from imednet.workflows.monitoring.kri.settings import KriSettings
from imednet.workflows.monitoring.missing_pages import missing_pages
from imednet.workflows.monitoring.query_tables import query_status
from imednet.workflows.monitoring.visit_adherence import visit_adherence
from imednet.workflows.visits import exits_of
from monitoring import CHECKS, EXIT, Case, opened
from support import STUDY, Door, Ways, served


@pytest.fixture(scope="module", params=["documented", "live"])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    """The demo study in each dialect."""
    with opened("demo", request.param) as found:
        yield found


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.__name__))
def test_tables_say_what_the_study_holds(case: Case, check: Callable[[Case], None]) -> None:
    check(case)


# ---- the workflow


@pytest.fixture(scope="module")
def demo() -> Iterator[Sandbox]:
    with Sandbox() as box:
        yield box


CONFIGURATION = StudyConfiguration.from_dict({
    "mappings": {
        "adverse_events": {
            "form": "AE",
            "fields": {"term": "AETERM", "onset": "day(AESTDAT)", "serious": 'AESER == "Yes"', "severity": "AESEV"},
        },
        "deviations": {"form": "PD", "fields": {"category": "DVCAT", "important": 'DVSEV in ("Major", "Critical")'}},
    }
})  # fmt: skip


def every_table(one: Door, **narrowing: Any) -> dict[str, MonitoringTable]:
    """Each table of the workflow."""
    work = "workflows.monitoring."
    found = {
        name: one.call(work + name, STUDY, **narrowing)
        for name in ("enrolment", "missing_pages", "visit_adherence", "entry_lag", "query_status", "query_response",
                     "site_performance", "record_status", "completeness", "coding_backlog", "data_changes", "diary")
    }  # fmt: skip
    for table in ("adverse_events", "deviations"):
        found[table] = one.call(work + "listing", STUDY, CONFIGURATION, table, **narrowing)
    return found


def test_all_tables_of_the_workflow(demo: Sandbox, door: Ways) -> None:
    for name, table in every_table(door(demo), exit_date=EXIT).items():
        assert table.rows, name
        assert table.title
        assert table.caption.endswith(".")
        assert list(table.rows[0]) == [one.name for one in table.columns]
        assert sum(one.urgent for one in table.columns) >= 1
        assert len(table.to_frame()) == len(table) == len(table.to_rows())
        if table.chart is not None and table.chart.x != "rows":
            for axis in (table.chart.x, table.chart.y, *table.chart.stacked):
                table.column(axis)
        assert repr(table).startswith("<MonitoringTable")


def test_a_table_of_one_subject(demo: Sandbox, door: Ways) -> None:
    tables = every_table(door(demo), exit_date=EXIT, subject_key="301-001")
    assert tables["enrolment"].total is not None
    assert tables["enrolment"].total["registered"] == 1
    assert {row["subjectKey"] for row in tables["missing_pages"].rows} == {"301-001"}
    assert {row["subjectKey"] for row in tables["adverse_events"].rows} == {"301-001"}


def test_the_casebook_holds_all_of_a_subject(demo: Sandbox, door: Ways) -> None:
    table = door(demo).call("workflows.monitoring.casebook", STUDY, "301-001")
    kinds = Counter(row["kind"] for row in table.rows)
    study = demo.studies[STUDY]
    of_subject = {name: [row for row in served(study, name) if row["subjectId"] == 20001] for name in
                  ("records", "queries", "codings", "recordRevisions")}  # fmt: skip
    ours = {"dateCreated", "dateModified", "unvnum"}
    assert kinds["answer"] == sum(len(set(row["recordData"] or {}) - ours) for row in of_subject["records"])
    assert kinds["query"] == sum(len(row["queryComments"]) for row in of_subject["queries"])
    assert kinds["coding"] == len(of_subject["codings"])
    assert kinds["saved state"] == len(of_subject["recordRevisions"])


def test_a_mirror_gives_the_same_tables(demo: Sandbox, tmp_path: Any) -> None:
    mirror = Mirror(tmp_path / "mirror")
    with ImednetSDK(**demo.credentials) as sdk:
        mirror.sync(sdk, STUDY)
        live = every_table(_Direct(sdk), exit_date=EXIT)
    with mirror.sdk() as local:
        kept = every_table(_Direct(local), exit_date=EXIT)
    for name, table in live.items():
        assert (table.rows, table.total) == (kept[name].rows, kept[name].total), name


class _Direct(Door):
    """A blocking SDK that is open already."""

    def __init__(self, sdk: Any) -> None:
        self.kind, self._runner, self.sdk = "sync", None, sdk


def test_listings_equal_the_answers(demo: Sandbox, door: Ways) -> None:
    table = door(demo).call("workflows.monitoring.listing", STUDY, CONFIGURATION, include_deleted=True)
    wanted = {
        row["recordId"]: {name.upper(): value for name, value in (row["recordData"] or {}).items()}
        for row in served(demo.studies[STUDY], "records")
        if row["formKey"] == "AE" and not row["deleted"]
    }
    assert {row["recordId"] for row in table.rows} == set(wanted)
    for row in table.rows:
        answers = wanted[row["recordId"]]
        assert row["field term"] == ((answers.get("AETERM") or "").strip() or None)
        assert row["field serious"] is (answers.get("AESER") == "Yes")
    serious = door(demo).call("workflows.monitoring.listing", STUDY, CONFIGURATION, include_deleted=True, serious=True)
    assert len(serious) == sum(answers.get("AESER") == "Yes" for answers in wanted.values())


@pytest.mark.parametrize(
    ("method", "options", "error", "says"),
    [
        ("enrolment", {"target": 0}, ArgumentError, "above 0"),
        ("enrolment", {"by": "month", "target": 5, "target_date": "soon"}, ArgumentError, "2026-12-31"),
        ("enrolment", {"by": "month", "target": 5, "target_date": "2020-01-01"}, ArgumentError, "before the first"),
        ("enrolment", {"site": 999}, NotFoundError, "imednet sites list"),
        ("enrolment", {"subject_key": "nobody"}, NotFoundError, "imednet subjects list"),
        ("missing_pages", {"exit_date": "EOS"}, ArgumentError, "FORM.VARIABLE"),
        ("missing_pages", {"exit_date": "EOS.NOPE"}, ArgumentError, "EOS.NOPE"),
        ("diary", {"group": "Diary"}, ArgumentError, "ePRO"),
        ("coding_backlog", {"variables": {"AE": "NOPE"}}, ArgumentError, "AE.NOPE"),
    ],
)
def test_what_cannot_be_asked(
    demo: Sandbox, door: Ways, method: str, options: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        door(demo).call(f"workflows.monitoring.{method}", STUDY, **options)


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ({"form": "EA", "fields": {"term": "AETERM"}}, "no form 'EA'"),
        ({"form": "AE", "fields": {"term": "AETREM"}}, "no variable 'AETREM'"),
        ({"form": "AE", "fields": {"term": "AETERM"}, "where": 'SERIOUS == "Yes"'}, "no variable 'SERIOUS'"),
    ],
)
def test_a_slip_in_a_mapping_is_no_empty_listing(demo: Sandbox, door: Ways, mapping: dict[str, Any], says: str) -> None:
    configuration = StudyConfiguration.from_dict({"mappings": {"adverse_events": mapping}})
    with pytest.raises(ArgumentError, match=says):
        door(demo).call("workflows.monitoring.listing", STUDY, configuration)


def test_a_study_without_subjects_gives_empty_tables(door: Ways) -> None:
    with Sandbox(profile="empty") as box:
        for name, table in every_table(door(box)).items():
            assert not [row for row in table.rows if row.get("subjectKey")], name
            assert table.total is None or not any(isinstance(value, int) and value for value in table.total.values())


# ---- risk indicators


def kri_settings() -> dict[str, Any]:
    """The settings that docs/kri.md shows."""
    page = (Path(__file__).resolve().parent.parent.parent / "docs" / "kri.md").read_text("utf-8")
    shown = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    found: dict[str, Any] = yaml.safe_load(shown.group(1))
    return found


def sums(report: KriReport, indicator: str) -> dict[str, tuple[float, float]]:
    return {
        one.current.group: (one.current.numerator, one.current.denominator)
        for one in report.results
        if one.current.indicator == indicator
    }


def test_indicators_count_what_the_lists_hold(demo: Sandbox, door: Ways) -> None:
    report = door(demo).call("workflows.monitoring.kri", STUDY, KriSettings.from_dict(kri_settings()), exit_date=EXIT)
    study = demo.studies[STUDY]
    gone = {row["subjectId"] for row in served(study, "subjects") if row["deleted"]}
    records = [
        row
        for row in served(study, "records")
        if not row["deleted"] and row["subjectId"] is not None and row["subjectId"] not in gone
    ]
    dead = {row["recordId"] for row in served(study, "records") if row["deleted"]}
    asked = [row for row in served(study, "queries") if row["subjectId"] not in gone and row["recordId"] not in dead]
    people = [row for row in served(study, "subjects") if not row["deleted"]]
    answers = {
        row["recordId"]: {name.upper(): value for name, value in (row["recordData"] or {}).items()} for row in records
    }
    sites = {row["subjectId"]: str(row["siteId"]) for row in people}

    def days(form: str, name: str) -> dict[int, date]:
        found: dict[int, date] = {}
        for row in records:
            if row["formKey"] == form:
                try:
                    day = date.fromisoformat(str(answers[row["recordId"]].get(name) or "")[:10])
                except ValueError:
                    continue
                found[row["subjectId"]] = min(day, found.get(row["subjectId"], day))
        return found

    starts, exits, deaths = days("PROC", "PRDAT"), days("EOS", "EXDAT"), days("EOS", "EXDTHDAT")
    today = date(2026, 11, 1)
    time = {
        subject: max(0, (min(day for day in (today, exits.get(subject), deaths.get(subject)) if day) - start).days)
        for subject, start in starts.items()
    }

    def by_site(numerator: Mapping[int, float], denominator: Mapping[int, float]) -> dict[str, tuple[float, float]]:
        found: dict[str, tuple[float, float]] = {}
        for subject in starts:
            before = found.get(sites[subject], (0, 0))
            found[sites[subject]] = (
                before[0] + numerator.get(subject, 0), before[1] + denominator.get(subject, 0),
            )  # fmt: skip
        return {site: pair for site, pair in found.items() if pair[1]}

    def events(form: str, where: Any) -> Mapping[int, float]:
        return Counter(
            row["subjectId"] for row in records if row["formKey"] == form and where(answers[row["recordId"]])
        )

    assert sums(report, "kri0001") == by_site(events("AE", lambda _: True), time)
    assert sums(report, "kri0002") == by_site(events("AE", lambda one: one.get("AESER") == "Yes"), time)
    assert sums(report, "kri0003") == by_site(events("PD", lambda one: one.get("DVSEV") == "Minor"), time)
    important = events("PD", lambda one: one.get("DVSEV") in ("Major", "Critical"))
    assert sums(report, "kri0004") == by_site(important, time)
    queries = Counter(row["subjectId"] for row in asked)
    live = {
        (row["formKey"], row["variableName"])
        for row in served(study, "variables")
        if not (row["disabled"] or row["deleted"] or row["variableType"].startswith("CALC"))
    }
    points: Counter[int] = Counter()
    for row in records:
        given = answers[row["recordId"]]
        points[row["subjectId"]] += sum(
            value not in (None, "") and (row["formKey"], name) in live for name, value in given.items()
        )
    assert sums(report, "kri0008") == by_site(queries, points)
    every: Counter[int] = Counter()
    slow: Counter[int] = Counter()
    for row in asked:
        comments = sorted(row["queryComments"], key=lambda comment: comment["sequence"])
        if comments:
            first, last = (datetime.fromisoformat(comments[place]["date"].replace("Z", "")) for place in (0, -1))
            age = ((last if comments[-1]["closed"] else datetime(2026, 11, 1)) - first).days
            every[row["subjectId"]] += 1
            slow[row["subjectId"]] += age > 30
    assert sums(report, "kri0009") == by_site(slow, every)
    screened = Counter(sites.values())
    failed = Counter(str(row["siteId"]) for row in people if row["subjectStatus"] == "Screen Failed")
    assert sums(report, "kri0012") == {site: (failed[site], count) for site, count in screened.items()}
    assert "no score can pass" in report.notes[0]


def test_countries_are_made_of_subjects_and_need_names(demo: Sandbox, door: Ways) -> None:
    given = kri_settings()
    one = door(demo)
    sites = one.call("workflows.monitoring.kri", STUDY, KriSettings.from_dict(given))
    countries = one.call("workflows.monitoring.kri", STUDY, KriSettings.from_dict(given), level="Country")
    norway = sums(countries, "kri0001")["Norway"]
    parts = [sums(sites, "kri0001")[str(site)] for site in (301, 305)]
    assert norway == (sum(part[0] for part in parts), sum(part[1] for part in parts))
    del given["countries"]
    with pytest.raises(ArgumentError, match="countries"):
        one.call("workflows.monitoring.kri", STUDY, KriSettings.from_dict(given), level="Country")


def test_a_slip_in_the_settings_is_no_site_without_events(demo: Sandbox, door: Ways) -> None:
    given = kri_settings()
    given["indicators"]["kri0002"]["where"] = 'AESERIOUS == "Yes"'
    with pytest.raises(ArgumentError, match=r"no variable AE\.AESERIOUS"):
        door(demo).call("workflows.monitoring.kri", STUDY, KriSettings.from_dict(given))


def test_tables_of_indicators(demo: Sandbox, door: Ways) -> None:
    settings = KriSettings.from_dict(kri_settings())
    one = door(demo)
    first = one.call("workflows.monitoring.kri", STUDY, settings)
    again = one.call("workflows.monitoring.kri", STUDY, settings, history=[
        replace(result, day="2026-10-01", flag=2) for result in first.current()
    ])  # fmt: skip
    table = again.table()
    assert len(table) == len(first.current())
    assert {row["change"] for row in table.rows if row["flag"] == 0} == {"cleared"}
    assert {row["change"] for row in table.rows if row["flag"] is None} == {"lost"}
    assert len(again.risk()) <= 6
    assert again.bounds("kri0001")
    assert not again.bounds("kri0013")


# ---- what would look like less, or like nothing


def changed(data: StudyData, name: str, change: Any) -> StudyData:
    """The data with each row of a list changed by a function; rows it gives `None` for are left out."""
    rows = [row for one in getattr(data, name) if (row := change(one)) is not None]
    lists: dict[str, Any] = {name: rows}
    return replace(data, **lists)


def test_a_site_without_any_coding_has_a_backlog(case: Case) -> None:
    bare = changed(case.live, "codings", lambda coding: None if coding.site_id == 301 else coding)
    whole = {row["siteId"]: row for row in coding_backlog(bare, by="site").rows}
    alone = coding_backlog(bare.of_site(301), by="site")
    assert alone.rows == [whole[301]]
    assert int(whole[301]["uncoded"] or 0) > 10
    none = replace(case.live, codings=[], coded={})
    assert "no variable has a coding" in coding_backlog(none).notes[-1]


def test_names_of_answers_in_another_case_change_nothing(case: Case) -> None:
    lower = {
        form: [attrs.evolve(row, record_data={key.lower(): value for key, value in (row.record_data or {}).items()})
               for row in rows]
        for form, rows in case.live.answers.items()
    }  # fmt: skip
    assert coding_backlog(replace(case.live, answers=lower)).rows == coding_backlog(case.live).rows
    assert exits_of(lower["EOS"], "EXDAT") == exits_of(case.live.answers["EOS"], "EXDAT")


def test_odd_dates_of_enrolment_are_told_and_cost_nothing(case: Case) -> None:
    odd = iter(["UNK", "05/06/2025", "2062-01-01 00:00:00", "9999-12-31"])
    data = changed(
        case.live, "subjects",
        lambda one: attrs.evolve(one, enrollment_start_date=next(odd, one.enrollment_start_date))
        if one.enrollment_start_date else one,
    )  # fmt: skip
    table = enrolment(data, by="month", target=60, target_date="2027-03-31")
    assert {
        "2 enrolment dates lie in the future and are left out",
        "2 enrolment dates cannot be read and are left out",
    } <= {*table.notes}
    assert table.rows[-1]["month"] == "2027-03"
    assert table.total is not None
    total = enrolment(data, by="site").total
    assert total is not None
    assert int(table.total["enrolled"] or 0) + 4 == total["enrolled"]
    for day, says in (("9999-12-31", "too far"), ("2026-02-30", "2026-12-31"), ("20270331", "2026-12-31")):
        with pytest.raises(ArgumentError, match=says):
            enrolment(data, by="month", target=60, target_date=day)
    with pytest.raises(ArgumentError, match="by month"):
        enrolment(data, by="site", target=60)


def test_odd_dates_of_visits_break_no_table(case: Case) -> None:
    odd = iter(["UNK", "2025-06-05 00:00:00", "2025"] * 5)
    data = changed(
        case.live,
        "visits",
        lambda visit: attrs.evolve(visit, end_date=next(odd, visit.end_date)) if visit.end_date else visit,
    )
    assert len(visit_adherence(data)) == len(visit_adherence(case.live))
    assert missing_pages(data)
    timed = changed(
        case.live, "visits",
        lambda one: attrs.evolve(one, visit_date=f"{one.visit_date[:10]} 23:59:59") if one.visit_date else one,
    )  # fmt: skip
    assert visit_adherence(timed).rows == visit_adherence(case.live).rows


def test_a_site_is_named_by_its_number_or_a_name_of_its_own(case: Case) -> None:
    first, second = list(case.live.sites or [])[:2]
    named = changed(
        case.live, "sites", lambda site: attrs.evolve(site, site_name="007") if site.site_id == second.site_id else site
    )
    assert named.of_site("007").sites == [one for one in named.sites or [] if one.site_id == second.site_id]
    assert case.live.of_site("301").sites == case.live.of_site(301).sites
    with pytest.raises(NotFoundError):
        case.live.of_site("0301")
    same = changed(case.live, "sites", lambda site: attrs.evolve(site, site_name="One"))
    with pytest.raises(ArgumentError, match="several sites"):
        same.of_site("One")
    clash = changed(
        case.live, "sites",
        lambda site: attrs.evolve(site, site_name=str(first.site_id)) if site.site_id == second.site_id else site,
    )  # fmt: skip
    with pytest.raises(ArgumentError, match="several sites"):
        clash.of_site(str(first.site_id))


def test_what_was_left_out_is_told_of_the_site_alone(case: Case) -> None:
    gone = {row["siteId"]: 0 for row in case.rows("sites")}
    for row in case.rows("subjects"):
        gone[row["siteId"]] += row["deleted"]
    for site, count in gone.items():
        assert case.live.of_site(site).dropped.get("subjects", 0) == count


def test_lists_that_are_not_proven_are_named_under_the_table(case: Case) -> None:
    unproven = replace(case.live.proofs["queries"], status="unproven", reason="nothing was compared")
    data = replace(case.live, proofs={**case.live.proofs, "queries": unproven})
    assert query_status(data).notes[0] == "the list of queries is not proven whole: nothing was compared"


def test_a_deleted_subject_is_no_subject_that_is_missing(demo: Sandbox, door: Ways) -> None:
    gone = next(row["subjectKey"] for row in served(demo.studies[STUDY], "subjects") if row["deleted"])
    one = door(demo)
    with pytest.raises(ArgumentError, match="--deleted"):
        one.call("workflows.monitoring.enrolment", STUDY, subject_key=gone)
    assert len(one.call("workflows.monitoring.enrolment", STUDY, subject_key=gone, include_deleted=True)) == 1
    with pytest.raises(ArgumentError, match="belongs to site 301"):
        one.call("workflows.monitoring.enrolment", STUDY, subject_key="301-001", site=302)


def test_a_configuration_is_for_its_own_study(demo: Sandbox, door: Ways) -> None:
    other = StudyConfiguration.from_dict({**CONFIGURATION.to_dict(), "study_key": "OTHER"})
    with pytest.raises(ArgumentError, match="OTHER"):
        door(demo).call("workflows.monitoring.listing", STUDY, other)


def test_the_first_run_of_indicators_has_nothing_new(demo: Sandbox, door: Ways) -> None:
    report = door(demo).call("workflows.monitoring.kri", STUDY, KriSettings.from_dict(kri_settings()))
    assert {row["change"] for row in report.table().rows} == {None}


def test_settings_that_count_nobody_are_told(demo: Sandbox, door: Ways) -> None:
    given = kri_settings()
    given["indicators"]["kri0012"]["statuses"] = ["Screen Faild"]
    given["time_on_study"]["start"] = "EOS.EXDTHDAT"
    notes = door(demo).call("workflows.monitoring.kri", STUDY, KriSettings.from_dict(given)).notes
    assert any("no subject has the status screen faild" in note for note in notes)
    assert any("partial or no dates" in note for note in notes)
    given["countries"] = {999: "Norway"}
    with pytest.raises(ArgumentError, match="999"):
        door(demo).call("workflows.monitoring.kri", STUDY, KriSettings.from_dict(given))
