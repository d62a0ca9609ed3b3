"""`imednet jobs get|wait`: the jobs the server runs for batches of records that were written."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import exit_codes
from ..command_group import CommandGroup
from ..connection import Connection
from ..options import OutputOption, RequiredStudyArgument
from ..output import print_message, print_rows

app = CommandGroup("Jobs of batches that were written.")


@app.command("get")
def get(
    ctx: typer.Context,
    study: RequiredStudyArgument,
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="The batchId that writing printed.")],
    output: OutputOption = None,
) -> None:
    """Show the state of one batch."""
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        print_rows([sdk.jobs.get(study, batch).to_dict()], output)


@app.command("wait")
def wait(
    ctx: typer.Context,
    study: RequiredStudyArgument,
    batches: Annotated[list[str], typer.Argument(metavar="BATCH...", help="One or several batches.")],
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between looks, after shorter first ones.")] = 5,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait in all.")] = 300,
    output: OutputOption = None,
) -> None:
    """Wait until batches are over.

    Exit status 1 where a job failed, was cancelled, or is not over in time.
    """
    from ...constants import FAILED_JOB_STATES
    from ...core.polling import JobPoller
    from ...errors import JobTimeoutError

    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        results = JobPoller(sdk.jobs.get).run_many(study, batches, interval, timeout).values()
        late = [result for result in results if isinstance(result, JobTimeoutError)]
        jobs = [result.job if isinstance(result, JobTimeoutError) else result for result in results]
        print_rows([job.to_dict() for job in jobs], output)
        if late:
            raise late[0]
        bad = [job for job in jobs if str(job.state).strip().upper() in FAILED_JOB_STATES]
        if bad:
            print_message(
                f"error: {len(bad)} of {len(jobs)} jobs did not complete, such as batch {bad[0].batch_id}: "
                f"{bad[0].state}. Next: read back what they wrote with imednet records verify JOURNAL"
            )
            raise typer.Exit(exit_codes.FAILED)
