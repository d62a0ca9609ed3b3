"""Exports into servers killed at some moment and started again: what an undisturbed run leaves, and nothing twice.

Not Snowflake: its emulator runs no transaction, so that what a kill leaves there would prove nothing.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporting import differences
from imednet.sandbox import Sandbox
from killing import killed_and_resumed, whole
from servers import test_databases, test_document, test_graph

Make = Callable[..., Sandbox]


def described(sink: str, *arguments: Any, **options: Any) -> str:
    return json.dumps({"sink": sink, "arguments": arguments, "options": options})


def killed_thrice(box: Sandbox, name: str, folder: Path) -> None:
    """Two undisturbed runs into the target, then three that are killed; at least two of them at work."""
    whole(box, name, folder)
    draw, seconds, killed = random.Random(20261125), whole(box, name, folder), 0
    for number in range(3):
        box.advance(1)
        was, _ = killed_and_resumed(box, name, folder, draw.uniform(0.4, seconds) if number else seconds * 0.7)
        killed += was
    assert killed >= 2


@pytest.mark.parametrize("server", ["postgres", "mariadb"])
def test_killed_exports_into_databases(
    own_box: Make, server: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    box, url = own_box(), request.getfixturevalue(server)
    killed_thrice(box, described("SqlSink", url), tmp_path)
    one = test_databases.target(url, tmp_path / "home")
    assert differences(one, box, one.export(box)) == []


def test_killed_exports_into_documents(own_box: Make, mongo: str, tmp_path: Path) -> None:
    box = own_box()
    killed_thrice(box, described("MongoDBSink", mongo, database="killed"), tmp_path)
    assert test_document.differing(test_document.documents(mongo, "killed"), test_document.expected(box)) == []


def test_killed_exports_into_graphs(own_box: Make, graph: dict[str, Any], tmp_path: Path) -> None:
    box = own_box()
    for label in ("Record", "Visit", "Subject", "Site", "Form", "Study"):
        test_graph.ask(graph, f"MATCH (n:{label}) DETACH DELETE n")
    killed_thrice(box, described("Neo4jSink", graph["uri"], auth=graph["auth"], database=graph["database"]), tmp_path)
    test_graph.same(box, graph)
