"""Bolt and Cypher, with Neo4j's driver: the graph in and back, its changes, faults and credentials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import neo4j
import pytest

from exporting import expected, forms_of, without_form
from imednet import ImednetSDK
from imednet.errors import ExportBatchError, ExportConfigurationError
from imednet.integrations import ExportOptions, ExportReport, export_study
from imednet.integrations.graph import Neo4jSink
from imednet.sandbox import Sandbox
from support import STUDY

Make = Callable[..., Sandbox]


def ask(graph: dict[str, Any], cypher: str, **values: Any) -> list[dict[str, Any]]:
    with neo4j.GraphDatabase.driver(graph["uri"], auth=graph["auth"]) as driver:
        records, _, _ = driver.execute_query(cypher, values, database_=graph["database"])
        return [record.data() for record in records]


@pytest.fixture
def empty(graph: dict[str, Any]) -> dict[str, Any]:
    for label in ("Record", "Visit", "Subject", "Site", "Form", "Study"):
        ask(graph, f"MATCH (n:{label}) DETACH DELETE n")
    return graph


def export(box: Sandbox, graph: dict[str, Any], home: Path, **options: Any) -> ExportReport:
    with ImednetSDK(**box.credentials, backoff_factor=0) as sdk:
        return export_study(sdk, STUDY, Neo4jSink(**graph), home=home, options=ExportOptions(**options))


def same(box: Sandbox, graph: dict[str, Any]) -> None:
    """Nodes, properties and ties are what the sandbox holds."""
    study = box.studies[STUDY]
    wanted = {row["field", "recordId"]: row for rows in expected(box, "text").values() for row in rows}
    nodes = {one["r"]["recordId"]: one["r"] for one in ask(graph, "MATCH (r:Record) RETURN r")}
    assert nodes.keys() == wanted.keys()
    names = {"dateCreated", "dateModified"}
    for number, row in wanted.items():
        props = {
            (f"data.{name}" if part == "answer" and name in names else name): value
            for (part, name), value in row.items()
            if value is not None and name != "studyKey"
        }
        own = {"key": f"{STUDY}/record/{number}", "study": STUDY, "table": row["field", "formKey"]}
        assert nodes[number] == {**props, **own}
    ties: dict[int, str] = {}
    for parent in ("Visit", "Subject", "Site"):
        for tie in ask(graph, f"MATCH (p:{parent})-[:HAS_RECORD]->(r:Record) RETURN p.key AS p, r.recordId AS r"):
            assert tie["r"] not in ties
            ties[tie["r"]] = tie["p"]
    there: set[str] = set()
    for what in ("visit", "subject", "site"):
        there |= {f"{STUDY}/{what}/{row[f'{what}Id']}" for row in study.rows(f"{what}s")}
    for number, row in wanted.items():
        for what in ("visit", "subject", "site"):
            value = row["field", f"{what}Id"]
            if value is not None:
                key = f"{STUDY}/{what}/{value}"
                assert ties.get(number) == (key if key in there else None)
                break
    for label, rows in (("Site", "sites"), ("Subject", "subjects"), ("Visit", "visits")):
        (count,) = ask(graph, f"MATCH (n:{label}) RETURN count(n) AS n")
        assert count["n"] == len(study.rows(rows)), label
    of = Counter(one["f"] for one in ask(graph, "MATCH (:Record)-[:OF_FORM]->(f:Form) RETURN f.formKey AS f"))
    assert of == Counter(row["field", "formKey"] for row in wanted.values())
    above = {(one["c"], one["p"]) for one in ask(
        graph, "MATCH (c:Record)-[:CHILD_OF]->(p:Record) RETURN c.recordId AS c, p.recordId AS p"
    )}  # fmt: skip
    assert above == {
        (number, row["field", "parentRecordId"])
        for number, row in wanted.items()
        if row["field", "parentRecordId"] in wanted
    }
    assert {one["f"] for one in ask(graph, "MATCH (:Study)-[:HAS_FORM]->(f:Form) RETURN f.formKey AS f")} >= set(
        forms_of(box)
    )


def test_the_graph_holds_the_study_and_follows_it(own_box: Make, empty: dict[str, Any], tmp_path: Path) -> None:
    """A second run changes nothing; a record that moved or went has moved or gone."""
    box = own_box()
    export(box, empty, tmp_path / "home")
    same(box, empty)
    (before,) = ask(empty, "MATCH ()-[r]->() RETURN count(r) AS n")
    export(box, empty, tmp_path / "home")
    same(box, empty)
    assert ask(empty, "MATCH ()-[r]->() RETURN count(r) AS n") == [before]
    box.advance(1)
    study = box.studies[STUDY]
    study.records.remove(study.records.places()[40])
    subjects = study.table("subjects")
    subjects.change(subjects.find("subjectId", 20005) or 0, siteId=306)
    export(box, empty, tmp_path / "home")
    same(box, empty)
    tie = "MATCH (s:Site)-[:HAS_SUBJECT]->(p:Subject {subjectId: 20005}) RETURN s.siteId AS site"
    assert ask(empty, tie) == [{"site": 306}]


def test_keys_are_unique_by_constraint(own_box: Make, empty: dict[str, Any], tmp_path: Path) -> None:
    export(own_box(), empty, tmp_path / "home", forms=["REG"])
    found = ask(empty, "SHOW CONSTRAINTS")
    assert {label for one in found for label in one["labelsOrTypes"]} >= {"Study", "Site", "Subject", "Record"}


def test_a_failure_is_an_error_with_the_batch_and_the_next_run_goes_on(
    own_box: Make, empty: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = own_box()
    prepared = Neo4jSink._create_study
    monkeypatch.setattr("imednet.integrations.graph._NODES", "UNWIND $rows AS row MERGE (n:{label} NONSENSE")
    with pytest.raises(ExportBatchError, match=r"CypherSyntaxError.*Next"):
        export(box, empty, tmp_path / "home", backoff=0.01)
    monkeypatch.undo()
    assert Neo4jSink._create_study is prepared
    report = export(box, empty, tmp_path / "home")
    assert report.resumed >= report.rows
    same(box, empty)


def test_wrong_credentials_and_no_server_are_named(graph: dict[str, Any]) -> None:
    for change, what in (
        ({"auth": ("root", "wr0ng")}, "refuses the credentials"),
        ({"uri": "bolt://127.0.0.1:9"}, "cannot be used"),
        ({"uri": "nonsense"}, "cannot be parsed"),
    ):
        with pytest.raises(ExportConfigurationError, match=what) as caught:
            Neo4jSink(**{**graph, **change})
        assert "wr0ng" not in str(caught.value)
        assert "Next" in str(caught.value)


def test_records_of_other_forms_stay_until_their_form_is_asked_to_go(
    own_box: Make, empty: dict[str, Any], tmp_path: Path
) -> None:
    home, box = tmp_path / "home", own_box()
    export(box, empty, home, forms=["AE", "VS"])
    forms = "MATCH (r:Record) RETURN r.formKey AS form, count(*) AS n ORDER BY form"
    before = ask(empty, forms)
    export(box, empty, home, forms=["AE"])
    assert ask(empty, forms) == before
    assert export(own_box(intercept=without_form("VS")), empty, home, forms=["AE"], prune=True).pruned == ["VS"]
    assert [one["form"] for one in ask(empty, forms)] == ["AE"]
    assert "VS" not in {one["f"]["formKey"] for one in ask(empty, "MATCH (f:Form) RETURN f")}
