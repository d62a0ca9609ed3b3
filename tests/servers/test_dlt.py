"""`imednet.dlt`: a study in a destination of dlt equals what the server has; later loads bring exactly what changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import deltalake
import dlt
import pytest

from imednet import ImednetSDK
from imednet.dlt import imednet_source
from imednet.dlt.names import LONGEST, column_name, retyped_name, table_name
from imednet.dlt.source import source_of
from imednet.errors import ConfigurationError, PaginationError
from imednet.mirror import Mirror
from imednet.profiles import Profile, write_profile
from imednet.sandbox import Answer, Request, Sandbox
from imednet.sandbox.server.manifest import canonical
from imednet.sandbox.study.tables import DEFAULT_SORT, KEYS
from mirroring import STUDY as HISTORY_STUDY
from mirroring import History
from small_study import DAY, small_study
from support import STUDY

REASON = "the test compares with a list of everything"
TABLES = {name: name for name in KEYS if name not in ("studies", "records", "recordRevisions")}
TABLES["recordRevisions"] = "record_revisions"
RECORDS = ("form_", "unassigned_records")
OWN = {"imednet_study", "imednet_key", "imednet_deleted", "imednet_snapshot", "imednet_row"}


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No telemetry, and no settings of whoever runs the tests."""
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("IMEDNET_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=["duckdb", "postgres"])
def pipeline(request: pytest.FixtureRequest, tmp_path: Path) -> dlt.Pipeline:
    """A pipeline into an empty dataset."""
    name = f"study_{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:8]}"
    destination: Any = dlt.destinations.duckdb(str(tmp_path / "x.duckdb"))
    if request.param == "postgres":
        url = request.getfixturevalue("postgres").replace("postgresql+psycopg", "postgresql")
        destination = dlt.destinations.postgres(url)
    return dlt.pipeline("test", pipelines_dir=str(tmp_path / "p"), destination=destination, dataset_name=name)


class Load:
    """Loads of one sandbox into one destination, all variables unblinded."""

    def __init__(self, box: Sandbox, pipeline: dlt.Pipeline, mirror: Path) -> None:
        self.box, self.pipeline, self.mirror = box, pipeline, mirror

    def run(self) -> dict[str, int]:
        """Load, and return the rows of each table that were written."""
        source = imednet_source(STUDY, mirror=self.mirror, unblind=REASON, **self.box.unblinded_credentials)
        done = self.pipeline.run(source)
        if not done.loads_ids:
            return {}
        assert not done.has_failed_jobs
        trace: Any = self.pipeline.last_trace
        counts = trace.last_normalize_info.row_counts
        return {name: count for name, count in counts.items() if not name.startswith("_dlt") and count}

    def rows(self, table: str, column: str = "imednet_row") -> list[Any]:
        with self.pipeline.sql_client() as client:
            return [row for (row,) in client.execute_sql(f"SELECT {column} FROM {table}") or ()]

    def hashes(self) -> dict[str, str]:
        """The hash of every list, made of the rows in the destination."""
        forms = [name for name in self.pipeline.default_schema.data_table_names() if name.startswith(RECORDS)]
        tables = {**{wire: [table] for wire, table in TABLES.items()}, "records": forms}
        found = {}
        for wire, names in tables.items():
            rows = [json.loads(text) for name in names for text in self.rows(name)]
            rows.sort(key=lambda row: tuple(row[key] for key in KEYS[wire]))
            rows.sort(key=lambda row: row[DEFAULT_SORT[wire]])
            found[wire] = hashlib.sha256(b"".join(canonical(row) + b"\n" for row in rows)).hexdigest()
        return found

    def expected(self) -> dict[str, str]:
        lists = self.box.manifest(ledger=False)["study"][STUDY]["lists"]
        return {name: facts["sha256"] for name, facts in lists.items()}


@pytest.mark.parametrize("size", ["demo", "medium"])
def test_a_destination_equals_the_server_and_later_loads_bring_exactly_the_changes(
    size: str, pipeline: dlt.Pipeline, own_box: Callable[..., Sandbox], tmp_path: Path
) -> None:
    box = own_box(size=size)
    load = Load(box, pipeline, tmp_path / "mirror")
    load.run()
    assert load.hashes() == load.expected()
    with ImednetSDK(**box.unblinded_credentials) as sdk:
        forms = [name for name in pipeline.default_schema.data_table_names() if name.startswith(RECORDS)]
        assert sum(len(load.rows(name)) for name in forms) == sdk.records.count(STUDY)
        assert len(load.rows("visits")) == sdk.visits.count(STUDY)
        assert set(load.rows("visits", "imednet_deleted")) == {False}
    assert load.run() == {}, "nothing changed"
    box.advance(1)
    before = Mirror(tmp_path / "mirror").number()
    changed = load.run()
    assert load.hashes() == load.expected()
    made = Mirror(tmp_path / "mirror").snapshots[-1]
    assert made.number == before + 1
    assert sum(changed.values()) == made.inserted + made.updated + made.deleted > 0
    assert load.run() == {}


@pytest.mark.parametrize(
    "loss",
    [
        "DELETE FROM form_ae WHERE record_id = (SELECT MIN(record_id) FROM form_ae)",
        "UPDATE form_ae SET imednet_snapshot = imednet_snapshot - 1 WHERE imednet_snapshot > 1",  # as of an older copy
    ],
)
def test_a_destination_that_lost_something_gets_it_again(
    loss: str, pipeline: dlt.Pipeline, own_box: Callable[..., Sandbox], tmp_path: Path
) -> None:
    """As one that was restored from a copy; what dlt remembers of the last load is not what it holds."""
    box = own_box()
    load = Load(box, pipeline, tmp_path / "mirror")
    load.run()
    box.advance(1)
    load.run()
    with pipeline.sql_client() as client:
        client.execute_sql(loss)
    written = load.run()
    assert set(written) == {"form_ae"}
    assert load.hashes() == load.expected()
    assert load.run() == {}


def test_a_dataset_does_not_miss_what_another_one_got(
    pipeline: dlt.Pipeline, own_box: Callable[..., Sandbox], tmp_path: Path
) -> None:
    box = own_box()
    load = Load(box, pipeline, tmp_path / "mirror")
    load.run()
    first = pipeline.dataset_name
    box.advance(1)
    for name in (f"{first}_b", first):
        other = dlt.pipeline(
            "test", pipelines_dir=str(tmp_path / "p"), destination=pipeline.destination, dataset_name=name
        )
        load = Load(box, other, tmp_path / "mirror")
        load.run()
        assert load.hashes() == load.expected()


def test_columns_have_the_types_of_the_design(pipeline: dlt.Pipeline, box: Sandbox, tmp_path: Path) -> None:
    Load(box, pipeline, tmp_path / "mirror").run()
    columns = pipeline.default_schema.get_table_columns("form_vs")
    types = {name: facts["data_type"] for name, facts in columns.items()}
    assert types["record_id"] == "bigint"
    assert types["sysbp1"] == "double"
    assert types["date_modified"] == "timestamp"
    assert types["deleted"] == "bool"
    assert set(types) >= OWN
    assert columns["imednet_key"].get("primary_key") is True


@pytest.mark.parametrize("seed", range(4))
def test_a_destination_follows_any_history(seed: int, pipeline: dlt.Pipeline, tmp_path: Path) -> None:
    """Inserts, edits, deletions, forms and variables that come, change their type and go; a load after every few."""
    history = History(seed)
    mirror = Mirror(tmp_path / "mirror")
    with history.server.sdk() as sdk:
        for _ in range(5):
            for _ in range(6):
                history.step()
            mirror.sync(sdk, HISTORY_STUDY, accept_deletions=True, reconcile=True)
            done = pipeline.run(source_of(mirror))
            assert not done.has_failed_jobs
            for name in ("records", "visits", "queries", "forms", "variables"):
                wanted = [json.dumps(row, sort_keys=True) for row in history.server.lists[name].values()]
                assert sorted(_held(pipeline, name)) == sorted(wanted), name


def _held(pipeline: dlt.Pipeline, name: str) -> Iterator[str]:
    """Rows of a list in the destination, those of records in all their tables."""
    known = pipeline.default_schema.data_table_names()
    with pipeline.sql_client() as client:
        for table in known:
            if table == name or (name == "records" and table.startswith(RECORDS)):
                for (text,) in client.execute_sql(f"SELECT imednet_row FROM {table}") or ():
                    yield json.dumps(json.loads(text), sort_keys=True)


def test_a_new_mirror_replaces_what_an_older_one_loaded(
    pipeline: dlt.Pipeline, own_box: Callable[..., Sandbox], tmp_path: Path
) -> None:
    box = own_box()
    load = Load(box, pipeline, tmp_path / "mirror")
    load.run()
    box.advance(30)  # deletes rows, which a new mirror never knew
    other = Load(box, pipeline, tmp_path / "elsewhere")
    other.run()
    assert other.hashes() == other.expected()
    assert len(load.rows("form_ae")) == len(set(load.rows("form_ae", "imednet_key")))


class Named(Mirror):
    """A mirror whose study is called otherwise, so that two studies have rows of the same numbers."""

    name = ""

    @property
    def study_key(self) -> str:
        return self.name


def test_studies_in_one_dataset_leave_each_other_alone(pipeline: dlt.Pipeline, tmp_path: Path) -> None:
    """Two studies, in runs of their own and in one; then one loses its mirror, and all its rows."""
    histories = {name: History(seed) for seed, name in enumerate(("ONE", "TWO"))}

    def synced(name: str, folder: str) -> Any:
        mirror = Named(tmp_path / folder)
        mirror.name = name
        with histories[name].server.sdk() as sdk:
            mirror.sync(sdk, HISTORY_STUDY, reconcile=True, accept_deletions=True)
        return source_of(mirror)

    def held(name: str) -> list[str]:
        with pipeline.sql_client() as client:
            text = f"SELECT imednet_row FROM record_revisions WHERE imednet_study = '{name}'"
            return sorted(json.dumps(json.loads(row), sort_keys=True) for (row,) in client.execute_sql(text) or ())

    def wanted(name: str) -> list[str]:
        rows = histories[name].server.lists["record_revisions"].values()
        return sorted(json.dumps(row, sort_keys=True) for row in rows)

    def steps() -> None:
        for history in histories.values():
            for _ in range(12):
                history.step()

    steps()
    pipeline.run(synced("TWO", "two"))
    steps()
    pipeline.run([synced("TWO", "two"), synced("ONE", "one")])  # one that goes on, and one that begins
    assert {name: held(name) for name in histories} == {name: wanted(name) for name in histories}
    lists = histories["ONE"].server.lists["record_revisions"]
    for number in list(lists):
        del lists[number]  # all of them: nothing is left to load, and nothing of it may stay
    steps_of_two = wanted("TWO")
    pipeline.run(synced("ONE", "one anew"))
    assert held("ONE") == []
    assert held("TWO") == steps_of_two != []


def test_a_mirror_with_blinded_answers_needs_a_reason_each_time(box: Sandbox, tmp_path: Path) -> None:
    imednet_source(STUDY, mirror=tmp_path / "mirror", unblind=REASON, **box.unblinded_credentials)
    with pytest.raises(ConfigurationError, match="no reason to load them"):
        imednet_source(STUDY, mirror=tmp_path / "mirror", **box.credentials)


def test_variables_of_other_programs_are_no_keys(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in box.credentials.items():
        monkeypatch.setenv(f"IMEDNET_{name.upper()}", str(value))
    monkeypatch.setenv("API_KEY", "another-program's")
    monkeypatch.setenv("BASE_URL", "https://edc.example.invalid")
    imednet_source(STUDY, mirror=tmp_path / "mirror")
    monkeypatch.setenv("SOURCES__IMEDNET__API_KEY", "one-alone")
    with pytest.raises(ConfigurationError, match="both, or neither"):
        imednet_source(STUDY, mirror=tmp_path / "mirror")


def test_plain_files_are_refused(box: Sandbox, tmp_path: Path) -> None:
    files = dlt.destinations.filesystem(str(tmp_path / "files"))
    made = dlt.pipeline("files", pipelines_dir=str(tmp_path / "p"), destination=files, dataset_name="study")
    with pytest.raises(Exception, match="files cannot merge"):
        made.run(imednet_source(STUDY, mirror=tmp_path / "mirror", **box.credentials))
    assert not list(tmp_path.glob("files/study/sites/*"))


def test_delta_tables_have_what_the_study_has_and_never_keep_what_is_gone(tmp_path: Path) -> None:
    """Nobody can say what is gone where the mirror is another one, so that load is refused."""
    server = small_study()
    files = dlt.destinations.filesystem(str(tmp_path / "files"))
    pipeline = dlt.pipeline("files", pipelines_dir=str(tmp_path / "p"), destination=files, dataset_name="study")

    def load(folder: str, **options: Any) -> list[int]:
        mirror = Mirror(tmp_path / folder)
        with server.sdk() as sdk:
            mirror.sync(sdk, HISTORY_STUDY)
        server.now += DAY
        pipeline.run(source_of(mirror, "delta"), **options)
        table = deltalake.DeltaTable(str(tmp_path / "files" / "study" / "form_vs")).to_pyarrow_table()
        assert set(table["imednet_deleted"].to_pylist()) == {False}
        return sorted(int(str(one)) for one in table["record_id"].to_pylist())

    assert load("mirror") == [200, 201, 202]
    del server.lists["records"][202]
    assert load("mirror") == [200, 201]
    del server.lists["records"][201]
    with pytest.raises(Exception, match="nobody knows what is gone since"):
        load("another")
    assert load("another", refresh="drop_sources") == [200]


@pytest.mark.parametrize("kind", ["double", "int64", "timestamp[us]"])
def test_a_column_of_another_type_takes_no_name_of_a_variable(kind: str) -> None:
    word = kind.partition("[")[0]
    names = {retyped_name(name, kind) for name in ("AGE", f"AGE_{word}", "X" * 60, "X" * 59)}
    assert len(names) == 4
    assert not names & {column_name(f"AGE_{word}", (), ()), column_name(f"AGE_{kind}", (), ())}
    assert all(len(name) <= LONGEST for name in names)


def without_the_last_row(request: Request, answer: Callable[[Request], Answer]) -> Answer:
    given = answer(request)
    if request.path.endswith("/records") and given.status == 200:
        body = json.loads(given.body)
        body["data"] = body["data"][:-1]
        given.body = json.dumps(body).encode()
    return given


def test_a_server_that_drops_rows_fails_the_load(
    pipeline: dlt.Pipeline, own_box: Callable[..., Sandbox], tmp_path: Path
) -> None:
    box = own_box(intercept=without_the_last_row)
    with pytest.raises(PaginationError):
        Load(box, pipeline, tmp_path / "mirror").run()
    with pipeline.sql_client() as client:
        assert not client.has_dataset()


def test_a_later_load_that_fails_leaves_what_there_is(
    pipeline: dlt.Pipeline, own_box: Callable[..., Sandbox], tmp_path: Path
) -> None:
    broken: list[bool] = []

    def sometimes(request: Request, answer: Callable[[Request], Answer]) -> Answer:
        return without_the_last_row(request, answer) if broken else answer(request)

    box = own_box(intercept=sometimes)
    load = Load(box, pipeline, tmp_path / "mirror")
    load.run()
    before = load.hashes()
    box.advance(1)
    broken.append(True)
    with pytest.raises(PaginationError):
        load.run()
    assert load.hashes() == before
    broken.clear()
    load.run()
    assert load.hashes() == load.expected() != before


def test_keys_may_come_from_the_secrets_of_dlt(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in box.credentials.items():
        monkeypatch.setenv(f"SOURCES__IMEDNET__{name.upper()}", str(value))
    source = imednet_source(STUDY, mirror=tmp_path / "mirror")
    assert {"sites", "form_ae", "record_revisions"} <= set(source.resources)


def test_keys_of_the_secrets_go_to_their_own_server_and_a_profile_wins(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMEDNET_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SOURCES__IMEDNET__API_KEY", "other-api-key")
    monkeypatch.setenv("SOURCES__IMEDNET__SECURITY_KEY", "other-security-key")
    with pytest.raises(ConfigurationError, match="the keys in dlt's secrets are for"):
        imednet_source(STUDY, mirror=tmp_path / "mirror", base_url=box.url)
    keys = box.credentials
    write_profile(Profile("mine", "file", box.url, None, None, keys["api_key"], keys["security_key"]))
    assert imednet_source(STUDY, mirror=tmp_path / "mirror", profile="mine").resources


def test_a_name_follows_from_one_name_alone() -> None:
    keys = [
        "AE",
        "ae",
        "A-E",
        "A E",
        "A_E",
        "A/E",
        "E",
        "X" * 90,
        "X" * 91,
        "日本",
        "€",
        "1ST",
        "A__B",
        "UNASSIGNED",
        "_unassigned",
    ]
    tables = {key: table_name(key, is_form=True) for key in keys}
    columns = {
        key: column_name(key, {"studyKey"}, {"study_key"}) for key in ["STUDY_KEY", "studyKey", "AETERM", *keys[2:]]
    }
    for names in (tables, columns):
        assert len(set(names.values())) == len(names)
        assert all(name.isidentifier() and name.isascii() and name == name.lower() for name in names.values())
        assert all(len(name) <= LONGEST for name in names.values())
    assert tables["AE"] == "form_ae"
    assert (columns["studyKey"], columns["AETERM"]) == ("study_key", "aeterm")
