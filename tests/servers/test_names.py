"""Whatever a study calls its forms and variables: counted and read back in real servers, by their own drivers."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"] = "true"

import neo4j
import pymongo
import pytest
import snowflake.connector
import sqlalchemy as sa
from hypothesis import given, settings

from imednet.integrations import DuckDbSink, ExportSink, SnowflakeSink, SqlSink
from imednet.integrations.document import MongoDBSink
from imednet.integrations.graph import Neo4jSink
from naming_targets import Drawn, studies, write

Read = Callable[[dict[str, dict[str, Any]]], dict[str, list[dict[str, Any]]]]
CASES = {
    "trailing blanks and accents": ["A", "A ", "É", "E", "e", "ß", "s", "ss"],
    "signs beyond the first plane": ["😀", "😁", "_", "a😀"],
    "like ours": ["_dictionary", "_imednet_tables", "AE", "AE__new", "AE__2", "AE__old", "_imednet_0"],
    "halves of characters": ["\ud800", "x\udfff"],
    "long": ["x" * 70, "x" * 71, "é" * 40, "é" * 41],
    "signs of statements": ["a:b", "%s", "%(x)s", 'say "a"', "`b`", "a;b", "a'b", "a\\b", "a.b", "a b", "[c]", "a\0b"],
}


def check(make: Callable[[], ExportSink], read: Read, drawn: Drawn, *, cells: bool) -> None:
    """Every table holds its rows, counted there; and their answers, where the target keeps texts as they are."""
    with tempfile.TemporaryDirectory() as folder:
        sink = make()
        wanted = write(sink, drawn, Path(folder) / "home")
        there = read({key: sink.outputs[key] for key in wanted if key in sink.outputs})
    for key, rows in wanted.items():
        found = there.get(key, [])
        assert len(found) == len(rows), key
        for row, answers in zip(found, rows, strict=True) if cells else ():
            assert {name: row[name] for name in answers} == answers


def case(names: list[str]) -> Drawn:
    """A study of these forms, each with these variables, and as many records as its place."""
    variables: dict[str, Any] = {name: ("label", []) for name in names}
    answers = {name: str(number) for number, name in enumerate(names)}
    return Drawn([(key, variables, [answers] * (place + 1)) for place, key in enumerate(names)])


def everywhere(make: Callable[[], ExportSink], read: Read, *, cells: bool = True, drawn: int = 40) -> None:
    for names in CASES.values():
        check(make, read, case(names), cells=cells)

    @settings(max_examples=drawn, deadline=None)
    @given(studies())
    def any_names(study: Drawn) -> None:
        check(make, read, study, cells=cells)

    any_names()


@pytest.mark.parametrize("server", ["postgres", "mariadb", "mariadb by its own name"])
def test_sql(server: str, request: pytest.FixtureRequest) -> None:
    url: str = request.getfixturevalue(server.partition(" ")[0])
    if "own" in server:
        url = url.replace("mysql+", "mariadb+")
    # tables of one name have other columns in each study that is drawn, which no statement that was prepared survives
    plain = {"connect_args": {"prepare_threshold": None}} if server == "postgres" else {}
    engine = sa.create_engine(url, **plain)

    def read(outputs: dict[str, dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        found = {}
        with engine.begin() as connection:
            for key, one in outputs.items():
                rows = connection.execute(sa.select(sa.text("*")).select_from(sa.table(one["tables"][0])))
                names = list(rows.keys())  # not reflected: that reads some names of MariaDB wrongly
                found[key] = [dict(zip(names, row, strict=True)) for row in rows]
        return found

    def make() -> ExportSink:
        with engine.begin() as connection:
            for name in sa.inspect(connection).get_table_names():
                sa.Table(name, sa.MetaData()).drop(connection)
        return SqlSink(url)

    try:
        everywhere(make, read)
    finally:
        make().close()
        engine.dispose()


def test_a_list_of_owners_that_the_first_exports_made_takes_any_name(mariadb: str, tmp_path: Path) -> None:
    """Its character set was the server's, and it had no column of parts."""
    engine = sa.create_engine(mariadb)
    with engine.begin() as connection:
        for name in sa.inspect(connection).get_table_names():
            sa.Table(name, sa.MetaData()).drop(connection)
        for line in (
            "CREATE TABLE _imednet_tables (name VARCHAR(64) PRIMARY KEY, study VARCHAR(255)) CHARACTER SET latin1",
            "INSERT INTO _imednet_tables VALUES ('AE', 'S')",
            "CREATE TABLE AE (a INT)",
        ):
            connection.exec_driver_sql(line)
    write(SqlSink(mariadb), case(["AE", "\x80é", "血圧"]), tmp_path / "home")
    with engine.begin() as connection:
        rows = connection.exec_driver_sql("SELECT name, study, part_of FROM _imednet_tables").all()
    engine.dispose()
    assert {("AE", "S", None), ("\x80é", "S", None), ("血圧", "S", None)} <= {tuple(row) for row in rows}


def test_mongodb(mongo: str) -> None:
    numbers = itertools.count()
    with pymongo.MongoClient[Any](mongo) as client:
        database = client["names"]

        def make() -> ExportSink:
            return MongoDBSink(mongo, database="names", collection=f"records{next(numbers)}", timeout=20)

        def read(outputs: dict[str, dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
            return {
                key: [{} for _ in database[one["collection"]].find({"_imednet.table": key})]
                for key, one in outputs.items()
            }

        everywhere(make, read, cells=False)


def test_neo4j(graph: dict[str, Any]) -> None:
    with neo4j.GraphDatabase.driver(graph["uri"], auth=graph["auth"]) as driver:

        def ask(cypher: str, **values: Any) -> list[Any]:
            return list(driver.execute_query(cypher, values, database_=graph["database"])[0])

        def make() -> ExportSink:
            for label in ("Record", "Form", "Study"):
                ask(f"MATCH (n:{label}) DETACH DELETE n")
            return Neo4jSink(**graph)

        def read(outputs: dict[str, dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
            return {key: ask("MATCH (r:Record {table: $table}) RETURN r", table=key) for key in outputs}

        everywhere(make, read, cells=False, drawn=20)


def test_snowflake(snow: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator has no REMOVE and no transactions of several MERGE, so those are not sent to it."""
    execute, numbers = SnowflakeSink._execute, itertools.count()

    def sparing(self: SnowflakeSink, statement: str, **how: Any) -> list[Any]:
        left_out = re.fullmatch(r"BEGIN|COMMIT|ROLLBACK|REMOVE .*", statement)
        return [] if left_out else execute(self, statement, **how)

    monkeypatch.setattr(SnowflakeSink, "_execute", sparing)
    with snowflake.connector.connect(**snow) as db:
        db.cursor().execute("CREATE DATABASE IF NOT EXISTS D")
        schema = ""

        def make() -> ExportSink:
            nonlocal schema
            schema = f"NAMES{next(numbers)}"
            db.cursor().execute(f"CREATE SCHEMA IF NOT EXISTS D.{schema}")
            return SnowflakeSink(database="D", schema=schema, **snow)

        def read(outputs: dict[str, dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
            found = {}
            for key, one in outputs.items():
                cursor: Any = db.cursor().execute(f'SELECT * FROM D.{schema}."{one["table"]}" ORDER BY 1')
                names = [column[0] for column in cursor.description]
                found[key] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            return found

        everywhere(make, read, cells=False, drawn=5)


def test_the_oldest_duckdb_that_is_allowed_reads_what_the_newest_writes(tmp_path: Path) -> None:
    """In an environment of its own; `v1.2.0` is what files are written for unless another version is named."""
    path = tmp_path / "x.duckdb"
    write(DuckDbSink(path), case(["AE", "É"]), tmp_path / "home")
    home = tmp_path / "old"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, capture_output=True)
    python = str(home / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "duckdb==1.2.0"], check=True, capture_output=True)
    code = (
        "import duckdb, sys; db = duckdb.connect(sys.argv[1], read_only=True); "
        "print(duckdb.__version__, [db.execute(f'SELECT count(*) FROM \"{t}\"').fetchone()[0] for t in ('AE', 'É')])"
    )
    done = subprocess.run([python, "-c", code, str(path)], check=True, capture_output=True, text=True)
    assert done.stdout == "1.2.0 [1, 2]\n"
