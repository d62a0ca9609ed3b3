"""What a type checker must know of the SDK; checked by mypy and by pyright, never run.

Each planted mistake has `type: ignore`: both checkers report an ignore that ignores nothing, so that a mistake which
passes is an error of the check.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime
from typing import assert_type

import pandas as pd
import polars as pl

from imednet import AsyncImednetSDK, F, ImednetSDK
from imednet.endpoints import AsyncRecordsEndpoint, RecordsEndpoint, RowPage, Rows
from imednet.integrations import ExportReport, export_to_csv, export_to_parquet, study_frames
from imednet.models import Job, Query, Record, Site, Subject
from imednet.workflows.audit_trail import AuditEntry
from imednet.workflows.drift import Drift
from imednet.workflows.query_management import QueryStatus, SiteQueries
from imednet.workflows.subject_data import SubjectData
from imednet.workflows.visits import VisitWindow
from imednet.workflows.writing.plan import WritePlan
from imednet.workflows.writing.submit import WriteReport

STUDY = "ABC-01"


def lists(sdk: ImednetSDK) -> None:
    assert_type(sdk.records, RecordsEndpoint)
    assert_type(sdk.records.list(STUDY), Rows[Record])
    assert_type(sdk.records.list(STUDY, form_key="AE", site_id=[301, 302], deleted=False), Rows[Record])
    assert_type(sdk.records.list(STUDY, date_modified=(">=", datetime(2026, 9, 1, tzinfo=UTC))), Rows[Record])
    assert_type(sdk.records.list(STUDY, record_id={">": 5, "<=": 9}, sort="dateModified,desc"), Rows[Record])
    assert_type(sdk.records.list(STUDY, filter=F("formKey") == "AE", page_size=50, timeout=5), Rows[Record])
    assert_type(sdk.records.list(STUDY, record_data_filter="AESER==Yes"), Rows[Record])
    assert_type(sdk.visits.count(STUDY, visit_date=date(2026, 9, 1)), int)
    assert_type(next(sdk.sites.iter(STUDY, site_name="Lakeshore")), Site)
    assert_type(next(sdk.subjects.pages(STUDY, resume=None)), RowPage[Subject])
    assert_type(sdk.records.get(STUDY, 5), Record)
    assert_type(sdk.records.create(STUDY, [{"formKey": "AE", "data": {}}]), Job)
    assert_type(sdk.users.list(STUDY, include_inactive=True)[0].login, str | None)
    assert_type(sdk.studies.list()[0].study_key, str | None)
    assert_type(sdk.get_queries(STUDY, subject_key="301-001"), Rows[Query])


def mistakes_in_lists(sdk: ImednetSDK) -> None:
    sdk.recods.list(STUDY)  # type: ignore[attr-defined]
    sdk.records.lst(STUDY)  # type: ignore[attr-defined]
    sdk.records.list(STUDY, form="AE")  # type: ignore[call-overload]
    sdk.records.list(STUDY, page_sise=5)  # type: ignore[call-overload]
    sdk.records.list(STUDY, consistency="stric")  # type: ignore[call-overload]
    sdk.records.iter(STUDY, subjectKey="301-001")  # type: ignore[call-overload]
    sdk.records.count(STUDY, sort="dateModified")  # type: ignore[call-arg]
    sdk.sites.list(STUDY, form_key="AE")  # type: ignore[call-overload]
    sdk.users.list(STUDY, login="jdoe")  # type: ignore[call-overload]
    sdk.get_sites(STUDY, nothing=1)  # type: ignore[call-arg]
    print(sdk.records.list(STUDY)[0].recordId)  # type: ignore[attr-defined]


def workflows(sdk: ImednetSDK) -> None:
    assert_type(sdk.workflows.audit_trail.entries(STUDY, record_id=5), Iterator[AuditEntry])
    assert_type(sdk.workflows.query_management.get_open_queries(STUDY, site=301), list[QueryStatus])
    assert_type(sdk.workflows.query_management.ageing(STUDY), list[SiteQueries])
    assert_type(sdk.workflows.visits.windows(STUDY, exit_date="EOS.EXDAT"), list[VisitWindow])
    assert_type(sdk.workflows.drift.report(STUDY), list[Drift])
    assert_type(sdk.workflows.subject_data.get_all_subject_data(STUDY, "301-001"), SubjectData)
    assert_type(sdk.workflows.record_mapper.dataframe(STUDY, "AE"), pd.DataFrame)
    assert_type(sdk.workflows.record_update.plan(STUDY, []), WritePlan)
    assert_type(sdk.workflows.record_update.submit(STUDY, [], journal="run.jsonl", on_error="continue"), WriteReport)


def mistakes_in_workflows(sdk: ImednetSDK) -> None:
    sdk.workflows.audit_trial.entries(STUDY)  # type: ignore[attr-defined]
    sdk.workflows.drift.reprt(STUDY)  # type: ignore[attr-defined]
    sdk.workflows.visits.windows(STUDY, dayz=5)  # type: ignore[call-arg]
    sdk.workflows.query_management.statuses(STUDY, form="AE")  # type: ignore[call-arg]
    sdk.workflows.record_update.submit(STUDY, [], on_error="halt")  # type: ignore[arg-type]
    sdk.workflows.record_update.submit(STUDY, [], jurnal="x")  # type: ignore[call-arg]


def exports(sdk: ImednetSDK) -> None:
    assert_type(export_to_parquet(sdk, STUDY, "out", forms=["AE"], values="typed"), ExportReport)
    assert_type(study_frames(sdk, STUDY, deleted="drop")["AE"], pd.DataFrame)
    assert_type(study_frames(sdk, STUDY, backend="polars")["AE"], pl.DataFrame)
    assert_type(sdk.visits.list(STUDY).to_frame(), pd.DataFrame)


def mistakes_in_exports(sdk: ImednetSDK) -> None:
    export_to_parquet(sdk, STUDY, "out", form=["AE"])  # type: ignore[call-arg]
    export_to_csv(sdk, STUDY, "out", values="type")  # type: ignore[arg-type]
    study_frames(sdk, STUDY, delete="drop")  # type: ignore[call-overload]


async def asynchronous(sdk: AsyncImednetSDK) -> None:
    assert_type(sdk.records, AsyncRecordsEndpoint)
    assert_type(await sdk.records.list(STUDY, form_key="AE"), Rows[Record])
    assert_type(await sdk.workflows.query_management.ageing(STUDY), list[SiteQueries])
    entries: AsyncIterator[AuditEntry] = sdk.workflows.audit_trail.entries(STUDY)
    async for entry in entries:
        assert_type(entry, AuditEntry)
    async for record in sdk.records.iter(STUDY, form_key="AE"):
        assert_type(record, Record)


async def mistakes_in_asynchronous_code(sdk: AsyncImednetSDK) -> None:
    await sdk.records.list(STUDY, form="AE")  # type: ignore[call-overload]
    await sdk.workflows.nothing.report(STUDY)  # type: ignore[attr-defined]
    sdk.records.list(STUDY).proof  # type: ignore[attr-defined]  # noqa: B018
