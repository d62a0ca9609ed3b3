"""What a target holds before and after an export: nothing foreign is touched, lost or left behind."""

from __future__ import annotations

import dataclasses
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest

from imednet import ImednetSDK
from imednet.errors import ExportBatchError, ExportConfigurationError, ExportError, ExportIncompleteError, ImednetError
from imednet.integrations import CsvSink, ExportOptions, JsonLinesSink, LongSink, SavSink, SqlSink, export_study
from imednet.integrations.functions import export_to_csv, export_to_duckdb, export_to_excel, export_to_sql
from imednet.integrations.on_disk import extraction_log as log
from imednet.integrations.on_disk.folder import HIDDEN, LOG, MANIFEST, ExportFolder, sha256
from imednet.integrations.on_disk.snapshots import Snapshot
from imednet.integrations.tables.batches import Batch
from imednet.sandbox import Sandbox
from naming_targets import TARGETS, Drawn, through, write
from support import STUDY

Make = Callable[..., Sandbox]


class TestForeignPaths:
    """Names and links that stand in a target lead nowhere else."""

    @pytest.fixture
    def victim(self, tmp_path: Path) -> Path:
        path = tmp_path / "victim.csv"
        path.write_text("mine")
        return path

    @pytest.mark.parametrize(
        "name", ["../victim.csv", "{absolute}", "a/../../victim.csv", "link/victim.csv", "C:victim"]
    )
    @pytest.mark.parametrize("where", [MANIFEST, f"{HIDDEN}/{MANIFEST}"])
    def test_a_manifest_names_no_file_outside(
        self, box: Sandbox, tmp_path: Path, victim: Path, name: str, where: str
    ) -> None:
        target = tmp_path / "out"
        (target / HIDDEN).mkdir(parents=True)
        (target / "link").symlink_to(tmp_path)
        name = name.format(absolute=victim)
        (target / where).write_text(json.dumps({"study": STUDY, "files": [{"form": "AE", "file": name}, 7, {}]}))
        with (
            ImednetSDK(**box.credentials) as sdk,
            pytest.raises(ExportConfigurationError, match="names a file that no"),
        ):
            export_to_csv(sdk, STUDY, target)
        assert victim.read_text() == "mine"
        if where == MANIFEST:
            (target / LOG).write_text("")
            log.append(target, {"manifestSha256": sha256(target / MANIFEST)})
            outside = ("not the name of a file", "a symbolic link")
            assert any(reason in problem for problem in log.verify(target).problems for reason in outside)
            (target / MANIFEST).write_text(json.dumps({
                "study": "S", "format": "csv", "status": "complete", "files": [{"form": "AE", "file": name}],
            }))  # fmt: skip
            with pytest.raises(ImednetError, match="holds no export"):
                Snapshot(target)

    @pytest.mark.parametrize(
        "name", [HIDDEN, MANIFEST, LOG, ".imednet-lock", f".{MANIFEST}.partial", f"{HIDDEN}/spool"]
    )
    def test_nothing_is_written_through_a_link(self, box: Sandbox, tmp_path: Path, victim: Path, name: str) -> None:
        target, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
        elsewhere.mkdir()
        (target / name).parent.mkdir(parents=True)
        (target / name).symlink_to(elsewhere if HIDDEN in name else victim)
        with ImednetSDK(**box.credentials) as sdk, pytest.raises(ExportConfigurationError, match="is a link"):
            export_to_csv(sdk, STUDY, target)
        assert (victim.read_text(), list(elsewhere.iterdir())) == ("mine", [])

    def test_a_link_to_a_folder_is_the_folder_and_a_link_to_a_file_stays_one(
        self, box: Sandbox, tmp_path: Path
    ) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "out").symlink_to(tmp_path / "real")
        (tmp_path / "book.xlsx").symlink_to(tmp_path / "real.xlsx")
        (tmp_path / "x.duckdb").symlink_to(tmp_path / "real.duckdb")
        with ImednetSDK(**box.credentials) as sdk:
            for _ in range(2):
                export_to_csv(sdk, STUDY, tmp_path / "out", forms=["AE"])
                export_to_excel(sdk, STUDY, tmp_path / "book.xlsx", forms=["AE"])
                export_to_duckdb(sdk, STUDY, tmp_path / "x.duckdb", forms=["AE"])
        assert (tmp_path / "real" / "AE.csv").exists()
        for name in ("book.xlsx", "x.duckdb"):
            assert (tmp_path / name).is_symlink()
            assert (tmp_path / name).stat().st_size > 1000


class TestNames:
    """The small cases of users' names that are like ours; any other ones are drawn in `test_any_names`."""

    CASES: ClassVar[dict[str, list[str]]] = {
        "our own tables": ["_dictionary", "_issues", "_visits", "_unassigned"],
        "our own files": ["extraction-log", "manifest", "issues"],
        "SQL objects": ["_imednet_tables", "sqlite_x", "AE", "AE__new", "AE__old", "AE__2", "_imednet_0"],
        "one key for several": ["AE", "AE", "AE_2", "AE_1", "AE"],
        "case": ["AE", "ae", "Ae", "É", "E", "e"],
    }

    @pytest.mark.parametrize("case", CASES)
    @pytest.mark.parametrize("target", TARGETS)
    def test_names_like_ours(self, case: str, target: str) -> None:
        variables: dict[str, Any] = {"_batch": ("l", []), "recordId": ("l", []), 'say "a\\b\n"': ("l", [])}
        answers = {"_batch": "1", "recordId": "x", 'say "a\\b\n"': "y"}
        forms = [(key, variables, [answers] * (place + 1)) for place, key in enumerate(self.CASES[case])]
        through(target, Drawn(forms))

    def test_a_wide_form_has_further_tables_that_are_nobody_elses(self, tmp_path: Path) -> None:
        """`AE` needs two tables, and the study has a form `AE__2`; with fewer columns the second table goes again."""
        wide: dict[str, Any] = {f"V{number}": ("l", []) for number in range(2100)}
        home, url = tmp_path / "home", f"sqlite:///{tmp_path / 'x.db'}"
        forms = [("AE", wide, [{"V1": "a", "V2099": "b"}]), ("AE__2", {"A": ("l", [])}, [{"A": "c"}] * 2)]

        def tables() -> dict[str, int]:
            with closing(sqlite3.connect(tmp_path / "x.db")) as db, db:
                names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
                return {name: db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}

        sink = SqlSink(url)
        write(sink, Drawn(forms), home)
        assert sink.outputs["AE"]["tables"] == ["AE", "AE__2_1"]
        assert {key: count for key, count in tables().items() if key.startswith("AE")} == {
            "AE": 1, "AE__2": 2, "AE__2_1": 1,
        }  # fmt: skip
        assert not [name for name in tables() if name.startswith("_imednet") and name != "_imednet_tables"]
        (home / MANIFEST).write_text(json.dumps({"files": [{"form": "AE", **sink.outputs["AE"]}]}))
        write(SqlSink(url), Drawn([("AE", {"A": ("l", [])}, []), forms[1]]), home)
        assert {key: count for key, count in tables().items() if key.startswith("AE")} == {"AE": 0, "AE__2": 2}

    def test_a_field_and_an_answer_of_one_name_are_both_kept(self, own_box: Make, tmp_path: Path) -> None:
        box = own_box()
        records = box.studies[STUDY].records
        place = next(p for p in records.places() if records.row(p)["formKey"] == "AE")
        row = records.row(place)
        records.change(place, extra="field", recordData={**(records.data(place) or {}), "record.extra": "answer"})
        with ImednetSDK(**box.credentials) as sdk:
            export_study(
                sdk, STUDY, JsonLinesSink(tmp_path / "o"), home=tmp_path / "o", options=ExportOptions(forms=["AE"])
            )
        lines = [json.loads(one) for one in (tmp_path / "o" / "AE.jsonl").read_text().splitlines()]
        other = next(json.loads(one["undeclared"]) for one in lines if one["recordId"] == row["recordId"])
        assert sorted(other.values()) == ["answer", "field"]


class FailsAt(CsvSink):
    """Cannot write one form."""

    def write_rows(self, batch: Batch) -> None:
        super().write_rows(batch)
        if batch.table.key == "VS":
            raise ValueError("no such sign")


class SqlFailsAt(SqlSink):
    def write_batch(self, batch: Batch) -> None:
        super().write_batch(batch)
        if batch.table.key == "VS":
            raise ValueError("no such sign")


@pytest.mark.parametrize("kind", ["csv", "sql"])
def test_one_form_that_cannot_be_written_stops_no_other(box: Sandbox, tmp_path: Path, kind: str) -> None:
    """It is named, the rest is there, and the next run writes it from what was read."""
    home = tmp_path / "out"

    def sink(fails: bool) -> Any:
        if kind == "csv":
            return (FailsAt if fails else CsvSink)(home)
        return (SqlFailsAt if fails else SqlSink)(f"sqlite:///{tmp_path / 'x.db'}")

    with ImednetSDK(**box.credentials) as sdk:
        with pytest.raises(ExportIncompleteError, match=r"1 of \d+ tables could not be read: VS") as error:
            export_study(sdk, STUDY, sink(fails=True), home=home)
        assert "ValueError" in str(error.value)
        assert "no such sign" not in str(error.value)
        states = {one.key: one.status for one in error.value.report.forms}
        assert states.pop("VS") == "FAILED"
        assert set(states.values()) == {"SUCCESS"}
        if kind == "csv":
            assert not (home / "VS.csv").exists()
            assert "VS.csv" not in (home / "read.R").read_text()
            assert (home / "AE.csv").exists()
        asked = len(box.requests)
        report = export_study(sdk, STUDY, sink(fails=False), home=home)
        assert report.complete
        assert report.resumed > 0
        assert len(box.requests) - asked < 20


def test_a_sink_of_the_users_own_is_retried_for_failures_of_the_network(box: Sandbox, tmp_path: Path) -> None:
    """The three documented methods alone: passing errors are waited out, all others name their batch."""
    from imednet.integrations import ExportSink

    class Mine(ExportSink):
        def __init__(self, error: Exception, times: int) -> None:
            self.error, self.left, self.calls = error, times, 0

        def write_batch(self, batch: Batch) -> None:
            self.calls += 1
            if self.left:
                self.left -= 1
                raise self.error

        def flush(self) -> None: ...
        def close(self) -> None: ...

    options = ExportOptions(forms=["AE"], backoff=0, max_retries=2)
    with ImednetSDK(**box.credentials) as sdk:
        for error in (OSError("gone"), TimeoutError(), ConnectionResetError()):
            assert export_study(sdk, STUDY, Mine(error, 2), home=tmp_path / "a", options=options).complete
            with pytest.raises(ExportBatchError, match="3 attempts") as caught:
                export_study(sdk, STUDY, Mine(error, 3), home=tmp_path / "b", options=options)
            assert caught.value.batch_id == "AE/0"
        broken = Mine(KeyError("x"), 1)
        with pytest.raises(ExportBatchError, match="KeyError") as caught:
            export_study(sdk, STUDY, broken, home=tmp_path / "c", options=options)
        assert (caught.value.batch_id, broken.calls) == ("AE/0", 1)
        with pytest.raises(ExportBatchError):
            export_study(sdk, STUDY, LongSink(Mine(KeyError("x"), 1)), home=tmp_path / "d", options=options)


class TestPuttingBack:
    @pytest.fixture
    def placed(self, tmp_path: Path) -> Path:
        home = tmp_path / "out"
        with ExportFolder(home) as folder:
            self.publish(folder, "old")
        return home

    @staticmethod
    def publish(folder: ExportFolder, text: str) -> None:
        folder.staging.mkdir(parents=True, exist_ok=True)
        for name in ("a.csv", "b.csv"):
            (folder.staging / name).write_text(text)
        folder.publish(["a.csv", "b.csv"], {"run": text, "files": [{"file": "a.csv"}, {"file": "b.csv"}]}, set())

    def test_what_cannot_be_put_back_is_kept_and_named_and_put_back_by_the_next_run(
        self, placed: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from imednet.integrations.on_disk import folder as module

        moves: list[str] = []
        real = module._move

        def failing(source: Path, target: Path) -> None:
            moves.append(source.name)
            if len(moves) >= 4:  # the new b.csv, and then putting back
                raise OSError(5, "the disk is gone")
            real(source, target)

        monkeypatch.setattr(module, "_move", failing)
        with pytest.raises(ExportError, match="2 files of the earlier export could not be restored") as error:
            with ExportFolder(placed) as folder:
                self.publish(folder, "new")
        kept = placed / HIDDEN / "before"
        assert str(kept) in str(error.value)
        assert {path.name: path.read_text() for path in kept.iterdir()} == {"a.csv": "old", "b.csv": "old"}
        monkeypatch.undo()
        with ExportFolder(placed):
            assert [(placed / name).read_text() for name in ("a.csv", "b.csv")] == ["old", "old"]
        assert not (placed / HIDDEN).exists()

    def test_all_is_put_back_where_that_goes(self, placed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from imednet.integrations.on_disk import folder as module

        real, calls = module.write_json, [0]

        def failing(path: Path, value: Any) -> None:
            calls[0] += 1
            if calls[0] == 2:
                raise OSError(28, "no room")
            real(path, value)

        monkeypatch.setattr(module, "write_json", failing)
        with pytest.raises(OSError, match="no room"), ExportFolder(placed) as folder:
            self.publish(folder, "new")
        assert [(placed / name).read_text() for name in ("a.csv", "b.csv")] == ["old", "old"]
        assert json.loads((placed / MANIFEST).read_text())["run"] == "old"


class TestLeftovers:
    """An export that fails leaves nothing that was not there."""

    @pytest.mark.parametrize("kind", ["duckdb", "sqlite", "excel", "csv"])
    @pytest.mark.parametrize("how", ["no such study", "server down", "no such form"])
    def test_a_failed_export_leaves_nothing(self, own_box: Make, tmp_path: Path, kind: str, how: str) -> None:
        box = own_box(faults=["status GET records status=500"] if how == "server down" else [])
        export: Any = {
            "duckdb": lambda sdk, study, **o: export_to_duckdb(sdk, study, tmp_path / "o.duckdb", **o),
            "sqlite": lambda sdk, study, **o: export_to_sql(
                sdk, study, f"sqlite:///{tmp_path / 'o.db'}", home=tmp_path / "home", **o
            ),
            "excel": lambda sdk, study, **o: export_to_excel(sdk, study, tmp_path / "o.xlsx", **o),
            "csv": lambda sdk, study, **o: export_to_csv(sdk, study, tmp_path / "o", **o),
        }[kind]
        options = {"forms": ["NOPE"]} if how == "no such form" else {}
        with ImednetSDK(**box.credentials, retries=0) as sdk, pytest.raises(ImednetError):
            export(sdk, "no such study/" if how == "no such study" else STUDY, **options)
        assert list(tmp_path.iterdir()) == []

    def test_a_database_that_was_there_stays_as_it_was(self, own_box: Make, tmp_path: Path) -> None:
        path = tmp_path / "o.duckdb"
        with duckdb.connect(str(path)) as db:
            db.execute("CREATE TABLE mine AS SELECT 1 AS a")
        box = own_box(faults=["status GET records status=500"])
        with ImednetSDK(**box.credentials, retries=0) as sdk, pytest.raises(ImednetError):
            export_to_duckdb(sdk, STUDY, path)
        with duckdb.connect(str(path)) as db:
            assert db.execute("SHOW TABLES").fetchall() == [("mine",)]


def test_without_a_home_folder_the_message_names_the_variable(box: Sandbox, tmp_path: Path) -> None:
    """A user that has neither name nor home, as in a container: files work, databases say what to set."""
    code = (
        "import os, pwd, sys\n"
        "def nobody(number): raise KeyError(number)\n"
        "pwd.getpwuid = nobody\n"
        "from imednet import ImednetSDK\nfrom imednet.integrations.functions import export_to_csv, export_to_sql\n"
        "from imednet.integrations.functions import export_to_duckdb\n"
        "sdk = ImednetSDK(api_key=sys.argv[1], security_key=sys.argv[2], base_url=sys.argv[3])\n"
        "export_to_csv(sdk, sys.argv[4], sys.argv[5] + '/csv', forms=['AE'])\n"
        "export_to_duckdb(sdk, sys.argv[4], sys.argv[5] + '/x.duckdb', forms=['AE'])\n"
        "try: export_to_sql(sdk, sys.argv[4], 'sqlite:///' + sys.argv[5] + '/x.db', forms=['AE'])\n"
        "except Exception as error: print(type(error).__name__, error)\n"
        "os.environ['IMEDNET_STATE_HOME'] = sys.argv[5] + '/state'\n"
        "export_to_sql(sdk, sys.argv[4], 'sqlite:///' + sys.argv[5] + '/x.db', forms=['AE'])\n"
    )
    keys = box.credentials
    arguments = [keys["api_key"], keys["security_key"], keys["base_url"], STUDY, str(tmp_path)]
    names = ("HOME", "XDG_STATE_HOME", "USER", "LOGNAME", "LNAME", "USERNAME")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ExportConfigurationError this user has no home folder")
    assert "IMEDNET_STATE_HOME" in done.stdout
    assert (tmp_path / "state" / "imednet").is_dir()


class TestSecondMorning:
    """An export over an earlier one: whatever else has been done in the target meanwhile."""

    SMALL: ClassVar[list[Any]] = [("AE", {"A": ("l", [])}, [{"A": "a"}])]

    def test_a_file_that_somebody_filled_meanwhile_stays(self, own_box: Make, tmp_path: Path) -> None:
        path = tmp_path / "o.db"
        sink = SqlSink(f"sqlite:///{path}")
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("CREATE TABLE mine AS SELECT 1 AS a")
        sink.close()
        with closing(sqlite3.connect(path)) as db, db:
            assert db.execute("SELECT a FROM mine").fetchall() == [(1,)]

    @pytest.mark.parametrize("further", [True, False])
    def test_tables_of_the_first_exports_are_taken_over(self, tmp_path: Path, further: bool) -> None:
        """The list of owners had no column of parts: what was listed keeps its owner, and no further part is lost."""
        url = f"sqlite:///{tmp_path / 'x.db'}"
        with closing(sqlite3.connect(tmp_path / "x.db")) as db, db:
            db.execute("CREATE TABLE _imednet_tables (name VARCHAR(64) PRIMARY KEY, study VARCHAR(255))")
            db.execute("INSERT INTO _imednet_tables VALUES ('AE', 'S'), ('AE__2', 'S')")
            db.execute("CREATE TABLE AE AS SELECT 1 AS a")
            db.execute("CREATE TABLE AE__2 AS SELECT 1 AS a")
        wide: dict[str, Any] = {f"V{number}": ("l", []) for number in range(2100 if further else 1)}
        write(SqlSink(url), Drawn([("AE", wide, [{"V0": "a"}])]), tmp_path / "home")
        with closing(sqlite3.connect(tmp_path / "x.db")) as db, db:
            parts = dict(db.execute("SELECT name, part_of FROM _imednet_tables WHERE name LIKE 'AE%'"))
            assert db.execute('SELECT "V0" FROM "AE"').fetchall() == [("a",)]
        assert parts == ({"AE": None, "AE__2": "AE"} if further else {"AE": None, "AE__2": None})

    def test_a_view_on_a_table_outlives_the_next_export_and_its_name_is_taken(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path / 'x.db'}"
        write(SqlSink(url), Drawn(self.SMALL), tmp_path / "home")
        with closing(sqlite3.connect(tmp_path / "x.db")) as db, db:
            db.execute('CREATE VIEW mine AS SELECT count(*) AS n FROM "AE"')
        write(SqlSink(url), Drawn([("AE", {"A": ("l", [])}, [{"A": "a"}] * 3)]), tmp_path / "home")
        with closing(sqlite3.connect(tmp_path / "x.db")) as db, db:
            assert db.execute("SELECT n FROM mine").fetchall() == [(3,)]
        with pytest.raises(ExportConfigurationError, match="mine"):
            write(SqlSink(url), Drawn([("mine", {"A": ("l", [])}, [{"A": "a"}])]), tmp_path / "home")

    def test_no_form_that_can_be_written_leaves_the_earlier_export(self, box: Sandbox, tmp_path: Path) -> None:
        home = tmp_path / "out"
        options = ExportOptions(forms=["VS"])
        with ImednetSDK(**box.credentials) as sdk:
            export_study(sdk, STUDY, CsvSink(home), home=home, options=options)
            before = (home / "VS.csv").read_bytes()
            with pytest.raises(ExportError):
                export_study(sdk, STUDY, FailsAt(home), home=home, options=options)
        assert (home / "VS.csv").read_bytes() == before
        assert json.loads((home / MANIFEST).read_text())["status"] == "complete"

    def test_a_table_that_is_no_longer_chosen_is_named_as_stale(self, box: Sandbox, tmp_path: Path) -> None:
        url, home = f"sqlite:///{tmp_path / 'x.db'}", tmp_path / "home"
        with ImednetSDK(**box.credentials) as sdk:
            for forms in (["AE", "VS"], ["AE"]):
                export_to_sql(sdk, STUDY, url, home=home, forms=forms)
        entries = {one["form"]: one for one in json.loads((home / MANIFEST).read_text())["files"] if "form" in one}
        assert entries["VS"]["stale"] is True
        assert "stale" not in entries["AE"]

    def test_a_snapshot_whose_file_was_changed_is_refused(self, box: Sandbox, tmp_path: Path) -> None:
        with ImednetSDK(**box.credentials) as sdk:
            export_to_csv(sdk, STUDY, tmp_path / "o", forms=["AE"])
        snapshot = Snapshot(tmp_path / "o")
        assert next(snapshot.records("AE"))
        lines = (tmp_path / "o" / "AE.csv").read_text("utf-8").splitlines(keepends=True)
        (tmp_path / "o" / "AE.csv").write_text("".join(lines[:-1]), "utf-8")
        with pytest.raises(ImednetError, match="was changed since it was exported"):
            next(snapshot.records("AE"))

    @pytest.mark.parametrize(
        "damage",
        [
            {"files": [{"form": [], "file": "a"}, {"form": "AE", "file": 7}]},
            {"files": {}, "columns": ["x"], "options": 7},
            {"columns": {"AE.A": 7}, "study": []},
        ],
    )
    def test_a_damaged_manifest_stops_no_export(self, box: Sandbox, tmp_path: Path, damage: dict[str, Any]) -> None:
        home = tmp_path / "o"
        with ImednetSDK(**box.credentials) as sdk:
            export_to_csv(sdk, STUDY, home, forms=["AE"])
            earlier = json.loads((home / MANIFEST).read_text())
            (home / MANIFEST).write_text(json.dumps({**earlier, **damage}))
            try:
                export_to_csv(sdk, STUDY, home, forms=["AE"])
            except ExportConfigurationError as error:
                assert "Next: " in str(error)  # noqa: PT017  (either is right, a traceback is not)
            else:
                assert json.loads((home / MANIFEST).read_text())["status"] == "complete"

    def test_a_folder_in_the_place_of_a_file_is_refused(self, box: Sandbox, tmp_path: Path) -> None:
        home = tmp_path / "o"
        with ImednetSDK(**box.credentials) as sdk:
            export_to_csv(sdk, STUDY, home, forms=["AE"])
            (home / "AE.csv").unlink()
            (home / "AE.csv").mkdir()
            (home / "AE.csv" / "mine.txt").write_text("mine")
            with pytest.raises(ExportConfigurationError, match="is a folder"):
                export_to_csv(sdk, STUDY, home, forms=["AE"])
        assert (home / "AE.csv" / "mine.txt").read_text() == "mine"

    @pytest.mark.parametrize("line", ["7", "[]", '{"hash": 7}', "[" * 200_000])
    def test_a_damaged_log_is_told(self, box: Sandbox, tmp_path: Path, line: str) -> None:
        with ImednetSDK(**box.credentials) as sdk:
            export_to_csv(sdk, STUDY, tmp_path / "o", forms=["AE"])
        with (tmp_path / "o" / LOG).open("a") as file:
            file.write(line + "\n")
        with pytest.raises(ExportError, match="cannot be read"):
            log.read(tmp_path / "o")
        assert log.verify(tmp_path / "o").problems

    @pytest.mark.parametrize("left", ["nothing", "a run that failed"])
    def test_a_log_that_was_cut_off_is_told(self, box: Sandbox, tmp_path: Path, left: str) -> None:
        with ImednetSDK(**box.credentials) as sdk:
            export_to_csv(sdk, STUDY, tmp_path / "o", forms=["AE"])
        (tmp_path / "o" / LOG).write_text("")
        if left != "nothing":
            log.append(tmp_path / "o", {"study": STUDY, "format": "csv", "status": "failed", "error": "ServerError"})
        assert any("were cut off" in problem for problem in log.verify(tmp_path / "o").problems)

    @pytest.mark.parametrize(
        "url", ["sqlite:///" + "x" * 5000, "sqlite:///a\0b", "postgresql+psycopg://h:port/x", "no"]
    )
    def test_an_address_that_no_database_can_have_is_told(self, url: str) -> None:
        with pytest.raises(ExportConfigurationError, match="Next: "):
            SqlSink(url)


def test_labels_of_days_are_left_out_of_sav(box: Sandbox, tmp_path: Path) -> None:
    """A day is a number in that format, and the codes of its choices are texts."""
    import pyreadstat

    with ImednetSDK(**box.credentials) as sdk:
        form, name = next(
            (str(one.form_key), str(one.variable_name))
            for one in sdk.variables.list(STUDY)
            if one.variable_type == "DATE"
        )
        options = ExportOptions(forms=[form], choices={(form, name): (("first day", "2020-01-01"),)})
        assert export_study(sdk, STUDY, SavSink(tmp_path / "o"), home=tmp_path / "o", options=options).complete
    frame, meta = pyreadstat.read_sav(str(tmp_path / "o" / f"{form}.sav"))
    assert meta.readstat_variable_types[name] == "double"
    assert frame[name].notna().any()


def test_more_answers_than_a_table_holds_are_refused_with_a_way_out(box: Sandbox, tmp_path: Path) -> None:
    class Small(CsvSink):
        shape: ClassVar[Any] = dataclasses.replace(CsvSink.shape, most_rows=40)

    with (
        ImednetSDK(**box.credentials) as sdk,
        pytest.raises(ExportConfigurationError, match="more than the 40 rows that csv holds"),
    ):
        export_study(sdk, STUDY, LongSink(Small(tmp_path / "o")), home=tmp_path / "o")


@pytest.mark.parametrize("target", TARGETS)
def test_the_long_format_goes_through_every_target(box: Sandbox, tmp_path: Path, target: str) -> None:
    """Names of other lists and of the export's own tables are as the target can hold them."""
    home = tmp_path / "home"
    sink = LongSink(TARGETS[target][0](home))
    with ImednetSDK(**box.credentials) as sdk:
        report = export_study(
            sdk, STUDY, sink, home=home, options=ExportOptions(forms=["AE"], entities=["visits", "queries"])
        )
    assert report.complete
    assert {"answers", "_visits", "_queries", "_dictionary", "_issues"} <= set(sink.outputs)


HALF = "\ud800"
"""Half a character, which JSON may hold and no file can."""


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("label", ["", HALF])
@pytest.mark.parametrize("target", TARGETS)
def test_half_a_character_goes_through_every_target(target: str, label: str, long: bool, tmp_path: Path) -> None:
    home = tmp_path / "home"
    sink = TARGETS[target][0](home)
    forms: list[Any] = [(HALF, {HALF: (label, [(HALF, HALF)])}, [{HALF: f"a{HALF}"}])]
    write(LongSink(sink) if long else sink, Drawn(forms), home)
    assert sink.outputs
