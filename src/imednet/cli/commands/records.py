"""`imednet records template|register|update|create|submit|verify`: writing records from a file, after a dry run.

`imednet records list` is in `record_list`. The writing itself is `workflows.writing`.
"""

from __future__ import annotations

import csv
import io
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import exit_codes, run_log
from ..connection import Connection
from ..options import OutputOption, RequiredStudyArgument
from ..output import Format, print_message, print_rows, to_json
from .record_list import list_records

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...workflows.writing.earlier_runs import WrittenBeforeError
    from ...workflows.writing.plan import WritePlan
    from ...workflows.writing.submit import WriteReport

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="CSV, Excel or JSON; see `records template`.")]


class OnError(StrEnum):
    """What to do after a batch whose items are not all stored."""

    STOP = "stop"
    CONTINUE = "continue"


class Action(StrEnum):
    """What the rows of a template are for."""

    REGISTER = "register"
    UPDATE = "update"
    SCHEDULED = "scheduled"
    CREATE = "create"


FormOption = Annotated[str | None, typer.Option("--form", help="Form of the rows that name none.", show_default=False)]
YesOption = Annotated[bool, typer.Option("--yes", help="Send. Without it nothing is sent, except to the sandbox.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Print the request bodies and send nothing, not even to the sandbox.")
]
OnErrorOption = Annotated[
    OnError, typer.Option("--on-error", help="What to do after a batch whose items are not all stored.")
]
EmailNotifyOption = Annotated[
    str | None, typer.Option("--email-notify", help="E-mail address that the server notifies.", show_default=False)
]
BatchSizeOption = Annotated[int, typer.Option("--batch-size", min=1, help="Items per request.")]
JournalOption = Annotated[
    Path | None, typer.Option("--journal", help="Journal of the run; by default FILE.journal.jsonl.")
]
DictionaryOption = Annotated[
    Path | None, typer.Option("--dictionary", help="The study's data dictionary; its choices are checked.")
]
TimeoutOption = Annotated[
    float, typer.Option("--timeout", min=0, help="Seconds to wait for a job, and then for its records.")
]
ResendMissingOption = Annotated[
    bool,
    typer.Option(
        "--resend-missing", help="Send the items again that the journal calls missing and another read does not find."
    ),
]

# Command -> kinds of items it takes; `submit` takes all of them.
_ACTIONS = {"register": {"register"}, "update": {"existing", "scheduled"}, "create": {"new"}}


def template(
    ctx: typer.Context,
    study: RequiredStudyArgument,
    form: Annotated[str, typer.Argument(metavar="FORM", help="Key of the form.")],
    action: Annotated[Action, typer.Option("--for", help="What the rows are for.")] = Action.CREATE,
) -> None:
    """Print the header of a CSV to fill in: identifiers, then the variables of a form."""
    from ...validation.cache import SchemaCache
    from ...workflows.writing.item_files import template as columns

    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        names = columns(SchemaCache(sdk).get(study), form, action.value)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(names)
    typer.echo(text.getvalue(), nl=False)


def _write_command(name: str, help: str) -> Any:
    """One of the four commands that write, which differ in the kinds of items they take."""

    def write(
        ctx: typer.Context,
        study: RequiredStudyArgument,
        file: FileArgument,
        form: FormOption = None,
        yes: YesOption = False,
        dry_run: DryRunOption = False,
        on_error: OnErrorOption = OnError.STOP,
        email_notify: EmailNotifyOption = None,
        batch_size: BatchSizeOption = 50,
        journal: JournalOption = None,
        dictionary: DictionaryOption = None,
        timeout: TimeoutOption = 300,
        resend_missing: ResendMissingOption = False,
        output: OutputOption = None,
    ) -> None:
        from ...errors import ArgumentError
        from ...validation.dictionary import load_dictionary
        from ...validation.schema import ItemsRefusedError
        from ...workflows.record_update import RecordUpdateWorkflow
        from ...workflows.writing.earlier_runs import WrittenBeforeError, refuse_written
        from ...workflows.writing.item_files import read_items
        from ...workflows.writing.journal import has_begun, journal_of

        connection: Connection = ctx.obj
        source = read_items(file, form)
        items, places = source.items, source.places
        choices = load_dictionary(dictionary).choices if dictionary is not None else None
        own, journal = journal is None, journal or journal_of(file)
        with connection.sdk() as sdk:
            workflow, begun = RecordUpdateWorkflow(sdk), has_begun(journal)
            try:
                if own and not begun:
                    refuse_written(journal, study, items, sdk.records.base_url)
            except WrittenBeforeError as error:
                raise _written_before(error, file, journal, places) from None
            if not begun:
                try:
                    plan = workflow.plan(study, items, batch_size=batch_size, choices=choices)
                except ItemsRefusedError as error:
                    raise source.located(error) from None
                unfit = [item for item in plan.items if item.action not in _ACTIONS.get(name, {item.action})]
                if unfit:
                    listed = ", ".join(f"{places[item.number]} ({item.action})" for item in unfit[:20])
                    raise ArgumentError(
                        f"{len(unfit)} items are not for {name}, as their identifiers show: {listed}. "
                        "Next: imednet records submit takes items of every kind"
                    )
                if dry_run or not (yes or connection.sandbox):
                    _print_dry_run(plan, places)
                    return
                _print_changes(plan, places, values=False)
                to_send: Any = plan
            else:
                if dry_run or not (yes or connection.sandbox):
                    print_message(
                        f"{journal} belongs to a run that has begun. Next: --yes continues it; nothing is sent twice"
                    )
                    return
                to_send = items
            try:
                report = workflow.submit(
                    study, to_send, email_notify=email_notify, on_error=on_error.value, batch_size=batch_size,
                    journal=journal, timeout=timeout, choices=choices, on_progress=_progress,
                    resend_missing=resend_missing, refuse_written=own,
                )  # fmt: skip
            except WrittenBeforeError as error:  # by a run that began meanwhile
                raise _written_before(error, file, journal, places) from None
        _tell(report, output, places, file)

    write.__doc__ = help
    return write


def verify(
    ctx: typer.Context,
    journal: Annotated[Path, typer.Argument(metavar="JOURNAL", help="The journal of a run.")],
    timeout: TimeoutOption = 0,
    output: OutputOption = None,
) -> None:
    """Read back what a run wrote, according to its journal; sends nothing."""
    from ...workflows.record_update import RecordUpdateWorkflow
    from ...workflows.writing.journal import items_of, source_of

    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        report = RecordUpdateWorkflow(sdk).verify(journal, timeout=timeout)
    source = source_of(journal)
    places = _places(source, items_of(journal))
    run_log.note(study=report.study_key)
    _tell(report, output, places, source)


def _written_before(error: WrittenBeforeError, file: Path, journal: Path, places: Sequence[str]) -> Exception:
    """The error in words of the command: what to add to go on with that run, and what sends the items again."""
    from ...errors import ArgumentError

    if error.all_of_it:
        return ArgumentError(
            f"{file.name} holds the items of a run that has its journal in {error.journal.name}. "
            f"Next: --journal {error.journal} goes on with it and sends nothing twice; "
            f"--journal {journal} sends all of them again"
        )
    numbers = error.numbers
    return ArgumentError(
        f"{len(numbers)} of the {len(places)} items of {file.name}, such as that of {places[numbers[0]]}, are those of "
        f"a run that has its journal in {error.journal.name}; nothing was sent. Next: leave them out; "
        f"--journal {journal} sends all of them again"
    )


def _tell(report: WriteReport, output: Format | None, places: Sequence[str], file: Path) -> None:
    """Write the outcomes beside the file and print them; exit status 1 unless every item is stored."""
    from ...errors import ArgumentError
    from ...workflows.writing.item_files import outcomes_of, write_outcomes

    run_log.note(items=len(report.outcomes), **{state.replace(" ", "_"): n for state, n in report.counts.items()})
    outcomes, trouble = outcomes_of(file), None
    try:
        write_outcomes(outcomes, report.outcomes, places)
    except OSError as error:
        trouble = error.strerror
    _print_report(report, output, places)
    if trouble is not None:
        raise ArgumentError(
            f"{outcomes} cannot be written ({trouble}). The run is over, its outcomes are those printed and its "
            f"journal is {report.journal}. Next: imednet records verify {report.journal}"
        )
    print_message(f"outcomes: {outcomes}")
    if not report.complete:
        raise typer.Exit(exit_codes.FAILED)


def _places(source: Path, items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Line of each item in the file it came from, such as `line 2`; empty where that file is gone or was changed."""
    from ...errors import ArgumentError
    from ...workflows.writing.item_files import read_items
    from ...workflows.writing.journal import fingerprint

    forms = {item.get("formKey") for item in items}
    try:
        file = read_items(source, forms.pop() if len(forms) == 1 else None)  # which --form may have given
    except ArgumentError:
        return []
    return file.places if fingerprint("", file.items) == fingerprint("", items) else []


def _progress(done: int, total: int, step: str) -> None:
    print_message(f"{step} ({done} of {total})" if done else step)


def _print_dry_run(plan: WritePlan, places: Sequence[str]) -> None:
    """Print the request bodies on standard output, one per line, and what they would change on standard error."""
    _print_changes(plan, places, values=True)
    for body in plan.bodies:
        typer.echo(to_json(body))
    print_message(
        f"dry run: nothing was sent; {len(plan.bodies)} requests with {len(plan.items)} items. Next: --yes sends them"
    )


def _print_changes(plan: WritePlan, places: Sequence[str], *, values: bool) -> None:
    """Print notes, and what changes in each record, on standard error.

    Old and new answers are for a dry run, which people look at; what is sent is often logged, and has names only.
    """
    for note in plan.notes:
        print_message(f"note: {note}")
    for item in plan.items:
        if item.record_id is not None:
            changes = ", ".join(
                f"{name}: {old!r} -> {new!r}" if values else name for name, (old, new) in item.changes.items()
            )
            print_message(f"{places[item.number]} changes record {item.record_id} ({item.form_key}): {changes}")


def _print_report(report: WriteReport, output: Format | None, places: Sequence[str]) -> None:
    """Print the outcome of each item on standard output; counts, and what to do next, on standard error."""
    from ...workflows.writing.item_files import outcome_row

    print_rows([outcome_row(outcome, places) for outcome in report.outcomes], output)
    counts = ", ".join(f"{count} {state}" for state, count in sorted(report.counts.items()))
    print_message(f"{len(report.outcomes)} items: {counts}")
    if report.counts.get("unknown"):
        print_message(f"Next: imednet records verify {report.journal} --timeout 300")
    elif report.counts.get("missing"):
        print_message("Next: correct the missing items, or run the same command again with --resend-missing")
    sys.stdout.flush()


def add_to(group: typer.Typer) -> None:
    """Add the commands to the group `records`."""
    group.command("list")(list_records)
    group.command("template")(template)
    for name, help in (
        ("register", "Register the subjects in a file."),
        ("update", "Change records that exist, or fill in those planned at a visit, from a file."),
        ("create", "Create new records from a file, such as adverse events."),
        ("submit", "Write items of any kind from a file."),
    ):
        group.command(name, help=help)(_write_command(name, help))
    group.command("verify")(verify)
