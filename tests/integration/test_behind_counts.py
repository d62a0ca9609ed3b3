"""What lies behind a count: queries, subjects and a subject's timeline have the rows that the counts count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from imednet import ImednetSDK
from imednet.errors import ArgumentError
from imednet.models.study_config import StudyConfiguration
from imednet.reports.charts import cut_off, draw, drawable
from imednet.sandbox import Sandbox
from imednet.workflows.monitoring import StudyData
from imednet.workflows.monitoring.details.query_list import query_list
from imednet.workflows.monitoring.details.subject_list import subject_list
from imednet.workflows.monitoring.details.timeline import LISTS, timeline
from imednet.workflows.monitoring.enrolment import enrolment
from imednet.workflows.monitoring.query_tables import query_status
from imednet.workflows.monitoring.query_trend import query_trend
from support import STUDY

CONFIGURATION = StudyConfiguration.from_dict({
    "mappings": {
        "adverse_events": {
            "form": "AE",
            "fields": {"term": "AETERM", "onset": "AESTDAT", "end": "AEENDAT", "serious": 'AESER == "Yes"'},
        },
    },
})  # fmt: skip


@pytest.fixture(scope="module")
def data() -> Iterator[StudyData]:
    with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
        yield sdk.workflows.monitoring.read(STUDY, (*LISTS, "records"), answers=["AE"])


def test_the_queries_are_those_that_are_counted(data: StudyData) -> None:
    listed = query_list(data)
    total = query_status(data).total
    assert total is not None
    assert len(listed) == total["queries"]
    assert sum(row["state"] == "open" for row in listed.rows) == total["open"]
    assert sum(row["waitsFor"] == "site" for row in listed.rows) == total["waitsForSite"]
    ages = [row["ageDays"] for row in listed.rows if row["state"] == "open"]
    assert ages == sorted(ages, key=lambda age: -(age or 0))  # type: ignore[operator]
    assert any(row["formKey"] for row in listed.rows)


def test_the_months_add_up_to_the_queries_there_are(data: StudyData) -> None:
    trend, total = query_trend(data), query_status(data).total
    assert total is not None
    assert sum(int(row["opened"] or 0) for row in trend.rows) == int(total["open"] or 0) + int(total["closed"] or 0)
    assert sum(int(row["closed"] or 0) for row in trend.rows) == total["closed"]
    assert trend.rows[-1]["openAtEnd"] == total["open"]
    assert trend.rows[-1]["month"] == data.today.strftime("%Y-%m")
    months = [str(row["month"]) for row in trend.rows]
    assert months == sorted(set(months))


def test_what_was_not_read_is_no_column(data: StudyData) -> None:
    bare = replace(data, records=None, queries=data.queries)
    assert not {"formKey", "onDeletedRecord"} & {column.name for column in query_list(bare).columns}
    assert "open" not in {column.name for column in subject_list(replace(data, queries=None)).columns}


def test_the_subjects_are_those_that_are_counted(data: StudyData) -> None:
    listed = subject_list(data)
    total = enrolment(data).total
    assert total is not None
    assert len(listed) == total["registered"]
    assert sum(row["enrolled"] is True for row in listed.rows) == total["enrolled"]
    of_subjects = sum(
        row["state"] == "open" and row["subjectKey"] is not None for row in query_list(data).rows
    )  # fmt: skip
    assert sum(int(row["open"] or 0) for row in listed.rows) == of_subjects


def test_a_timeline_has_every_visit_event_and_query_of_its_subject(data: StudyData) -> None:
    events = {key for record in data.answers["AE"] if not record.deleted and (key := record.subject_key)}
    for key in sorted(events)[:5]:
        one = data.of_subject(key)
        table = timeline(one, CONFIGURATION)
        kinds = [row["kind"] for row in table.rows]
        assert kinds.count("visit") == len(one.visits or ())
        assert kinds.count("query") == len(one.queries or ())
        records = [record for record in one.answers["AE"] if not record.deleted]
        assert kinds.count("adverse events") == len(records) > 0
        serious = sum((record.record_data or {}).get("AESER") == "Yes" for record in records)
        assert sum(row["state"] == "serious" for row in table.rows) == serious
        days = [str(row["day"]) for row in table.rows if len(str(row["day"])) == 10]
        assert days == sorted(days)
        assert drawable(table)
        assert len(draw(table).to_dict()["data"]["values"]) == len(days)


def test_rows_without_a_whole_day_are_told_where_the_chart_leaves_them_out(data: StudyData) -> None:
    key = str((data.subjects or [])[0].subject_key)
    table = timeline(data.of_subject(key), CONFIGURATION)
    assert cut_off(replace(table, rows=[row for row in table.rows if row["kind"] == "visit"])) is None
    partial = replace(table, rows=[*table.rows, {**table.rows[0], "day": "2026-02"}, {**table.rows[0], "day": None}])
    before = sum(len(str(row["day"])) != 10 for row in table.rows)
    assert cut_off(partial) == f"{before + 2} rows without a whole day are not in the chart"


def test_a_timeline_is_of_one_subject_of_the_study_of_the_configuration(data: StudyData) -> None:
    with pytest.raises(ArgumentError, match="of one subject"):
        timeline(data)
    one = data.of_subject(str((data.subjects or [])[0].subject_key))
    with pytest.raises(ArgumentError, match="the configuration is of study 'OTHER'"):
        timeline(one, StudyConfiguration("OTHER"))
