"""Exports in trouble: killed, no room, a server that goes, a target in use, a library missing; and the log of runs."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporting import NAMES, differences, target
from imednet import ImednetSDK
from imednet.errors import (
    ExportBatchError,
    ExportConfigurationError,
    ExportError,
    ExportIncompleteError,
    ImednetError,
    RequestError,
)
from imednet.integrations import (
    Batch,
    ExportSink,
    JsonLinesSink,
    LongSink,
    export_study,
    export_to_csv,
    export_to_duckdb,
    export_to_parquet,
    export_to_sql,
)
from imednet.integrations.on_disk import extraction_log as log
from imednet.integrations.sink import _redact_uri
from imednet.sandbox import Sandbox
from killing import content, killed_and_resumed, leftovers, whole
from support import STUDY

Make = Callable[..., Sandbox]


@pytest.fixture(scope="module")
def slow() -> Iterator[Sandbox]:
    """Pages take a moment, so that there is one to be killed in."""
    with Sandbox(faults=["latency GET seconds=0.1"]) as box:
        yield box


@pytest.mark.parametrize(("name", "share"), [("parquet", 0.55), ("sqlite", 0.8), ("excel", 0.95)])
def test_a_killed_export_is_gone_on_with(slow: Sandbox, tmp_path: Path, name: str, share: float) -> None:
    """The same content as that of an undisturbed run, nothing half-made; `nox -s soak` does this fifty times."""
    calm, torn = tmp_path / "calm", tmp_path / "torn"
    calm.mkdir()
    torn.mkdir()
    seconds = whole(slow, name, calm)
    killed_and_resumed(slow, name, torn, seconds * share)
    one = target(name, torn)
    assert content(one, slow) == content(target(name, calm), slow)
    assert leftovers(one) == []


def test_a_workbook_whose_manifest_a_kill_cut_off_is_replaced(
    own_box: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is known by its content; a workbook of somebody else that took its place meanwhile is not touched."""

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    box, one = own_box(), target("excel", tmp_path)
    book = tmp_path / "study.xlsx"
    for content_of_another, trouble in ((None, interrupted), (None, full), (b"mine", interrupted)):
        monkeypatch.setattr("imednet.integrations.on_disk.folder.ExportFolder.publish", trouble)
        with pytest.raises((KeyboardInterrupt, ExportError)):
            one.export(box)
        monkeypatch.undo()
        assert book.exists()
        if content_of_another is None:
            one.export(box)
            assert (one.home / "manifest.json").exists()
            shutil.rmtree(one.home)
            book.unlink()
        else:
            book.write_bytes(content_of_another)
            with pytest.raises(ExportConfigurationError, match="choose another name"):
                one.export(box)
            assert book.read_bytes() == content_of_another


def test_a_manifest_that_a_kill_cut_off_is_no_file_of_somebody_else(box: Sandbox, tmp_path: Path) -> None:
    one = target("parquet", tmp_path)
    one.home.mkdir(parents=True)
    half = one.home / ".manifest.json.partial"
    half.write_text('{"study": ')
    one.export(box)
    assert not half.exists()
    assert (one.home / "manifest.json").exists()


def no_room(self: Any) -> None:
    raise OSError(28, "No space left on device")


def test_a_study_that_changed_meanwhile_is_read_anew(
    own_box: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    box, one = own_box(), target("parquet", tmp_path)
    monkeypatch.setattr("imednet.integrations.parquet.ParquetSink.flush", no_room)
    with pytest.raises(ExportError, match="Next: make room"):
        one.export(box)
    monkeypatch.undo()
    assert (one.home / ".imednet-spool").exists()
    before = len(box.requests)
    report = one.export(box)
    assert report.resumed == report.rows
    assert not [r for r in box.requests[before:] if r.path.endswith("/records") and "size=500" in r.target]
    monkeypatch.setattr("imednet.integrations.parquet.ParquetSink.flush", no_room)
    with pytest.raises(ExportError):
        one.export(box, fresh=True)
    monkeypatch.undo()
    box.advance(1)
    report = one.export(box)
    assert report.resumed == 0
    assert "the study changed" in caplog.text
    assert differences(one, box, report) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_disk_is_full(own_box: Make, tmp_path: Path, name: str) -> None:
    """An error that says so; the earlier export is untouched; with room again the next run is whole."""
    box, one = own_box(), target(name, tmp_path)
    one.export(box)
    before = content(one, box)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    box.advance(1)
    small = 400_000 if name in ("duckdb", "sqlite") else 30_000
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (small, limit[1]))
        with pytest.raises(ImednetError, match="Next"):
            one.export(box, backoff=0.01, fresh=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert content(one, box) == before
    report = one.export(box)
    assert differences(one, box, report) == []


def test_a_server_that_goes_half_way_is_gone_on_with(own_box: Make, tmp_path: Path) -> None:
    """One error with the next step; what was read waits, and only the rest is read."""
    box, one = own_box(faults=["reset GET records after=4"]), target("csv", tmp_path)
    with ImednetSDK(**box.credentials, retries=0, max_in_flight=1) as sdk, pytest.raises(RequestError, match="Next"):
        export_to_csv(sdk, STUDY, tmp_path / "csv")
    assert not [path for path in (tmp_path / "csv").iterdir() if not path.name.startswith(".")]
    assert httpx.delete(f"{box.url}/_sandbox/faults").status_code == 200
    report = one.export(box)
    assert 1000 <= report.resumed < report.rows
    assert differences(one, box, report) == []


def test_two_exports_into_one_folder_at_once_are_refused(own_box: Make, tmp_path: Path) -> None:
    box, seen = own_box(), list[int]()

    def second(done: int, total: int) -> None:
        if not seen:
            with (
                ImednetSDK(**box.credentials) as other,
                pytest.raises(ExportConfigurationError, match="another export"),
            ):
                export_to_csv(other, STUDY, tmp_path / "x")
            seen.append(done)

    with ImednetSDK(**box.credentials) as sdk:
        assert export_to_csv(sdk, STUDY, tmp_path / "x", progress=second).complete
    assert seen


def test_a_duckdb_file_in_use_is_named(own_box: Make, tmp_path: Path) -> None:
    code = "import duckdb, sys; db = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "x.duckdb")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    box = own_box()
    try:
        with ImednetSDK(**box.credentials) as sdk, pytest.raises(ExportConfigurationError, match="another program"):
            export_to_duckdb(sdk, STUDY, tmp_path / "x.duckdb")
    finally:
        holder.communicate(b"")
    assert box.requests == []


@pytest.mark.parametrize(
    ("module", "extra", "make"),
    [
        ("pyarrow", "export", "ParquetSink('x')"), ("duckdb", "duckdb", "DuckDbSink('x')"),
        ("xlsxwriter", "export", "ExcelSink('x')"), ("sqlalchemy", "export", "SqlSink('sqlite://')"),
        ("pyreadstat", "stats", "SavSink('x')"), ("pyreadstat", "stats", "XptSink('x')"),
        ("pymongo", "mongodb", "MongoDBSink('mongodb://h')"), ("neo4j", "neo4j", "Neo4jSink('bolt://h')"),
        ("snowflake.connector", "snowflake", "SnowflakeSink('c')"),
    ],
)  # fmt: skip
def test_a_missing_library_is_named_with_the_extra(module: str, extra: str, make: str) -> None:
    """Importing says nothing; the first sink that needs the library does, before anything is read."""
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "import imednet.integrations.graph, imednet.integrations.document, imednet.integrations.warehouse\n"
        "from imednet.integrations import *\n"
        f"try:\n    {make}\nexcept ExportConfigurationError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"[{extra}]" in done.stdout, done.stderr
    assert "Next" in done.stdout


class Flaky(ExportSink):
    """A sink of somebody's own, whose target fails now and then."""

    kind = "flaky"
    foreign = (ConnectionError,)

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.rows: dict[str, int] = {}
        self.ended: list[str] = []

    def write_batch(self, batch: Batch) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("secret answer")
        self.rows[batch.table.key] = self.rows.get(batch.table.key, 0) + len(batch)

    def flush(self) -> None:
        self.ended.append("flush")

    def close(self) -> None:
        self.ended.append("close")

    def transient(self, error: BaseException) -> bool:
        return isinstance(error, ConnectionError)


def test_a_sink_of_ones_own_is_retried_then_given_up(own_box: Make, tmp_path: Path) -> None:
    from imednet.integrations import ExportOptions

    box = own_box()
    with ImednetSDK(**box.credentials) as sdk:
        sink = Flaky(3)
        report = export_study(
            sdk, STUDY, sink, home=tmp_path / "a", options=ExportOptions(max_retries=3, backoff=0.001)
        )
        assert sum(rows for key, rows in sink.rows.items() if not key.startswith("_")) == report.rows
        assert sink.ended == ["flush", "close"]
        sink = Flaky(4)
        with pytest.raises(ExportBatchError, match=r"4 attempts") as caught:
            export_study(sdk, STUDY, sink, home=tmp_path / "b", options=ExportOptions(max_retries=3, backoff=0.001))
        assert caught.value.batch_id == "REG/0"
        assert "secret" not in str(caught.value)
        assert sink.ended == ["close"]


def test_the_log_is_a_chain_that_shows_every_change(own_box: Make, tmp_path: Path) -> None:
    box, folder = own_box(), tmp_path / "x"
    with ImednetSDK(**box.credentials) as sdk:
        for _ in range(3):
            export_to_parquet(sdk, STUDY, folder, forms=["AE"])
    assert log.verify(folder).problems == []
    entries = log.read(folder)
    assert [entry["number"] for entry in entries] == [1, 2, 3]
    assert entries[0]["rows"]["AE"] > 50
    assert {"user", "host", "time", "study", "format", "reads", "manifestSha256"} <= set(entries[0])
    path = folder / "extraction-log.jsonl"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    for spoilt in (
        [lines[0].replace('"AE": 67', '"AE": 66'), *lines[1:]], [lines[0], lines[2]], lines[1:], lines[:2],
        [lines[0], lines[1][:40]],
        [json.dumps({**json.loads(lines[0]), "user": "nobody"}) + "\n", *lines[1:]],
    ):  # fmt: skip
        path.write_text("".join(spoilt), "utf-8")
        assert log.verify(folder).problems, spoilt
    path.write_text("".join(lines), "utf-8")
    (folder / "AE.parquet").write_bytes(b"other")
    assert log.verify(folder).problems == ["AE.parquet was changed"]


def test_addresses_are_shown_without_secrets() -> None:
    for uri in (
        "postgresql+psycopg://app:s3cret@h:5/x", "mongodb://app:s3cret@h,i:2/?authSource=a", "bolt://app:s3cret@h",
        "mysql://h/x?password=s3cret",
        "postgresql://app:s3cret/with?odd#signs@h/x", "snowflake://u:s3cret@acc/db?token=s3cret&x=1", "mssql://h?pwd=s3cret;a=b",
    ):  # fmt: skip
        assert "s3cret" not in _redact_uri(uri)
        assert "app" not in _redact_uri(uri).partition("://")[2].partition("@")[0]


def test_nothing_of_an_export_is_readable_by_others_while_it_runs(own_box: Make, tmp_path: Path) -> None:
    box, modes = own_box(), set()

    def look(done: int, total: int) -> None:
        modes.add((tmp_path / "x" / ".imednet-spool").stat().st_mode & 0o777)

    with ImednetSDK(**box.credentials) as sdk:
        export_to_csv(sdk, STUDY, tmp_path / "x", progress=look)
    assert modes == {0o700}


def test_a_form_that_its_filter_does_not_find_is_never_called_whole(own_box: Make, tmp_path: Path) -> None:
    """The server forgets rows of one form when it filters by it: no run calls that complete, not even a later one."""

    def forgetful(request: Any, answer: Any) -> Any:
        found = answer(request)
        asked = dict(request.query).get("filter", "")
        if "formKey==VS" in asked or "formId==60106" in asked:
            found = answer(type(request)(request.method, request.target + "%3BsiteId%3D%3D301", request.headers))
        return found

    box = own_box(intercept=forgetful)
    for _ in range(3):
        with ImednetSDK(**box.credentials) as sdk, pytest.raises(ExportIncompleteError, match="VS"):
            export_to_csv(sdk, STUDY, tmp_path / "x")
    box._intercept = None
    with ImednetSDK(**box.credentials) as sdk:
        report = export_to_csv(sdk, STUDY, tmp_path / "x")
    assert {form.key: form.rows for form in report.forms}["VS"] == 269


def test_tables_of_others_are_told_apart_whatever_their_case(own_box: Make, tmp_path: Path) -> None:
    import duckdb

    with closing(sqlite3.connect(tmp_path / "a.db")) as db, db:
        db.execute("create table vs (mine text)")
    db.close()
    with duckdb.connect(str(tmp_path / "a.duckdb")) as duck:
        duck.execute("create table vs (mine text)")
    box = own_box()
    with ImednetSDK(**box.credentials) as sdk:
        with pytest.raises(ExportConfigurationError, match="no export created"):
            export_to_sql(sdk, STUDY, f"sqlite:///{tmp_path / 'a.db'}", home=tmp_path / "home")
        with pytest.raises(ExportConfigurationError, match="no export created"):
            export_to_duckdb(sdk, STUDY, tmp_path / "a.duckdb")
        export_to_sql(sdk, STUDY, f"sqlite:///{tmp_path / 'b.db'}", home=tmp_path / "home")
        with pytest.raises(ExportConfigurationError, match=f"of study '{STUDY}'"):
            export_to_sql(sdk, f"{STUDY}-DEV", f"sqlite:///{tmp_path / 'b.db'}", home=tmp_path / "other")


def test_a_run_that_died_while_files_were_put_in_place_is_undone(
    own_box: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between two renames: the next run, though it fails too, leaves the earlier export whole."""
    box, folder = own_box(), tmp_path / "x"
    code = (
        "import sys, os; from pathlib import Path; from imednet import ImednetSDK; from imednet.integrations import *\n"
        "replace, left = Path.replace, [20]\n"
        "def dying(self, other):\n"
        "    left[0] -= 'out' in self.parts\n"
        "    if left[0] < 0: os.kill(os.getpid(), 9)\n"
        "    return replace(self, other)\n"
        "Path.replace = dying\n"
        "with ImednetSDK('demo-api-key', 'demo-security-key', sys.argv[1]) as sdk:\n"
        f"    export_to_csv(sdk, {STUDY!r}, sys.argv[2])\n"
    )

    def die() -> None:
        done = subprocess.run([sys.executable, "-c", code, box.url, str(folder)], capture_output=True, check=False)
        assert done.returncode == -9

    die()
    with ImednetSDK("demo-api-key", "wrong", box.url) as sdk, pytest.raises(ImednetError):
        export_to_csv(sdk, STUDY, folder)
    with ImednetSDK(**box.credentials) as sdk:
        assert export_to_csv(sdk, STUDY, folder).resumed > 0
        before = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "extraction-log.jsonl"}
        box.advance(1)
        die()
        with ImednetSDK("demo-api-key", "wrong", box.url) as wrong, pytest.raises(ImednetError):
            export_to_csv(wrong, STUDY, folder)
        after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        assert after.pop("extraction-log.jsonl")  # each run has its line there
        assert after == before
        assert export_to_csv(sdk, STUDY, folder).complete


def test_a_log_with_any_reason_and_half_a_line_can_be_gone_on_with(own_box: Make, tmp_path: Path) -> None:
    box, folder = own_box(), tmp_path / "x"
    with ImednetSDK(**box.credentials) as sdk:
        export_to_csv(sdk, STUDY, folder, forms=["AE"], unblind="per plan\u2028section 4\x85")
        with (folder / "extraction-log.jsonl").open("ab") as file:
            file.write(b'{"number": 2, "ti')
        assert log.verify(folder).problems == ["the last entry is incomplete"]
        export_to_csv(sdk, STUDY, folder, forms=["AE"])
    assert log.verify(folder).problems == []
    assert [entry["number"] for entry in log.read(folder)] == [1, 2]


def test_deleted_rows_are_chosen_among_records_alone(own_box: Make, tmp_path: Path) -> None:
    box, one = own_box(), target("parquet", tmp_path)
    one.export(box, deleted="only", entities=["record_revisions"])
    assert len(one.read("_record_revisions")) == len(box.studies[STUDY].rows("recordRevisions"))


def test_raw_records_have_no_long_format(tmp_path: Path) -> None:
    with pytest.raises(ExportConfigurationError, match="no long format"):
        LongSink(JsonLinesSink(tmp_path, raw_records=True))
