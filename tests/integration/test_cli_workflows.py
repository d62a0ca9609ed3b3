"""Commands for workflows, as a person or a scheduler runs them: J1, J6, J8, J9 and J10 on the command line."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import imednet, keys
from imednet.sandbox import Answer, Request, Sandbox
from imednet.workflows.writing.journal import journal_of
from support import STUDY
from writing import EVENT, REGISTRATION, TWIN, posts, rows

Make = Callable[..., Sandbox]
both_dialects = pytest.mark.parametrize("dialect", ["documented", "live"])


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


# ---- J1


@both_dialects
def test_j1_1_4_keys_are_proven_and_many_studies_listed_once(own_box: Make, dialect: str) -> None:
    box = own_box(dialect=dialect, switches={"manyStudies": "yes"})
    done = imednet("check", "--output", "csv", **keys(box))
    assert done.returncode == 0
    found = [row["studyKey"] for row in table(done.stdout)]
    assert len(found) == len(set(found)) == 122
    assert set(table(done.stdout)[0]) >= {"studyKey", "studyName", "studyType"}
    for key in ("api_key", "security_key"):
        assert box.credentials[key] not in done.stdout + done.stderr


@both_dialects
def test_j1_drift_from_the_description_is_told(own_box: Make, dialect: str) -> None:
    """A sound server differs in nothing that is a field; one that has something new is told of by name."""

    def newer(request: Request, answer: Callable[[Request], Answer]) -> Answer:
        result = answer(request)
        if result.status == 200 and request.path.endswith("/forms"):
            body = json.loads(result.body)
            for row in body["data"]:
                row["colour"] = "red"
                row["formType"] = "Galaxy"
            return Answer(200, json.dumps(body).encode())
        return result

    plain = imednet("check", STUDY, **keys(own_box(dialect=dialect)))
    assert "unknown" not in plain.stderr
    done = imednet("check", STUDY, **keys(own_box(dialect=dialect, intercept=newer)))
    assert done.returncode == 0
    assert "forms, colour: unknown field" in done.stderr
    assert "forms, formType: unknown word Galaxy" in done.stderr


def test_j1_two_distributions_with_our_import_name_are_told_of(box: Sandbox, tmp_path: Path) -> None:
    info = tmp_path / "other_imednet-0.5.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-imednet\nVersion: 0.5.0\n")
    (info / "top_level.txt").write_text("imednet\n")
    done = imednet("check", **keys(box), PYTHONPATH=str(tmp_path))
    assert done.returncode == 0
    assert "both provide the import imednet" in done.stderr
    assert "other-imednet" in done.stderr


# ---- J9


@both_dialects
@pytest.mark.parametrize("kind", ["csv", "json", "xlsx"])
def test_j9_files_are_shown_first_and_sent_on_request(own_box: Make, tmp_path: Path, dialect: str, kind: str) -> None:
    box = own_box(dialect=dialect, switches={"jobSeconds": "0"})
    items: list[dict[str, Any]] = [EVENT, {**EVENT, "data": {"AENUM": 12, "AETERM": 'Cold, "bad"'}}]
    file = tmp_path / f"items.{kind}"
    flat = [{**{k: v for k, v in one.items() if k != "data"}, **one["data"]} for one in items]
    if kind == "json":
        file.write_text(json.dumps(items))
    elif kind == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, list(flat[0]))
        writer.writeheader()
        writer.writerows(flat)
        file.write_text("\ufeff" + text.getvalue())
    else:
        openpyxl = pytest.importorskip("openpyxl")
        book = openpyxl.Workbook()
        book.active.append(list(flat[0]))
        for one in flat:
            book.active.append(list(one.values()))
        book.save(file)
    dry = imednet("records", "create", TWIN, str(file), **keys(box))
    assert (dry.returncode, json.loads(dry.stdout)) == (0, items)
    assert "nothing was sent" in dry.stderr
    assert posts(box) == 0
    assert not (tmp_path / f"{file.name}.journal.jsonl").exists()
    sent = imednet("records", "create", TWIN, str(file), "--yes", **keys(box))
    assert sent.returncode == 0, sent.stderr
    (request,) = [one for one in box.requests if one.method == "POST"]
    assert json.loads(request.body) == items
    outcomes = table((tmp_path / f"{file.name}.outcome.csv").read_text())
    assert [one["state"] for one in outcomes] == ["stored", "stored"]
    assert "Cold" not in (tmp_path / f"{file.name}.outcome.csv").read_text()
    again = imednet("records", "create", TWIN, str(file), "--yes", **keys(box))
    assert again.returncode == 0
    assert posts(box) == 1
    checked = imednet("records", "verify", str(tmp_path / f"{file.name}.journal.jsonl"), **keys(box))
    assert (checked.returncode, "2 stored" in checked.stderr) == (0, True)
    assert '"line 3"' in checked.stdout or kind != "csv"
    if kind == "csv":
        header, first, second = file.read_text().splitlines()
        file.write_text("\n".join((header, second, first)))
        sorted_anew = imednet("records", "verify", str(journal_of(file)), **keys(box))
        assert ("line 3" in sorted_anew.stdout, "stored" in sorted_anew.stdout) == (False, True)
        file.write_text("\n".join((header, first, second)))
    copy = file.with_name(f"copy of {file.name}")
    shutil.copy(file, copy)
    refused = imednet("records", "create", TWIN, str(copy), "--yes", **keys(box))
    assert (refused.returncode, f"has its journal in {file.name}.journal.jsonl" in refused.stderr) == (2, True)
    assert posts(box) == 1
    on_purpose = ("--journal", str(journal_of(copy)))
    assert imednet("records", "create", TWIN, str(copy), "--yes", *on_purpose, **keys(box)).returncode == 0
    assert posts(box) == 2


def test_j9_old_and_new_are_shown_and_wrong_files_refused(own_box: Make, tmp_path: Path) -> None:
    box = own_box()
    old = next(row for row in rows(box) if row["formKey"] == "VS" and not row["deleted"] and row["recordData"])
    file = tmp_path / "update.csv"
    file.write_text(f"recordId,SYSBP1,DIABP1\n{old['recordId']},151,<clear>\n")
    done = imednet("records", "update", TWIN, str(file), "--form", "VS", **keys(box))
    assert done.returncode == 0, done.stderr
    assert f"changes record {old['recordId']} (VS): SYSBP1: {old['recordData'].get('SYSBP1')!r} -> 151" in done.stderr
    assert json.loads(done.stdout)[0]["data"] == {"SYSBP1": 151, "DIABP1": ""}
    wrong = imednet("records", "register", TWIN, str(file), "--form", "VS", **keys(box))
    assert (wrong.returncode, "not for register, as their identifiers show: line 2 (existing)" in wrong.stderr) == (
        2,
        True,
    )
    for text, says in (
        ("recordId,SYSBP1\nx,1\n", "line 2: column recordId must be a whole number"),
        ("recordId,SYSBP1\n", "holds no items"),
        ("recordId,SYSBP1\n1,2,3\n", "line 2: the row has 3 cells, the header has 2"),
    ):
        file.write_text(text)
        wrong = imednet("records", "update", TWIN, str(file), "--form", "VS", **keys(box))
        assert wrong.returncode == 2, wrong.stderr
        assert says in wrong.stderr
    assert posts(box) == 0
    file.write_text(f"recordId,SYSBP1,DIABP1\n{old['recordId']},151,<clear>\n")
    sent = imednet("records", "update", TWIN, str(file), "--form", "VS", "--yes", "--timeout", "0", **keys(box))
    assert f"line 2 changes record {old['recordId']} (VS): SYSBP1, DIABP1" in sent.stderr
    assert "151" not in sent.stderr, "what is sent is often logged, and a log is no place for answers"


def test_j9_a_template_is_filled_in_and_registered(own_box: Make, tmp_path: Path) -> None:
    box = own_box(switches={"jobSeconds": "0"})
    made = imednet("records", "template", TWIN, "REG", "--for", "register", **keys(box))
    header = next(csv.reader(io.StringIO(made.stdout)))
    assert header == ["formKey", "siteName", "REGDAT", "REGINIT", "REGYOB", "REGLANG"]
    file = tmp_path / "people.csv"
    line = ["REG", REGISTRATION["siteName"], *map(str, REGISTRATION["data"].values())]
    file.write_text(f"{','.join(header)}\n{','.join(line)}\n")
    done = imednet("records", "register", TWIN, str(file), "--yes", "--output", "json", **keys(box))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["subjectKey"] == "301-905"
    refused = imednet("records", "template", TWIN, "SS", **keys(box))
    assert (refused.returncode, "system form" in refused.stderr) == (2, True)


def test_j9_what_is_not_stored_has_its_exit_status_and_file(own_box: Make, tmp_path: Path) -> None:
    box = own_box(switches={"jobSeconds": "0", "jobOutcome": "partial"})
    file = tmp_path / "items.json"
    file.write_text(json.dumps([EVENT, EVENT]))
    done = imednet("records", "submit", TWIN, str(file), "--yes", "--timeout", "1", **keys(box))
    assert done.returncode == 1
    assert "1 stored, 1 unknown" in done.stderr
    assert f"Next: imednet records verify {file}.journal.jsonl --timeout 300" in done.stderr
    jobs = imednet("jobs", "wait", TWIN, json.loads(done.stdout.splitlines()[0])["batchId"], **keys(box))
    assert json.loads(jobs.stdout)["state"] == "completed"
    gone = imednet("jobs", "get", TWIN, "no-such-batch", **keys(box))
    assert (gone.returncode, "has no job with this batch id" in gone.stderr) == (1, True)


# ---- reading


@both_dialects
def test_reading_commands_answer_in_every_format(own_box: Make, dialect: str) -> None:
    box = own_box(dialect=dialect)
    for words, column in (
        (("queries", "open", STUDY), "waitsFor"),
        (("queries", "ageing", STUDY), "oldestDays"),
        (("visits", "windows", STUDY, "--exit", "EOS.EXDAT", "--state", "missed"), "days"),
        (("visits", "windows", STUDY, "--exit", "EOS.EXDAT", "--counts"), "in window"),
        (("visits", "diary", STUDY, "--exit", "EOS.EXDAT"), "percent"),
        (("subject-data", STUDY, "301-001"), "formKey"),
        (("structure", "show", STUDY), "intervals"),
        (("workflows", "audit", STUDY, "--subject", "301-001"), "reasonForChange"),
        (("workflows", "codings", STUDY), "dictionary"),
        (("workflows", "records", STUDY, "--record", "formKey=AE", "--subject", "siteId=301"), "recordId"),
        (("workflows", "list"), "method"),
    ):
        plain = imednet(*words, "--output", "csv", **keys(box))
        assert plain.returncode == 0, plain.stderr
        assert column in table(plain.stdout)[0], words
        if dialect == "documented":  # what a server speaks makes no difference to how rows are written
            lines = imednet(*words, "--output", "jsonl", **keys(box)).stdout.splitlines()
            assert len(lines) == len(table(plain.stdout))
    whole = json.loads(imednet("subject-data", STUDY, "301-001", "--output", "json", **keys(box)).stdout)
    assert whole["subject"]["subjectId"] == 20001
    missing = imednet("subject-data", STUDY, "301-999", **keys(box))
    assert (missing.returncode, missing.stdout) == (1, "")


def test_j10_6_exit_status_3_says_that_the_design_changed(own_box: Make, tmp_path: Path) -> None:
    box = own_box()
    file = str(tmp_path / "design.json")
    assert imednet("structure", "snapshot", STUDY, file, **keys(box)).returncode == 0
    same = imednet("structure", "diff", STUDY, file, **keys(box))
    assert (same.returncode, same.stdout) == (0, "")
    forms = box.studies[STUDY].table("forms")
    forms.change(forms.places()[0], revision=7)
    changed = imednet("structure", "diff", STUDY, file, "--output", "json", **keys(box))
    assert changed.returncode == 3
    assert [(row["key"], row["change"]) for row in json.loads(changed.stdout)] == [("REG", "revision raised")]
    later = str(tmp_path / "later.json")
    imednet("structure", "snapshot", STUDY, later, **keys(box))
    assert imednet("structure", "diff", STUDY, file, later, **keys(box)).returncode == 3


def test_dictionaries_are_loaded_checked_and_compared(box: Sandbox, tmp_path: Path) -> None:
    choices = "Form Name,Variable Name,Choice Text,Choice Value\nAdverse Event,AESER,Yes,1\nAdverse Event,NOPE,x,1\n"
    packed = tmp_path / "dictionary.zip"
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("FORMS.csv", "\ufeffForm Key,Form Name,Date Created\nAE,Adverse Event,02-28-2024\n")
        file.writestr("QUESTIONS.csv", "Form Key,Variable Name\nAE,AESER\n")
        file.writestr("CHOICES.csv", choices)
        file.writestr("BUSINESS_LOGIC.csv", "Form Key,Rule,Rule\nAE,<a/>,<b/>\n")
    loaded = imednet("dictionary", "load", str(packed), "--output", "json")
    assert loaded.returncode == 0, loaded.stderr
    assert [(row["formKey"], row["variableName"]) for row in json.loads(loaded.stdout)] == [
        ("AE", "AESER"),
        ("AE", "NOPE"),
    ]
    checked = imednet("dictionary", "check", STUDY, str(packed), "--output", "json", **keys(box))
    assert checked.returncode == 3
    problems = {row["variable"]: row["problem"] for row in json.loads(checked.stdout)}
    assert problems["AE.NOPE"] == "the study has no such variable"
    assert "none of its choices" in problems["AE.AESER"]
    assert problems["AE.AESEV"] == "its choices are not known"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "CHOICES.csv").write_text(choices + "Adverse Event,AESER,No,0\n")
    (tmp_path / "other" / "FORMS.csv").write_text("Form Key,Form Name\nAE,Adverse Event\n")
    compared = imednet("dictionary", "diff", str(packed), str(tmp_path / "other"), "--output", "json")
    assert compared.returncode == 3
    assert json.loads(compared.stdout)[0]["added"] == "No"
    assert imednet("dictionary", "diff", str(packed), str(packed)).returncode == 0
    wrong = imednet("dictionary", "load", str(tmp_path / "nope"))
    assert (wrong.returncode, "cannot be read" in wrong.stderr) == (2, True)


# ---- plugins


def test_commands_of_plugins(tmp_path: Path) -> None:
    """One that is installed is there; one that is known and missing says how to get it; a broken one hurts no other."""
    missing = imednet("dashboard", "--port", "8080")
    assert missing.returncode == 1
    assert missing.stderr.startswith(
        "Dashboard plugin not found. Install it with:\n    pip install imednet-streamlit\n"
    )
    assert "pip install . ./src/plugins/imednet-streamlit" in missing.stderr
    (tmp_path / "extra_commands.py").write_text(
        "import argparse, click, typer\napp = typer.Typer()\n\n"
        "@app.command()\ndef hello(): typer.echo('hello from a plugin')\n\n"
        "@app.command()\ndef sites(ctx: typer.Context):\n"
        "    with ctx.obj.sdk() as sdk: typer.echo(len(sdk.sites.list('TIDEWATER-201')))\n\n"
        "@click.command()\n@click.option('--count', default=1)\n@click.pass_context\n"
        "def clicked(ctx, count):\n    'Of click.'\n    click.echo(f'{count} {ctx.obj.sandbox}')\n\n"
        "def words(argv):\n    'Of argparse.'\n    parser = argparse.ArgumentParser()\n"
        "    parser.add_argument('--count', type=int)\n    print(parser.parse_args(argv).count)\n    return 3\n\n"
        "def plain(count: int = 1):\n    'Of options.'\n    print(count)\n"
    )
    info = tmp_path / "extra-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: extra\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[imednet.cli_plugins]\nextra = extra_commands:app\nbroken = no_such_module:app\n"
        "nothing = extra_commands:__doc__\n"
        "clicked = extra_commands:clicked\nwords = extra_commands:words\nplain = extra_commands:plain\n"
    )
    path = {"PYTHONPATH": str(tmp_path)}
    assert imednet("extra", "hello", **path).stdout == "hello from a plugin\n"
    broken = imednet("broken", **path)
    assert (broken.returncode, "no_such_module" in broken.stderr) == (1, True)
    help = imednet("--help", COLUMNS="200", **path).stdout
    assert re.search(r"broken +broken: the plugin no_such_module:app", help)
    assert re.search(r"nothing +broken: the plugin extra_commands:__doc__", help)
    assert "Of click." in help
    assert "Of argparse." in help
    assert imednet("--sandbox", "extra", "sites", **path).stdout == "6\n"
    assert imednet("--sandbox", "clicked", "--count", "2", **path).stdout == "2 True\n"
    words = imednet("words", "--count", "7", **path)
    assert (words.returncode, words.stdout) == (3, "7\n")
    assert imednet("plain", "--count", "4", **path).stdout == "4\n"
    assert "Usage" in imednet("clicked", "--help", **path).stdout
    version = imednet("--version", **path)
    assert "workflows: imednet.workflows:create_workflows" in version.stdout
