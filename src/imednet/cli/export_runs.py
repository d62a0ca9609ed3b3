"""How the export commands run: the options they share, one study or several, progress, and the outcome of each.

What a command adds is a place: how to open its target for a study, and where manifest and log are.
"""

from __future__ import annotations

import inspect
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from ..errors import ExportIncompleteError
from . import exit_codes, run_log
from .connection import Connection
from .options import FormsOption
from .output import print_message, print_rows
from .summary import print_summary

if TYPE_CHECKING:
    import logging
    from concurrent.futures import Executor

    from ..integrations import ExportOptions, ExportReport, ExportSink
    from ..integrations.run.extract import Progress
    from ..orchestration import OrchestratorResult
    from ..sdk import ImednetSDK

Placed = tuple[Callable[[], "ExportSink"], Path]
"""A function that opens the target of one study, and the folder of its manifest and log."""
Place = Callable[[str, bool], Placed]
"""Called with a study's key, and whether it is one of several."""

# Options of every format: parameter -> type, option, default.
_SHARED: dict[str, Any] = {
    "form": (*get_args(FormsOption), None),
    "variable": (list[str] | None, typer.Option("--variable", help="Only this variable; may be repeated."), None),
    "entity": (
        list[str] | None,
        typer.Option("--entity", help="Also this list (sites, subjects, visits, ...), or all; may be repeated."),
        None,
    ),
    "disabled": (bool, typer.Option("--disabled", help="Also disabled forms."), False),
    "names": (str, typer.Option("--names", help="Name columns by variable `name` or by `label`."), "name"),
    "values": (
        str | None,
        typer.Option(
            "--values", help="`text` as sent, `typed`, `both`, `code` or `label`; each target has its own default."
        ),
        None,
    ),
    "context": (
        bool | None,
        typer.Option("--context/--no-context", help="Also interval, visit date, site name and subject status."),
        None,
    ),
    "split_multi": (
        bool,
        typer.Option("--split-multi", help="One column for each choice of a check box; needs --dictionary."),
        False,
    ),
    "deleted": (str, typer.Option("--deleted", help="`keep` deleted records, `drop` them, or `only` them."), "keep"),
    "unblind": (bool, typer.Option("--unblind", help="Also blinded variables; needs --reason."), False),
    "reason": (
        str | None,
        typer.Option("--reason", help="Why the data are unblinded; written to the extraction log."),
        None,
    ),
    "dictionary": (
        Path | None,
        typer.Option("--dictionary", help="The study's data dictionary; its choices become value labels."),
        None,
    ),
    "fresh": (
        bool,
        typer.Option("--fresh", help="Read everything again, whatever an earlier run left."),
        False,
    ),
    "prune": (
        bool,
        typer.Option("--prune", help="Remove tables of forms that the study no longer has."),
        False,
    ),
    "studies": (
        list[str] | None,
        typer.Option("--study", help="In place of STUDY: several studies, each into its own place; may be repeated."),
        None,
    ),
    "all_studies": (bool, typer.Option("--all-studies", help="All studies the keys may read."), False),
    "executor": (
        str | None,
        typer.Option("--executor", help="Where several studies run: dask://HOST:PORT; else in threads."),
        None,
    ),
    "snapshot": (
        bool,
        typer.Option("--snapshot", help="Into a dated folder in TARGET that no later run touches."),
        False,
    ),
    "json_log": (bool, typer.Option("--json-log", help="One JSON line for each step on standard error."), False),
    "max_retries": (
        int,
        typer.Option("--max-retries", min=0, help="Retries after a temporary failure of the target."),
        3,
    ),
    "plan": (bool, typer.Option("--plan", help="Show requests, rows and bytes; write nothing."), False),
}


def command(app: typer.Typer, name: str, help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a command that also has the options of `_SHARED`; its function receives them as the dict `choices`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        own = [p for p in inspect.signature(function, eval_str=True).parameters.values() if p.name != "choices"]
        keyword = inspect.Parameter.KEYWORD_ONLY
        shared = [
            inspect.Parameter(key, keyword, default=default, annotation=Annotated[kind, option])
            for key, (kind, option, default) in _SHARED.items()
        ]

        def command(*args: Any, **kwargs: Any) -> None:
            function(*args, choices={key: kwargs.pop(key) for key in _SHARED}, **kwargs)

        parameters = [p.replace(kind=keyword) if p.default is not p.empty else p for p in own]
        command.__signature__ = inspect.Signature([*parameters, *shared])  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in (*parameters, *shared)}
        app.command(name, help=help)(command)
        return function

    return decorate


# ---- places


def study_and_target(words: list[str], choices: dict[str, Any]) -> tuple[str | None, Path]:
    """The arguments `[STUDY] TARGET`; one word alone is the target."""
    if len(words) > 2:
        raise typer.BadParameter("too many arguments: give a STUDY and a TARGET")
    if len(words) == 2 and is_many(choices):
        raise typer.BadParameter("give STUDY, or --study, or --all-studies: one of them")
    if choices["studies"] and choices["all_studies"]:
        raise typer.BadParameter("give --study or --all-studies, and not both")
    if not words[-1].strip():
        raise typer.BadParameter("TARGET is empty: name a file or folder")
    return (words[0] if len(words) == 2 else None), Path(words[-1])


def _note(report: ExportReport | None) -> None:
    """Add an export to the account of this run."""
    if report is not None:
        failed = sum(form.status == "FAILED" for form in report.forms)
        run_log.note(rows=report.rows, tables=len(report.forms), failed=failed, issues=report.issues)


def own_folder(folder: Path, key: str) -> Path:
    """The folder of one of several studies in a folder."""
    from ..integrations.tables.naming import file_stems

    return folder / file_stems([key])[0]


def folder_of(target: Path, key: str, many: bool, choices: Mapping[str, Any], kind: str) -> Path:
    """The folder of a study: the target, or its own in it for each of several; for a snapshot a dated one in that."""
    folder = own_folder(target, key) if many else target
    if not choices["snapshot"]:
        return folder
    from ..integrations.on_disk.snapshots import new_dated_folder

    return new_dated_folder(folder, key, kind)


def no_snapshot(choices: Mapping[str, Any]) -> None:
    """Refuse `--snapshot` for a target that is no folder of files."""
    if choices["snapshot"]:
        raise typer.BadParameter("--snapshot is for folders of files: parquet, csv, json, jsonl, sav and xpt")


def own_file(path: Path, key: str) -> Path:
    """The file of one of several studies: `study.xlsx` becomes `study-KEY.xlsx`."""
    return path.with_name(f"{path.stem}-{own_folder(path, key).name}{path.suffix}")


def is_many(choices: Mapping[str, Any]) -> bool:
    """Whether several studies were asked for."""
    return bool(choices["studies"] or choices["all_studies"])


# ---- running


def run_to_folder(
    connection: Connection,
    words: list[str],
    choices: dict[str, Any],
    make_sink: Callable[[Path], ExportSink],
    long: bool = False,
) -> None:
    """Run an export into a folder that also holds its manifest and log."""
    study, target = study_and_target(words, choices)
    kind = make_sink(target).kind + ("-long" if long else "")

    def place(key: str, many: bool) -> Placed:
        folder = folder_of(target, key, many, choices, kind)
        return lambda: make_sink(folder), folder

    run(connection, study, place, choices, long)


def run(connection: Connection, study: str | None, place: Place, choices: dict[str, Any], long: bool = False) -> None:
    """Run an export of one study or of several, or print its plan."""
    options = _options(choices)
    if is_many(choices):
        _run_many(connection, place, choices, options, long)
        return
    key, frozen = connection.study(study), choices["snapshot"]
    if choices["plan"]:
        _print_plan(connection, key, options)
        return
    with connection.sdk() as sdk, _progress(key, choices["json_log"]) as progress:
        try:
            report = _export(key, sdk, place(key, False), options, long, progress, connection.sandbox, frozen)
        except ExportIncompleteError as error:
            print_summary(error.report)
            _note(error.report)
            raise
    print_summary(report)
    _note(report)


def _export(
    key: str,
    sdk: ImednetSDK,
    placed: Placed,
    options: ExportOptions,
    long: bool,
    progress: Progress | None,
    sandbox: bool,
    frozen: bool,
) -> ExportReport:
    from ..integrations import export_study

    make_sink, home = placed
    sink = make_sink()
    if long:
        from ..integrations.long import LongSink

        sink = LongSink(sink)
    report = export_study(sdk, key, sink, home=home, options=options, progress=progress, sandbox=sandbox)
    if frozen:
        from ..integrations.on_disk.snapshots import freeze

        freeze(report.folder)
    return report


def _run_many(
    connection: Connection, place: Place, choices: dict[str, Any], options: ExportOptions, long: bool
) -> None:
    """Export several studies side by side, and print one row for each; one that fails stops no other."""
    from ..orchestration import SUCCESS, MultiStudyOrchestrator

    if choices["plan"]:
        raise typer.BadParameter("--plan is for one study: give STUDY")
    sandbox, frozen = connection.sandbox, choices["snapshot"]

    def export(study_key: str, sdk: Any, logger: logging.Logger) -> dict[str, Any]:  # noqa: ARG001  (a worker's form)
        report = _export(study_key, sdk, place(study_key, True), options, long, None, sandbox, frozen)
        return {"rows": report.rows, "forms": len(report.forms), "issues": report.issues, "folder": str(report.folder)}

    def tell(key: str, result: OrchestratorResult) -> None:
        if choices["json_log"]:
            _print_step("end", study=key, status=result["status"], seconds=round(result["duration_seconds"], 3))

    with connection.sdk() as sdk, executor_at(choices["executor"]) as executor:
        orchestrator = MultiStudyOrchestrator(sdk, executor=executor, on_result=tell)
        results = orchestrator.execute_pipeline(export, whitelist=choices["studies"] or None)
    rows = [
        {
            "study": key,
            "status": result["status"],
            **(result["data"] or {"rows": None, "forms": None, "issues": None, "folder": None}),
            "seconds": round(result["duration_seconds"], 1),
            "error": result["error"],
        }
        for key, result in results.items()
    ]
    print_rows(rows, None)
    failed = [key for key, result in results.items() if result["status"] != SUCCESS]
    run_log.note(
        study=rows[0]["study"] if len(rows) == 1 else None, studies=len(rows), failed=len(failed),
        rows=sum(row["rows"] or 0 for row in rows),
    )  # fmt: skip
    if failed:
        print_message(f"{len(failed)} of {len(results)} studies were not exported whole: {', '.join(failed)}")
        raise typer.Exit(exit_codes.INCOMPLETE if len(failed) < len(results) else exit_codes.FAILED)


@contextmanager
def executor_at(address: str | None) -> Iterator[Executor | None]:
    """Workers of a Dask cluster, by its address; `None` for threads of this process."""
    if address is None:
        yield None
        return
    if not address.startswith("dask://"):
        raise typer.BadParameter(f"--executor takes dask://HOST:PORT, not {address!r}")
    from ..integrations._optional import _require_optional_dep

    distributed = _require_optional_dep("distributed", "dask")
    with distributed.Client(f"tcp://{address.removeprefix('dask://')}") as client:
        yield cast("Executor", client.get_executor(pure=False))


def _options(choices: dict[str, Any]) -> ExportOptions:
    from ..integrations import ExportOptions

    if choices["reason"] and not choices["unblind"]:
        raise typer.BadParameter("--reason needs --unblind")
    labels = None
    if choices["dictionary"] is not None:
        from ..validation.dictionary import load_dictionary

        labels = load_dictionary(choices["dictionary"]).labels
    return ExportOptions(
        choices=labels,
        forms=choices["form"] or None,
        variables=choices["variable"] or None,
        entities=tuple(name.replace("-", "_") for name in choices["entity"] or ()),
        disabled=choices["disabled"],
        names=choices["names"],
        values=choices["values"],
        context=choices["context"],
        split_multi=choices["split_multi"],
        deleted=choices["deleted"],
        unblind=(choices["reason"] or "") if choices["unblind"] else None,
        fresh=choices["fresh"],
        prune=choices["prune"],
        max_retries=choices["max_retries"],
    )


def _print_plan(connection: Connection, study: str, options: ExportOptions) -> None:
    from ..integrations.run.plan import plan_export

    with connection.sdk() as sdk:
        reads = plan_export(sdk, study, options)
    rows = [{"list": read.name, "rows": read.rows, "requests": read.requests, "bytes": read.bytes} for read in reads]
    print_rows(rows, None)


@contextmanager
def _progress(study: str, json_lines: bool) -> Iterator[Progress | None]:
    """A progress bar with rate and time left on a terminal, JSON lines where they are asked for, nothing in a pipe."""
    if json_lines:
        yield from _json_progress(study)
        return
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("records"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task, began = bar.add_task("records", total=None, rate=""), time.monotonic()

        def show(done: int, total: int) -> None:
            rate = done / max(time.monotonic() - began, 1e-6)
            bar.update(task, completed=done, total=total, rate=f"{rate:,.0f}/s")

        yield show


def _json_progress(study: str) -> Iterator[Progress]:
    """Print one JSON line when the export begins, for each page, and when it ends."""
    began, lock, failed = time.monotonic(), threading.Lock(), True
    _print_step("begin", study=study)

    def show(done: int, total: int) -> None:
        seconds = time.monotonic() - began
        rate = done / max(seconds, 1e-6)
        left = round((total - done) / rate, 1) if rate else None
        with lock:
            _print_step("read", study=study, records=done, total=total, perSecond=round(rate, 1), secondsLeft=left)

    try:
        yield show
        failed = False
    finally:
        seconds = round(time.monotonic() - began, 3)
        _print_step("end", study=study, status="FAILED" if failed else "SUCCESS", seconds=seconds)


def _print_step(step: str, **facts: Any) -> None:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    print_message(json.dumps({"time": moment, "step": step, **facts}))
