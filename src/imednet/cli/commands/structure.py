"""`imednet structure show|snapshot|diff` and `imednet dictionary load|check|diff`: the design of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .. import exit_codes
from ..command_group import CommandGroup
from ..connection import Connection, own_workflows
from ..options import OutputOption, RequiredStudyArgument, StudyArgument
from ..output import print_message, print_rows

app = CommandGroup("The design of a study.")
dictionary = CommandGroup("The exported data dictionary.")

SourceArgument = Annotated[
    Path, typer.Argument(metavar="SOURCE", help="The zip file, the folder it was unpacked to, or CHOICES.csv.")
]
DictionaryOption = Annotated[Path | None, typer.Option("--dictionary", help="The study's data dictionary.")]


@app.command("show")
def show_structure(ctx: typer.Context, study: StudyArgument = None, output: OutputOption = None) -> None:
    """Show the forms, how many variables each has, and the intervals it belongs to."""
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        facts = own_workflows(sdk).study_structure.get_study_structure(connection.study(study)).facts
    rows = []
    for form in facts["forms"]:
        variables = [variable for variable in facts["variables"] if variable.get("formId") == form.get("formId")]
        intervals = [
            str(interval.get("intervalName"))
            for interval in facts["intervals"]
            if any(listed.get("formId") == form.get("formId") for listed in interval.get("forms") or ())
        ]
        rows.append(
            {
                "formKey": form.get("formKey"),
                "formName": form.get("formName"),
                "formType": form.get("formType"),
                "variables": len(variables),
                "disabled": form.get("disabled"),
                "revision": form.get("revision"),
                "intervals": ", ".join(intervals[:6])
                + (f" and {len(intervals) - 6} more" if len(intervals) > 6 else ""),
            }
        )
    print_rows(rows, output)


@app.command("snapshot")
def snapshot(
    ctx: typer.Context,
    study: RequiredStudyArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write the design to.")],
    dictionary: DictionaryOption = None,
) -> None:
    """Write the design into one file; the same design gives the same bytes."""
    from ...validation.dictionary import load_dictionary

    connection: Connection = ctx.obj
    loaded = load_dictionary(dictionary) if dictionary is not None else None
    with connection.sdk() as sdk:
        design = own_workflows(sdk).study_structure.snapshot(study, file, loaded)
    typer.echo(f"{file}  sha256 {design.sha256}")


@app.command("diff")
def diff(
    ctx: typer.Context,
    study: RequiredStudyArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A saved design.")],
    other: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A later one; without it the study as it is now.")
    ] = None,
    output: OutputOption = None,
) -> None:
    """Show what changed since a design was saved. Exit status 0 without a change, 3 with one."""
    from ...workflows.study_structure import Design, differences

    connection: Connection = ctx.obj
    if other is not None:
        changes = differences(Design.load(file), Design.load(other))
    else:
        with connection.sdk() as sdk:
            changes = own_workflows(sdk).study_structure.diff(study, file)
    if not changes:
        print_message("nothing changed")
        return
    print_rows([change.to_row() for change in changes], output)
    print_message(f"{len(changes)} changes")
    raise typer.Exit(exit_codes.CHANGED)


@dictionary.command("load")
def load(source: SourceArgument, output: OutputOption = None) -> None:
    """Show the choices of a data dictionary."""
    from ...validation.dictionary import load_dictionary

    loaded = load_dictionary(source)
    for warning in loaded.warnings:
        print_message(f"note: {warning}")
    rows: list[dict[str, Any]] = [
        {"formKey": form, "variableName": name, "choices": len(codes.choices), "texts": " | ".join(codes.texts)}
        for (form, name), codes in sorted(loaded.lists.items())
    ]
    print_rows(rows, output)


@dictionary.command("check")
def check(
    ctx: typer.Context, study: RequiredStudyArgument, source: SourceArgument, output: OutputOption = None
) -> None:
    """Compare a data dictionary with a study: variables the study lacks, answers that are none of the choices."""
    from ...validation.dictionary import load_dictionary, new_values

    connection: Connection = ctx.obj
    loaded = load_dictionary(source)
    with connection.sdk() as sdk:
        variables = sdk.variables.list(study)
        rows = [{"variable": name, "problem": "the study has no such variable"} for name in loaded.unknown(variables)]
        for form_key in sorted({form for form, _ in loaded.lists}):
            for (form, name), values in new_values(loaded.lists, sdk.records.iter(study, form_key=form_key)).items():
                text = f"{len(values)} answers are none of its choices"
                rows.append({"variable": f"{form}.{name}", "problem": text})
        types_with_choices = ("RADIO", "DROPDOWN", "CHECKBOX")
        without_choices = [
            f"{variable.form_key}.{variable.variable_name}"
            for variable in variables
            if str(variable.variable_type).upper() in types_with_choices
            and not loaded.knows_choices_of(str(variable.form_key), str(variable.variable_name))
        ]
        rows += [{"variable": name, "problem": "its choices are not known"} for name in without_choices]
    if rows:
        print_rows(rows, output)
    print_message(f"{len(loaded.lists)} lists of choices, {len(rows)} problems")
    if rows:
        raise typer.Exit(exit_codes.CHANGED)


@dictionary.command("diff")
def dictionary_diff(
    old: Annotated[Path, typer.Argument(metavar="OLD")],
    new: Annotated[Path, typer.Argument(metavar="NEW")],
    output: OutputOption = None,
) -> None:
    """Show which choices differ between two data dictionaries. Exit status 0 without a change, 3 with one."""
    from ...validation.dictionary import load_dictionary

    before, after = load_dictionary(old).choices, load_dictionary(new).choices
    rows = []
    for form, name in sorted({*before, *after}):
        first, second = before.get((form, name), ()), after.get((form, name), ())
        if first != second:
            rows.append(
                {
                    "variable": f"{form}.{name}",
                    "added": " | ".join(choice for choice in second if choice not in first),
                    "removed": " | ".join(choice for choice in first if choice not in second),
                    "reordered": sorted(first) == sorted(second),
                }
            )
    if not rows:
        print_message("nothing changed")
        return
    print_rows(rows, output)
    raise typer.Exit(exit_codes.CHANGED)
