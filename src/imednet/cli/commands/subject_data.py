"""`imednet subject-data STUDY SUBJECT`: everything about one subject."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ..connection import Connection, own_workflows
from ..options import OutputOption, RequiredStudyArgument
from ..output import print_message, print_rows


def subject_data(
    ctx: typer.Context,
    study: RequiredStudyArgument,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="Key of the subject.")],
    output: OutputOption = None,
) -> None:
    """Show the records of one subject by visit; `--output json` adds its visits, queries, codings and revisions."""
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        data = own_workflows(sdk).subject_data.get_all_subject_data(study, subject)
        for warning in data.warnings:
            print_message(f"warning: {warning}")
        if output == "json":
            typer.echo(json.dumps(data.to_dict(), ensure_ascii=False, indent=2))
            return
        visits = {visit.visit_id: visit for visit in data.visits}
        print_rows(
            [
                {
                    "formKey": record.form_key,
                    "intervalName": visits[record.visit_id].interval_name if record.visit_id in visits else None,
                    "visitDate": visits[record.visit_id].visit_date if record.visit_id in visits else None,
                    "recordId": record.record_id,
                    "parentRecordId": record.parent_record_id,
                    "recordStatus": record.record_status,
                    "deleted": record.deleted,
                    "recordData": record.record_data,
                }
                for record in data.records
            ],
            output,
        )
        counts = f"{len(data.visits)} visits, {len(data.records)} records, {len(data.queries)} queries"
        print_message(f"{counts}, {len(data.codings)} codings, {len(data.revisions)} revisions")
