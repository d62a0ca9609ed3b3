"""Two programs that export into one database at once, and a run that would empty or double what the last one wrote."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from commands import imednet
from imednet import ImednetSDK
from imednet.errors import ExportConfigurationError, ExportError
from imednet.integrations import DuckDbSink, SqlSink, export_study, export_to_sql
from imednet.sandbox import Sandbox
from mirroring import STUDY as OTHER_STUDY
from mirroring import StudyServer
from small_study import form, record, variable
from support import STUDY

Make = Callable[..., Sandbox]


def query(database: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(database)) as connection, connection:
        return connection.execute(sql).fetchall()


def staged(database: Path) -> list[str]:
    found = query(database, r"select name from sqlite_master where name like '\_imednet\_%' escape '\'")
    return [name for (name,) in found if name != "_imednet_tables"]


def export(box: Sandbox, database: Path, home: Path, **options: Any) -> Any:
    with ImednetSDK(**box.credentials) as sdk:
        return export_to_sql(sdk, STUDY, f"sqlite:///{database}", home=home, **options)


def before_flush(monkeypatch: pytest.MonkeyPatch, action: Callable[[], Any]) -> None:
    """Do something each time that rows are staged and are about to take the place of others."""
    flush = SqlSink.flush

    def later(sink: SqlSink) -> None:
        action()
        flush(sink)

    monkeypatch.setattr(SqlSink, "flush", later)


@pytest.mark.parametrize("spelling", ["the same", "by a link", "another way"])
def test_a_second_export_is_refused_however_it_names_the_database(
    box: Sandbox, tmp_path: Path, spelling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folders of state differ, as those of two users or machines do; the first one ends whole."""
    database = tmp_path / "x.db"
    export(box, database, tmp_path / "a", forms=["DD"])
    (tmp_path / "link.db").symlink_to(database)
    other = {"the same": database, "by a link": tmp_path / "link.db", "another way": tmp_path / "a" / ".." / "x.db"}
    refused: list[str] = []

    def second() -> None:
        with pytest.raises(ExportConfigurationError, match="another export writes to") as caught:
            export(box, other[spelling], tmp_path / "b")
        refused.append(str(caught.value))

    before_flush(monkeypatch, second)
    report = export(box, database, tmp_path / "a")
    assert refused
    for one in report.forms:
        assert query(database, f'select count(*) from "{one.key}"') == [(one.rows,)]
    assert staged(database) == []
    assert not list(tmp_path.glob(".*"))
    monkeypatch.undo()
    assert export(box, database, tmp_path / "b", forms=["DD"]).complete, "the lock is given back"


@pytest.mark.parametrize("harm", ["drop table", "delete from"])
def test_rows_that_somebody_else_took_are_an_error_and_nothing_is_replaced(
    own_box: Make, tmp_path: Path, harm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a program might that knows of no lock; what was there is as it was."""
    box, database = own_box(), tmp_path / "x.db"
    export(box, database, tmp_path / "a")
    before = query(database, "select * from CM order by recordId")
    box.advance(1)
    before_flush(monkeypatch, lambda: query(database, f'{harm} "{staged(database)[0]}"'))
    with pytest.raises(ExportError, match=r"somebody else wrote there too. Nothing was replaced. Next: run it again"):
        export(box, database, tmp_path / "a", forms=["CM"])
    monkeypatch.undo()
    assert query(database, "select * from CM order by recordId") == before
    assert export(box, database, tmp_path / "a", forms=["CM"]).complete
    assert staged(database) == []


def test_studies_are_exported_into_one_file_side_by_side(tmp_path: Path) -> None:
    """Whichever of them begins first makes the file, and none takes it away from the others."""
    done = imednet(
        "--sandbox", "export", "sql", "--all-studies", IMEDNET_EXPORT_URI=f"sqlite:///{tmp_path}/x.db",
        IMEDNET_STATE_HOME=str(tmp_path / "state"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    owners = query(tmp_path / "x.db", "select distinct study from _imednet_tables order by study")
    assert owners == [("TIDEWATER-201",), ("TIDEWATER-201-DEV",)]
    assert not list(tmp_path.glob(".*"))


def test_a_refused_export_leaves_the_new_file_of_another_one(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "x.db"
    second = SqlSink(f"sqlite:///{database}")

    def refused() -> None:
        with ImednetSDK(**box.credentials) as sdk, pytest.raises(ExportConfigurationError, match="another export"):
            export_study(sdk, STUDY, second, home=tmp_path / "b")

    before_flush(monkeypatch, refused)
    assert export(box, database, tmp_path / "a").complete
    assert query(database, "select count(*) from AE") == [(67,)]


def test_a_table_that_another_study_made_meanwhile_is_not_replaced(
    server: StudyServer, box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a database without a lock, such as a SQLite file that is named by a URI."""
    url = f"sqlite:///file:{tmp_path}/x.db?uri=true"
    once = iter([None])

    def other() -> None:
        for _ in once:
            with server.sdk() as sdk:
                export_to_sql(sdk, OTHER_STUDY, url, home=tmp_path / "b")

    before_flush(monkeypatch, other)
    with ImednetSDK(**box.credentials) as sdk, pytest.raises(ExportConfigurationError, match="of study 'S-1'"):
        export_to_sql(sdk, STUDY, url, home=tmp_path / "a")
    assert query(tmp_path / "x.db", "select distinct studyKey, count(*) from AE") == [(OTHER_STUDY, 3)]
    assert staged(tmp_path / "x.db") == []


@pytest.mark.parametrize("kind", ["sql", "duckdb"])
def test_a_record_does_not_stay_among_the_unassigned_where_the_state_is_lost(
    server: StudyServer, tmp_path: Path, kind: str
) -> None:
    """As in a container whose folder of state does not outlive it."""

    def run(home: str) -> None:
        sink = DuckDbSink(tmp_path / "x.duckdb") if kind == "duckdb" else SqlSink(f"sqlite:///{tmp_path}/x.db")
        with server.sdk() as sdk:
            assert export_study(sdk, OTHER_STUDY, sink, home=tmp_path / home).complete

    def tables() -> set[str]:
        if kind == "sql":
            return {name for (name,) in query(tmp_path / "x.db", "select name from sqlite_master where type='table'")}
        with closing(duckdb.connect(str(tmp_path / "x.duckdb"))) as connection:
            return {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}

    record(server, 300, 3, "LAB", TERM="x")
    run("first")
    assert "_unassigned" in tables()
    form(server, 3, "LAB")
    variable(server, 3, "LAB", "TERM")
    run("second")
    assert "LAB" in tables()
    assert "_unassigned" not in tables()


def test_what_a_run_that_died_left_goes_with_the_next_one(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "x.db"
    seen: list[str] = []
    before_flush(monkeypatch, lambda: seen.extend(staged(database)))
    export(box, database, tmp_path / "a", forms=["DD"])
    (left,) = {name.rpartition("_")[0] for name in seen}
    query(database, f'create table "{left}_7" (a)')
    export(box, database, tmp_path / "a", forms=["DD"])
    assert staged(database) == []


@pytest.mark.parametrize("home", ["a", "another"])
@pytest.mark.parametrize("options", [{}, {"values": "typed", "context": True}, {"names": "label", "context": True}])
def test_options_that_would_empty_columns_are_refused(box: Sandbox, tmp_path: Path, options: Any, home: str) -> None:
    """A view on such a column would show nothing from then on, without a word."""
    database = tmp_path / "x.db"
    export(box, database, tmp_path / "a", context=True, forms=["AE"])
    before = query(database, "select * from AE order by recordId")
    with pytest.raises(ExportConfigurationError, match=r"would lose their values\. Next: export with the options"):
        export(box, database, tmp_path / home, forms=["AE"], **options)
    assert query(database, "select * from AE order by recordId") == before
    assert export(box, database, tmp_path / home, context=True, forms=["AE"]).complete
