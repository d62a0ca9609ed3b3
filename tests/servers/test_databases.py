"""PostgreSQL and MariaDB: the study in and back cell by cell, its changes, wide tables, locks and credentials."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from exporting import Row, Target, differences, expected, without_zone
from imednet import ImednetSDK
from imednet.errors import ExportBatchError, ExportConfigurationError
from imednet.integrations import SqlSink, export_to_sql
from imednet.sandbox import Sandbox
from support import STUDY

Make = Callable[..., Sandbox]


@pytest.fixture(params=["postgres", "mariadb"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database."""
    address: str = request.getfixturevalue(request.param)
    engine = sa.create_engine(address)

    def empty() -> None:
        with engine.begin() as connection:
            for name in sa.inspect(engine).get_table_names():
                quoted = engine.dialect.identifier_preparer.quote_identifier(name)
                connection.execute(sa.text(f"DROP TABLE {quoted}"))

    empty()
    yield address
    empty()
    engine.dispose()


def rows(url: str, table: str) -> list[Row]:
    """All rows of a table, its parts joined."""
    engine = sa.create_engine(url)
    quote = engine.dialect.identifier_preparer.quote_identifier
    names = sa.inspect(engine).get_table_names()
    further = [name for name in names if name.startswith(f"{table}__") and name[len(table) + 2 :].isdigit()]
    parts = [table, *sorted(further, key=len)]
    joined: dict[Any, Row] = {}
    with engine.connect() as connection:
        for part in parts:
            for place, row in enumerate(connection.execute(sa.text(f"SELECT * FROM {quote(part)}")).mappings()):
                key = row["recordId"] if len(parts) > 1 else place
                joined.setdefault(key, {}).update({name: plain(cell) for name, cell in row.items()})
    engine.dispose()
    return list(joined.values())


def plain(cell: Any) -> Any:
    """MariaDB has no type of its own for times of a day and booleans."""
    if isinstance(cell, timedelta):
        seconds = int(cell.total_seconds())
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return cell


def exact(url: str) -> Callable[[Any], Any]:
    from datetime import time as day_time

    def turn(cell: Any) -> Any:
        if url.startswith("mysql") and isinstance(cell, day_time):
            return cell.strftime("%H:%M:%S")
        return cell if url.startswith("postgresql") else without_zone(cell)

    return turn


def target(url: str, home: Path) -> Target:
    return Target("sql", "both", lambda: SqlSink(url), lambda table: rows(url, table), home, exact(url))


def test_the_study_comes_back_and_follows_its_changes(own_box: Make, url: str, tmp_path: Path) -> None:
    box, one = own_box(), target(url, tmp_path / "home")
    for _ in range(2):
        report = one.export(box)
        assert differences(one, box, report) == []
    box.advance(1)
    assert differences(one, box, one.export(box)) == []


def test_the_wide_study_is_split_with_the_keys_in_every_part(own_box: Make, url: str, tmp_path: Path) -> None:
    box, one = own_box(profile="wide"), target(url, tmp_path / "home")
    assert differences(one, box, one.export(box)) == []
    engine = sa.create_engine(url)
    parts = [name for name in sa.inspect(engine).get_table_names() if name.startswith("W001__")]
    assert parts
    for part in parts:
        assert "recordId" in {column["name"] for column in sa.inspect(engine).get_columns(part)}
    engine.dispose()


def test_tables_of_others_are_not_replaced(box: Sandbox, url: str, tmp_path: Path) -> None:
    engine = sa.create_engine(url)
    quoted = engine.dialect.identifier_preparer.quote_identifier("AE")
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE TABLE {quoted} (mine INTEGER)"))
    with ImednetSDK(**box.credentials) as sdk:
        with pytest.raises(ExportConfigurationError, match=r"table 'AE' that no export created.*Next"):
            export_to_sql(sdk, STUDY, url, home=tmp_path / "home")
        export_to_sql(sdk, STUDY, url, home=tmp_path / "home", prefix="imn_")
    assert set(sa.inspect(engine).get_table_names()) >= {"AE", "imn_AE", "imn__issues"}
    engine.dispose()


def test_a_lost_connection_is_waited_out(
    own_box: Make, postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends the session in the middle of a table; the batch is written again, once."""
    engine = sa.create_engine(postgres)
    box, one = own_box(), target(postgres, tmp_path / "home")
    write, calls = SqlSink.write_batch, iter(range(10_000))

    def cut(self: SqlSink, batch: Any) -> None:
        if next(calls) in (3, 9):
            with engine.begin() as other:
                other.execute(sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                ))  # fmt: skip
        write(self, batch)

    monkeypatch.setattr(SqlSink, "write_batch", cut)
    report = one.export(box, backoff=0.01)
    monkeypatch.setattr(SqlSink, "write_batch", write)
    assert differences(one, box, report) == []
    engine.dispose()


def test_a_locked_table_is_an_error_and_nothing_is_lost(own_box: Make, postgres: str, tmp_path: Path) -> None:
    """Somebody lets nobody write the table: the swap ends in an error; the next run goes on with what was read."""
    box, one = own_box(), target(f"{postgres}?options=-clock_timeout%3D300", tmp_path / "home")
    one.export(box)
    before = one.read("AE")
    engine = sa.create_engine(postgres)
    with engine.connect() as holder:
        holder.execute(sa.text('LOCK TABLE "AE" IN SHARE MODE'))
        with pytest.raises(ExportBatchError, match=r"lock.*session \d+ of app holds table AE.*Next") as caught:
            one.export(box, max_retries=1, backoff=0.01)
        assert "s3cret" not in str(caught.value)
        assert one.read("AE") == before
    served = len(box.requests)
    report = one.export(box)
    assert report.resumed == report.rows
    assert len([r for r in box.requests[served:] if "size=500" in r.target and "/records" in r.target]) == 0
    assert differences(one, box, report) == []
    engine.dispose()


def test_a_lock_that_passes_is_waited_out(own_box: Make, postgres: str, tmp_path: Path) -> None:
    box, one = own_box(), target(f"{postgres}?options=-clock_timeout%3D200", tmp_path / "home")
    one.export(box)
    engine = sa.create_engine(postgres)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with engine.connect() as holder:
            holder.execute(sa.text('LOCK TABLE "AE" IN SHARE MODE'))
            held.set()
            time.sleep(3)
            done.set()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    report = one.export(box, max_retries=30, backoff=0.1)
    thread.join()
    assert done.is_set()
    assert differences(one, box, report) == []
    engine.dispose()


def test_wrong_credentials_are_named_before_anything_is_read(own_box: Make, url: str, tmp_path: Path) -> None:
    box = own_box()
    wrong = url.replace("s3cret", "wr0ng")
    with (
        ImednetSDK(**box.credentials) as sdk,
        pytest.raises(ExportConfigurationError, match="user and password") as caught,
    ):
        export_to_sql(sdk, STUDY, wrong, home=tmp_path / "home")
    assert "wr0ng" not in str(caught.value)
    assert box.requests == []
    assert not (tmp_path / "home").exists()


def test_text_with_a_nul_is_a_listed_loss_of_postgres(own_box: Make, postgres: str, tmp_path: Path) -> None:
    box, one = own_box(), target(postgres, tmp_path / "home")
    records = box.studies[STUDY].records
    place = records.find("formKey", "AE") or 0
    number = records.change(place, recordData={"AETERM": "a\0b"})["recordId"]
    assert differences(one, box, one.export(box)) == []
    assert (number, "AETERM") in one.issues()
    assert expected(box, "text")["AE"]


def test_views_grants_indexes_and_a_reader_survive_ten_loads(own_box: Make, url: str, tmp_path: Path) -> None:
    """A reader in the middle of a transaction sees what it saw before, and holds up no load."""
    box, one = own_box(), target(url, tmp_path / "home")
    one.export(box, forms=["AE", "VS"])
    engine = sa.create_engine(url, isolation_level="REPEATABLE READ")
    quote = engine.dialect.identifier_preparer.quote_identifier
    ae, postgres = quote("AE"), url.startswith("postgres")
    with engine.begin() as admin:
        admin.execute(sa.text(f"CREATE VIEW mine AS SELECT count(*) AS n FROM {ae}"))
        admin.execute(sa.text(f"CREATE INDEX mine_too ON {ae} ({quote('siteId')})"))
        if postgres:
            admin.execute(sa.text(f"CREATE ROLE reader; GRANT SELECT ON {ae} TO reader"))
            admin.execute(sa.text(f"COMMENT ON TABLE {ae} IS 'ours'"))
    try:
        with engine.connect() as reader:
            count = sa.text(f"SELECT count(*) FROM {ae}")
            before = reader.execute(count).scalar()
            for _ in range(10):
                box.advance(1)
                report = one.export(box, forms=["AE"])
            assert reader.execute(count).scalar() == before
            reader.rollback()
            rows = {form.key: form.rows for form in report.forms}
            assert reader.execute(count).scalar() == rows["AE"] != before
            assert reader.execute(sa.text("SELECT n FROM mine")).scalar() == rows["AE"]
        assert differences(one, box, report) == []
        inspector = sa.inspect(engine)
        indexes = {index["name"] for index in inspector.get_indexes("AE")}
        assert "mine_too" in indexes
        assert [name for name in indexes if str(name).startswith("imednet_subject_")]
        assert inspector.get_pk_constraint("AE")["constrained_columns"] == ["recordId"]
        columns = {column["name"]: column["comment"] for column in inspector.get_columns("AE")}
        labels = {row["variableName"]: row["label"] for row in box.studies[STUDY].rows("variables")}
        assert columns["AETERM"] == labels["AETERM"]
        if postgres:
            with engine.connect() as admin:
                assert admin.execute(sa.text(f"SELECT has_table_privilege('reader', '{ae}', 'select')")).scalar()
            assert inspector.get_table_comment("AE") == {"text": "ours"}
        assert not [name for name in inspector.get_table_names() if name.startswith("_imednet_")
                    and name != "_imednet_tables"]  # fmt: skip
    finally:
        with engine.begin() as admin:
            admin.execute(sa.text("DROP VIEW mine"))
            if postgres:
                admin.execute(sa.text("DROP OWNED BY reader; DROP ROLE reader"))
        engine.dispose()


def test_what_stands_in_the_way_of_a_new_table_is_named(own_box: Make, postgres: str, tmp_path: Path) -> None:
    """A view depends on a column whose type changes: the run says which, and everything is as it was."""
    box, one = own_box(), target(postgres, tmp_path / "home")
    one.export(box, forms=["VS"], values="typed")
    before = one.read("VS")
    engine = sa.create_engine(postgres)
    with engine.begin() as admin:
        admin.execute(sa.text('CREATE VIEW mine AS SELECT "SYSBP1" FROM "VS"'))
    with pytest.raises(ExportBatchError, match=r'view mine depends on table "?VS"?.*Next'):
        one.export(box, forms=["VS"], values="text")
    assert one.read("VS") == before
    with engine.begin() as admin:
        admin.execute(sa.text("DROP VIEW mine"))
    one.export(box, forms=["VS"], values="text")
    assert {type(row["SYSBP1"]) for row in one.read("VS")} <= {str, type(None)}
    engine.dispose()


def test_names_in_lower_case_need_no_quotes(own_box: Make, postgres: str, tmp_path: Path) -> None:
    with ImednetSDK(**own_box().credentials) as sdk:
        report = export_to_sql(sdk, STUDY, postgres, home=tmp_path / "home", forms=["AE"], lowercase=True)
    engine = sa.create_engine(postgres)
    with engine.connect() as reader:
        assert reader.execute(sa.text("SELECT count(recordId) FROM AE")).scalar() == report.rows
    engine.dispose()


def test_a_second_export_is_refused_and_the_first_one_is_whole(
    box: Sandbox, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is in the database, so it is one also where folders, users and machines are others."""
    flush, refused = SqlSink.flush, list[str]()

    def meanwhile(sink: SqlSink) -> None:
        with (
            ImednetSDK(**box.credentials) as sdk,
            pytest.raises(ExportConfigurationError, match="another export writes to") as caught,
        ):
            export_to_sql(sdk, STUDY, url, home=tmp_path / "b")
        refused.append(str(caught.value))
        flush(sink)

    monkeypatch.setattr(SqlSink, "flush", meanwhile)
    with ImednetSDK(**box.credentials) as sdk:
        report = export_to_sql(sdk, STUDY, url, home=tmp_path / "a")
        monkeypatch.undo()
        assert refused
        assert {form.key: len(rows(url, form.key)) for form in report.forms} == {
            form.key: form.rows for form in report.forms
        }
        assert export_to_sql(sdk, STUDY, url, home=tmp_path / "b", forms=["DD"]).complete, "the lock is given back"
    engine = sa.create_engine(url)
    names = sa.inspect(engine).get_table_names()
    engine.dispose()
    assert not [name for name in names if name.startswith("_imednet_") and name != "_imednet_tables"]
