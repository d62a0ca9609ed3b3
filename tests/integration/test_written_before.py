"""Records that another run wrote are not written again, whatever the file is called and whoever runs beside."""

from __future__ import annotations

import csv
import itertools
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from commands import imednet, keys
from imednet import ImednetSDK
from imednet.errors import ArgumentError
from imednet.sandbox import Answer, Request, Sandbox
from imednet.workflows.writing.earlier_runs import WrittenBeforeError, refuse_written
from imednet.workflows.writing.item_files import read_items
from imednet.workflows.writing.journal import journal_of
from support import STUDY, Ways
from writing import EVENT, TWIN, StillClock, posts, rows, writer

Make = Callable[..., Sandbox]
NOW = {"jobSeconds": "0", "readableSeconds": "0"}
LINES = [{"formKey": "AE", "subjectKey": "301-901", "AENUM": str(11 + n), "AETERM": f"Cough {n}"} for n in range(3)]


def as_csv(path: Path, lines: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        out = csv.DictWriter(file, list(lines[0]))
        out.writeheader()
        out.writerows(lines)


def as_workbook(path: Path, lines: list[dict[str, str]]) -> None:
    book = openpyxl.Workbook()
    book.active.append(list(lines[0]))
    for line in lines:
        book.active.append([int(cell) if cell.isdecimal() else cell for cell in line.values()])
    book.save(path)


def submit(box: Sandbox, file: Path, study: str = TWIN, base_url: str | None = None) -> Any:
    keys: dict[str, Any] = {**box.credentials, **({"base_url": base_url} if base_url else {})}
    with ImednetSDK(**keys) as sdk:
        items = read_items(file).items
        return sdk.workflows.record_update.submit(
            study, items, journal=journal_of(file), interval=0.01, timeout=5, refuse_written=True
        )


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("copy.csv", LINES),
        ("sorted.csv", LINES[::-1]),
        ("longer.csv", [*LINES, {**LINES[0], "AENUM": "20"}]),
        ("part.csv", [{**LINES[0], "AENUM": "20"}, LINES[2]]),
        ("saved.xlsx", LINES),
    ],
)
def test_a_row_of_another_file_is_not_written_again(
    own_box: Make, tmp_path: Path, name: str, lines: list[dict[str, str]]
) -> None:
    box = own_box(switches=NOW)
    as_csv(tmp_path / "events.csv", LINES)
    assert submit(box, tmp_path / "events.csv").complete
    (as_workbook if name.endswith("xlsx") else as_csv)(tmp_path / name, lines)
    with pytest.raises(WrittenBeforeError) as caught:
        submit(box, tmp_path / name)
    same = [number for number, line in enumerate(lines) if line in LINES]
    assert caught.value.numbers == tuple(same)
    assert caught.value.all_of_it == (len(same) == len(lines) == len(LINES))
    assert posts(box) == 1
    assert not journal_of(tmp_path / name).exists()
    assert not list(tmp_path.glob(".*"))


def test_the_journal_is_found_whatever_it_is_called_and_however_the_server_is_spelled(
    own_box: Make, tmp_path: Path
) -> None:
    box = own_box(switches=NOW)
    as_csv(tmp_path / "events.csv", LINES)
    items = read_items(tmp_path / "events.csv").items
    with ImednetSDK(**box.credentials) as sdk:
        sdk.workflows.record_update.submit(TWIN, items, journal=tmp_path / "run.jsonl", interval=0.01)
    with pytest.raises(WrittenBeforeError):
        submit(box, tmp_path / "events.csv", base_url=box.url.replace("127.0.0.1", "LOCALHOST"))
    assert posts(box) == 1


def test_what_makes_no_record_or_was_never_carried_out_may_be_written(own_box: Make, tmp_path: Path) -> None:
    """A change of a record, rows that the server refused, and rows of another study."""
    box = own_box(switches=NOW)
    old = next(row for row in rows(box) if row["formKey"] == "VS" and not row["deleted"])
    update = {"formKey": "VS", "recordId": str(old["recordId"]), "SYSBP1": "151"}
    for name in ("first.csv", "second.csv"):
        as_csv(tmp_path / name, [update])
        assert submit(box, tmp_path / name).complete
    refusing = own_box(faults=["status POST records nth=1 status=400"], switches=NOW)
    as_csv(tmp_path / "refused.csv", LINES)
    assert submit(refusing, tmp_path / "refused.csv").counts == {"refused": 3}
    as_csv(tmp_path / "again.csv", LINES)
    assert submit(refusing, tmp_path / "again.csv").complete
    items = read_items(tmp_path / "again.csv").items
    refuse_written(tmp_path / "x.jsonl", STUDY, items, refusing.url)
    refuse_written(tmp_path / "x.jsonl", TWIN, items, "https://edc.example.org")
    with pytest.raises(WrittenBeforeError):
        refuse_written(tmp_path / "x.jsonl", TWIN, items, refusing.url)


def test_of_two_runs_at_once_one_is_refused(own_box: Make, tmp_path: Path) -> None:
    """Both look before either has sent anything: the first request of each waits for that of the other."""
    both, designs = threading.Barrier(2), itertools.count()

    def together(request: Request, answer: Callable[[Request], Answer]) -> Answer:
        if request.target.partition("?")[0].endswith("/forms") and next(designs) < 2:
            both.wait(20)
        return answer(request)

    box = own_box(switches=NOW, intercept=together)
    for name in ("one.csv", "copy.csv"):
        as_csv(tmp_path / name, LINES)
    ended: list[Any] = []

    def run(name: str) -> None:
        try:
            ended.append(submit(box, tmp_path / name).counts)
        except WrittenBeforeError:
            ended.append("refused")

    threads = [threading.Thread(target=run, args=(name,)) for name in ("one.csv", "copy.csv")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, ended)) == ["refused", "{'stored': 3}"]
    assert posts(box) == 1


def test_the_page_of_a_proxy_does_not_say_that_nothing_was_stored(own_box: Make, door: Ways, tmp_path: Path) -> None:
    """It passed the request on; what was stored is found by reading, and the same command sends nothing again."""

    def proxy(request: Request, answer: Callable[[Request], Answer]) -> Answer:
        given = answer(request)
        blocked = Answer(403, b"<html>blocked</html>", {"Content-Type": "text/html"})
        return blocked if request.method == "POST" else given

    clock = StillClock()
    box = own_box(intercept=proxy, job_clock=clock)
    one = writer(door, box, clock)
    report = one.call("writing.submit", TWIN, [EVENT], journal=tmp_path / "run.jsonl")
    assert report.counts == {"stored": 1}
    assert one.call("writing.submit", TWIN, [EVENT], journal=tmp_path / "run.jsonl").complete
    assert posts(box) == 1


def test_the_command_says_which_lines_and_what_to_do(own_box: Make, tmp_path: Path) -> None:
    box = own_box(switches=NOW)
    as_csv(tmp_path / "january.csv", LINES)
    sent = imednet("records", "create", TWIN, str(tmp_path / "january.csv"), "--yes", **keys(box))
    assert sent.returncode == 0, sent.stderr
    as_csv(tmp_path / "february.csv", [{**LINES[0], "AENUM": "20"}, *LINES])
    for more in ((), ("--yes",)):
        refused = imednet("records", "create", TWIN, str(tmp_path / "february.csv"), *more, **keys(box))
        assert refused.returncode == 2
        assert "3 of the 4 items of february.csv, such as that of line 3, are those of a run" in refused.stderr
    assert posts(box) == 1


def test_an_empty_journal_is_no_run_that_has_begun(own_box: Make, tmp_path: Path) -> None:
    """As a power cut may leave it; the items are planned, checked and shown as ever."""
    box = own_box(switches=NOW)
    old = next(row for row in rows(box) if row["formKey"] == "VS" and not row["deleted"])
    file = tmp_path / "up.csv"
    as_csv(file, [{"formKey": "VS", "recordId": str(old["recordId"]), "SYSBP1": "151"}])
    journal_of(file).touch()
    wrong = imednet("records", "create", TWIN, str(file), "--yes", **keys(box))
    assert (wrong.returncode, "not for create" in wrong.stderr) == (2, True)
    dry = imednet("records", "update", TWIN, str(file), **keys(box))
    assert json.loads(dry.stdout)
    assert posts(box) == 0


def test_a_journal_that_holds_only_what_was_planned_is_in_nobodys_way(own_box: Make, tmp_path: Path) -> None:
    """As a run leaves it that was killed before its first batch: nothing was sent, so that a file may be corrected."""
    box = own_box(switches=NOW)
    file = tmp_path / "events.csv"
    as_csv(file, LINES)
    submit(box, file)
    journal = journal_of(file)
    journal.write_bytes(journal.read_bytes().splitlines(keepends=True)[0])
    as_csv(file, [{**LINES[0], "AENUM": "30"}, *LINES[1:]])
    assert submit(box, file).complete
    assert posts(box) == 2


def test_outcomes_are_told_where_their_file_cannot_be_written(own_box: Make, tmp_path: Path) -> None:
    box = own_box(switches=NOW)
    file = tmp_path / "events.csv"
    as_csv(file, LINES)
    file.with_name("events.csv.outcome.csv").mkdir()
    done = imednet("records", "create", TWIN, str(file), "--yes", **keys(box))
    assert done.returncode != 0
    assert [json.loads(line)["state"] for line in done.stdout.splitlines()] == ["stored"] * 3
    assert "The run is over" in done.stderr
    assert f"records verify {journal_of(file)}" in done.stderr


def test_the_journal_of_another_study_or_version_says_so(own_box: Make, tmp_path: Path) -> None:
    box = own_box(switches=NOW)
    as_csv(tmp_path / "events.csv", LINES)
    submit(box, tmp_path / "events.csv")
    with pytest.raises(ArgumentError, match=f"a run on study {TWIN}, not on {STUDY}. Next: name another file"):
        submit(box, tmp_path / "events.csv", STUDY)
    journal = journal_of(tmp_path / "events.csv")
    journal.write_bytes(journal.read_bytes().replace(b'{"version": 1,', b'{"version": 2,', 1))
    with pytest.raises(ArgumentError, match="a journal of version 2, and this version of imednet writes 1"):
        submit(box, tmp_path / "events.csv")
