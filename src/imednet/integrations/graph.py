"""Neo4j: study, sites, subjects, visits, forms and records as nodes, answers as properties of their record."""

from __future__ import annotations

from typing import Any, Final

from ..errors import ExportConfigurationError
from ._optional import _require_optional_dep
from .on_disk.folder import Home
from .sink import ExportSink, _redact_uri
from .tables.batches import Batch
from .tables.layout import Shape, StudyTables

_LABELS: Final = ("Study", "Site", "Subject", "Visit", "Form", "Record")
_DELETED_AT_ONCE = 1_000
_OWN: Final = frozenset({"key", "study", "table"})
"""Properties of the export itself; an answer of that name has `data.` before it."""

_CONSTRAINT = "CREATE CONSTRAINT imednet_{small} IF NOT EXISTS FOR (n:{label}) REQUIRE n.key IS UNIQUE"
_NODES = "UNWIND $rows AS row MERGE (n:{label} {{key: row.key}}) SET n = row.props"
_TIES = """
UNWIND $rows AS row
MATCH (child:{child} {{key: row.key}})
OPTIONAL MATCH (other)-[old:{tie}]->(child) WHERE other.key <> row.parent
DELETE old
WITH DISTINCT child, row
MATCH (parent:{parent} {{key: row.parent}})
MERGE (parent)-[:{tie}]->(child)
"""
_FORM_TIES = (
    "UNWIND $rows AS row MATCH (r:Record {key: row.key}) MATCH (f:Form {key: row.parent}) MERGE (r)-[:OF_FORM]->(f)"
)
_PARENT_TIES = """
UNWIND $rows AS row
MATCH (child:Record {key: row.key})
OPTIONAL MATCH (child)-[old:CHILD_OF]->(other:Record) WHERE row.parent IS NULL OR other.key <> row.parent
DELETE old
WITH DISTINCT child, row WHERE row.parent IS NOT NULL
MATCH (parent:Record {key: row.parent})
MERGE (child)-[:CHILD_OF]->(parent)
"""
_KEYS = "MATCH (n:{label} {{study: $study}}) WHERE $table IS NULL OR n.table = $table RETURN n.key AS key"
_REMOVE = "UNWIND $keys AS key MATCH (n:{label} {{key: key}}) DETACH DELETE n"


class Neo4jSink(ExportSink):
    """A graph: `(Study)-[:HAS_SITE]->(Site)-[:HAS_SUBJECT]->(Subject)-[:HAS_VISIT]->(Visit)-[:HAS_RECORD]->(Record)`.

    A record without a visit hangs at its subject, one without a subject at its site, one without either at the study.
    `(Record)-[:OF_FORM]->(Form)`, `(Record)-[:CHILD_OF]->(Record)`. Every node has a property `key`, such as
    `STUDY/record/5000017`, that is unique; answers are properties of their record, as text. Writing the same twice
    changes nothing; what the study no longer has is removed.

    Args:
        uri: `bolt://host:7687` or `neo4j://host`; never written anywhere.
        auth: user and password.
        database: the database.

    Raises:
        ExportConfigurationError: the driver is missing, the server cannot be reached, or it refuses the credentials.
    """

    kind = "neo4j"
    shape = Shape(values="text")
    needs = ("sites", "subjects", "visits")
    own_tables = False
    batch_rows = 1_000

    def __init__(self, uri: str, *, auth: tuple[str, str] | None = None, database: str = "neo4j") -> None:
        neo4j = _require_optional_dep("neo4j", "neo4j")
        self._neo4j = neo4j
        self.foreign = (neo4j.exceptions.Neo4jError, neo4j.exceptions.DriverError)
        self._where = _redact_uri(str(uri))
        try:
            self._driver: Any = neo4j.GraphDatabase.driver(
                uri,
                auth=tuple(auth) if auth else None,
                user_agent="imednet",
                max_transaction_retry_time=15,
                notifications_min_severity="OFF",
            )
        except (ValueError, neo4j.exceptions.DriverError):
            raise ExportConfigurationError(
                "the address of Neo4j cannot be read. Next: write it as bolt://host:7687 or neo4j://host"
            ) from None
        try:
            with self._driver.session(database=database) as session:
                session.run("RETURN 1").consume()
        except neo4j.exceptions.AuthError:
            self._driver.close()
            raise ExportConfigurationError(
                f"{self._where} refuses the credentials. Next: check user and password"
            ) from None
        except (neo4j.exceptions.Neo4jError, neo4j.exceptions.DriverError) as error:
            self._driver.close()
            raise ExportConfigurationError(
                f"{self._where} cannot be used ({type(error).__name__}). Next: check host, port and database"
            ) from None
        self._database = database
        self._study = ""
        self._seen: dict[tuple[str, str], set[str]] = {}
        self._parents: list[dict[str, str | None]] = []

    def begin(self, tables: StudyTables, home: Home | None) -> None:  # noqa: ARG002  (the interface of a sink)
        """Constraints first, then the study and its forms."""
        self._study = tables.study_key
        self._tables = tables

    def write_batch(self, batch: Batch) -> None:
        """Merge the nodes of a batch and what ties them, in one transaction."""
        if not self._seen:
            self._prepare()
        label = {"_sites": "Site", "_subjects": "Subject", "_visits": "Visit"}.get(batch.table.key, "Record")
        if not batch.table.is_form and label == "Record":
            return  # lists that are no nodes
        self.outputs[batch.table.key] = {"label": label}
        rows = [dict(zip(batch.table.names, row, strict=True)) for row in batch.rows]
        nodes: list[dict[str, Any]] = []
        ties: list[dict[str, str]] = []
        for row in rows:
            key, parent = self._place(label, row)
            own = {f"data.{name}" if name in _OWN else name: value for name, value in row.items()}
            props = {name: value for name, value in own.items() if value is not None and name != "studyKey"}
            props |= {"key": key, "study": self._study, "table": batch.table.key}
            nodes.append({"key": key, "props": props})
            ties.append({"key": key, "parent": parent})
            if label == "Record":
                above = row.get("parentRecordId")
                self._parents.append({"key": key, "parent": None if above is None else self._key("record", above)})
        self._seen.setdefault((label, batch.table.key), set()).update(node["key"] for node in nodes)
        forms = [{"key": node["key"], "parent": self._key("form", batch.table.key)} for node in nodes]

        def work(run: Any) -> None:
            run.run(_NODES.format(label=label), rows=nodes).consume()
            self._tie(run, label, ties)
            if label == "Record":
                run.run(_FORM_TIES, rows=forms).consume()

        if nodes:
            self._write(work)

    def flush(self) -> None:
        """Tie records to the records above them, and remove what the study no longer has."""
        for at in range(0, len(self._parents), _DELETED_AT_ONCE):
            part = self._parents[at : at + _DELETED_AT_ONCE]
            self._write(lambda run, part=part: run.run(_PARENT_TIES, rows=part).consume())
        for (label, table), seen in self._seen.items():
            with self._session() as session:
                found = session.run(
                    _KEYS.format(label=label), study=self._study, table=None if label != "Record" else table
                )
                gone = [row["key"] for row in found if row["key"] not in seen]
            for at in range(0, len(gone), _DELETED_AT_ONCE):
                part = gone[at : at + _DELETED_AT_ONCE]
                remove = _REMOVE.format(label=label)
                self._write(lambda run, remove=remove, part=part: run.run(remove, keys=part).consume())

    def close(self) -> None:
        """Close the connection."""
        self._driver.close()

    def transient(self, error: BaseException) -> bool:
        """Lost connections, dead-locks, and a constraint met by two writers at once."""
        exceptions = self._neo4j.exceptions
        passing = (exceptions.ServiceUnavailable, exceptions.SessionExpired, exceptions.TransientError)
        return isinstance(error, (*passing, exceptions.ConstraintError))

    def explain(self, error: BaseException) -> str:
        """The code of the failure; texts of the driver may hold properties."""
        code = getattr(error, "code", None)
        return (
            f"{self._where}: {type(error).__name__}{f' ({code})' if code else ''}. "
            "Next: see that the server can be written to, then run it again"
        )

    # ---- places of nodes

    def _prepare(self) -> None:
        for label in _LABELS:
            with self._session() as session:
                session.run(_CONSTRAINT.format(small=label.lower(), label=label)).consume()
        study = self._key("study", self._study)
        forms: list[dict[str, Any]] = [
            {
                "key": self._key("form", table.key),
                "props": {
                    "key": self._key("form", table.key), "study": self._study, "formKey": table.key,
                    **({"formName": table.title} if table.title else {}),
                    **({"formId": table.form_id} if table.form_id is not None else {}),
                },
            }
            for table in (*self._tables.forms, self._tables.unassigned)
        ]  # fmt: skip

        def work(run: Any) -> None:
            rows = [{"key": study, "props": {"key": study, "study": self._study}}]
            run.run(_NODES.format(label="Study"), rows=rows).consume()
            run.run(_NODES.format(label="Form"), rows=forms).consume()
            ties = [{"key": one["key"], "parent": study} for one in forms]
            run.run(_TIES.format(child="Form", parent="Study", tie="HAS_FORM"), rows=ties).consume()

        self._write(work)

    def _place(self, label: str, row: dict[str, Any]) -> tuple[str, str]:
        """Key of a node, and of the node it hangs at."""
        study = self._key("study", self._study)
        site = self._key("site", row["siteId"]) if row.get("siteId") is not None else study
        if label == "Site":
            return self._key("site", row["siteId"]), study
        if label == "Subject":
            return self._key("subject", row["subjectId"]), site
        subject = self._key("subject", row["subjectId"]) if row.get("subjectId") is not None else site
        if label == "Visit":
            return self._key("visit", row["visitId"]), subject
        visit = self._key("visit", row["visitId"]) if row.get("visitId") is not None else subject
        return self._key("record", row["recordId"]), visit

    def _tie(self, run: Any, label: str, ties: list[dict[str, str]]) -> None:
        tie = f"HAS_{label.upper()}"
        for parent in ("Study", "Site", "Subject", "Visit"):
            mark = self._key(parent.lower(), "")
            part = [one for one in ties if one["parent"].startswith(mark)]
            if part:
                run.run(_TIES.format(child=label, parent=parent, tie=tie), rows=part).consume()

    def _key(self, what: str, identity: Any) -> str:
        return f"{self._study}/{what}/{identity}"

    def _write(self, work: Any) -> None:
        with self._session() as session:
            session.execute_write(work)

    def _session(self) -> Any:
        return self._driver.session(database=self._database)
