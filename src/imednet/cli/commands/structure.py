"""`imednet structure show|snapshot|diff` and `imednet dictionary load|check|diff`: the design of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .. import exit_codes
from ..connection import Connection, own_workflows
from ..options import OutputOption, RequiredStudyArgument, StudyArgument
from ..output import print_message, print_rows

app = typer.Typer(help="The design of a study.", no_args_is_help=True, rich_markup_mode=None)
dictionary = typer.Typer(help="The exported data dictionary.", no_args_is_help=True, rich_markup_mode=None)

Source = Annotated[Path, typer.Argument(metavar="SOURCE", help="The zip, its folder, or CHOICES.csv.")]
DictionaryOption = Annotated[Path | None, typer.Option("--dictionary", help="The study's data dictionary.")]


@app.command("show")
def shown(ctx: typer.Context, study: StudyArgument = None, output: OutputOption = None) -> None:
    """Show forms with their variables and the intervals they belong to."""
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        facts = own_workflows(sdk).study_structure.get_study_structure(connection.study(study)).facts
    rows = []
    for form in facts["forms"]:
        variables = [one for one in facts["variables"] if one.get("formId") == form.get("formId")]
        intervals = [
            str(one.get("intervalName"))
            for one in facts["intervals"]
            if any(listed.get("formId") == form.get("formId") for listed in one.get("forms") or ())
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
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the design goes.")],
    dictionary: DictionaryOption = None,
) -> None:
    """Write the design into one file; the same design gives the same bytes."""
    from ...validation.dictionary import load_dictionary

    connection: Connection = ctx.obj
    known = load_dictionary(dictionary) if dictionary is not None else None
    with connection.sdk() as sdk:
        design = own_workflows(sdk).study_structure.snapshot(study, file, known)
    typer.echo(f"{file}  sha256 {design.sha256}")


@app.command("diff")
def diff(
    ctx: typer.Context,
    study: RequiredStudyArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A design that was saved.")],
    other: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A later one; else the study as it is.")
    ] = None,
    output: OutputOption = None,
) -> None:
    """Tell what changed since a design was saved. Exit status 0 without change, 3 with."""
    from ...workflows.study_structure import Design, differences

    connection: Connection = ctx.obj
    if other is not None:
        found = differences(Design.load(file), Design.load(other))
    else:
        with connection.sdk() as sdk:
            found = own_workflows(sdk).study_structure.diff(study, file)
    if not found:
        print_message("nothing changed")
        return
    print_rows([one.to_row() for one in found], output)
    print_message(f"{len(found)} changes")
    raise typer.Exit(exit_codes.CHANGED)


@dictionary.command("load")
def load(source: Source, output: OutputOption = None) -> None:
    """Show the choices of a data dictionary."""
    from ...validation.dictionary import load_dictionary

    found = load_dictionary(source)
    for warning in found.warnings:
        print_message(f"note: {warning}")
    print_rows(_rows(found), output)


def _rows(found: Any) -> list[dict[str, Any]]:
    return [
        {"formKey": form, "variableName": name, "choices": len(one.choices), "texts": " | ".join(one.texts)}
        for (form, name), one in sorted(found.lists.items())
    ]


@dictionary.command("check")
def check(ctx: typer.Context, study: RequiredStudyArgument, source: Source, output: OutputOption = None) -> None:
    """Compare a data dictionary with a study: variables it lacks, and answers that are none of its choices."""
    from ...validation.dictionary import load_dictionary, new_values

    connection: Connection = ctx.obj
    found = load_dictionary(source)
    with connection.sdk() as sdk:
        variables = sdk.variables.list(study)
        rows = [{"variable": name, "problem": "the study has no such variable"} for name in found.unknown(variables)]
        for form_key in sorted({form for form, _ in found.lists}):
            for (form, name), values in new_values(found.lists, sdk.records.iter(study, form_key=form_key)).items():
                text = f"{len(values)} answers are none of its choices"
                rows.append({"variable": f"{form}.{name}", "problem": text})
        kinds = ("RADIO", "DROPDOWN", "CHECKBOX")
        lacking = [
            f"{one.form_key}.{one.variable_name}"
            for one in variables
            if str(one.variable_type).upper() in kinds
            and not found.knows_choices_of(str(one.form_key), str(one.variable_name))
        ]
        rows += [{"variable": name, "problem": "its choices are not known"} for name in lacking]
    if rows:
        print_rows(rows, output)
    print_message(f"{len(found.lists)} lists of choices, {len(rows)} problems")
    if rows:
        raise typer.Exit(exit_codes.CHANGED)


@dictionary.command("diff")
def dictionary_diff(
    old: Annotated[Path, typer.Argument(metavar="OLD")],
    new: Annotated[Path, typer.Argument(metavar="NEW")],
    output: OutputOption = None,
) -> None:
    """Tell which choices changed from one data dictionary to another. Exit status 0 without change, 3 with."""
    from ...validation.dictionary import load_dictionary

    before, after = load_dictionary(old).choices, load_dictionary(new).choices
    rows = []
    for form, name in sorted({*before, *after}):
        first, second = before.get((form, name), ()), after.get((form, name), ())
        if first != second:
            rows.append(
                {
                    "variable": f"{form}.{name}",
                    "added": " | ".join(one for one in second if one not in first),
                    "removed": " | ".join(one for one in first if one not in second),
                    "reordered": sorted(first) == sorted(second),
                }
            )
    if not rows:
        print_message("nothing changed")
        return
    print_rows(rows, output)
    raise typer.Exit(exit_codes.CHANGED)
