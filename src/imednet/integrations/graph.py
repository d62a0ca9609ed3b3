"""Neo4j: study, sites, subjects, visits, forms and records as nodes, answers as properties of their record.

Relationships are written with the nodes, except those between records, which wait for `flush`.
"""

from __future__ import annotations

from typing import Any, Final

from ..errors import ExportConfigurationError
from ._optional import _require_optional_dep
from .on_disk.folder import ExportFolder
from .sink import ExportSink, _redact_uri
from .tables.batches import Batch
from .tables.layout import Shape, StudyTables

_LABELS: Final = ("Study", "Site", "Subject", "Visit", "Form", "Record")
_BATCH = 1_000
_OWN_PROPERTIES: Final = frozenset({"key", "study", "table"})
"""Properties that the export adds; an answer of such a name is prefixed with `data.`."""

_CONSTRAINT = "CREATE CONSTRAINT imednet_{small} IF NOT EXISTS FOR (n:{label}) REQUIRE n.key IS UNIQUE"
_NODES = "UNWIND $rows AS row MERGE (n:{label} {{key: row.key}}) SET n = row.props"
_RELATE = """
UNWIND $rows AS row
MATCH (child:{child} {{key: row.key}})
OPTIONAL MATCH (other)-[old:{relationship}]->(child) WHERE other.key <> row.parent
DELETE old
WITH DISTINCT child, row
MATCH (parent:{parent} {{key: row.parent}})
MERGE (parent)-[:{relationship}]->(child)
"""
_RELATE_FORMS = (
    "UNWIND $rows AS row MATCH (r:Record {key: row.key}) MATCH (f:Form {key: row.parent}) MERGE (r)-[:OF_FORM]->(f)"
)
_RELATE_PARENTS = """
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

    A record without a visit is attached to its subject, one without a subject to its site, one without either to the
    study. Further relationships are `(Record)-[:OF_FORM]->(Form)` and `(Record)-[:CHILD_OF]->(Record)`. Every node has
    a unique property `key`, such as `STUDY/record/5000017`; answers are text properties of their record. Writing the
    same data twice changes nothing; what the study no longer has is removed.

    Args:
        uri: `bolt://host:7687` or `neo4j://host`; never stored or logged.
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
        self._address = _redact_uri(str(uri))
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
                "the Neo4j address cannot be parsed. Next: write it as bolt://host:7687 or neo4j://host"
            ) from None
        try:
            with self._driver.session(database=database) as session:
                session.run("RETURN 1").consume()
        except neo4j.exceptions.AuthError:
            self._driver.close()
            raise ExportConfigurationError(
                f"{self._address} refuses the credentials. Next: check user and password"
            ) from None
        except (neo4j.exceptions.Neo4jError, neo4j.exceptions.DriverError) as error:
            self._driver.close()
            raise ExportConfigurationError(
                f"{self._address} cannot be used ({type(error).__name__}). Next: check host, port and database"
            ) from None
        self._database = database
        self._study = ""
        self._seen: dict[tuple[str, str], set[str]] = {}
        self._parents: list[dict[str, str | None]] = []

    def begin(self, tables: StudyTables, home: ExportFolder | None) -> None:  # noqa: ARG002  (the interface of a sink)
        """Remember the study and its tables; nodes of the study and its forms are written with the first batch."""
        self._study = tables.study_key
        self._tables = tables

    def write_batch(self, batch: Batch) -> None:
        """Merge the nodes of a batch and their relationships in one transaction."""
        if not self._seen:
            self._create_study()
        label = {"_sites": "Site", "_subjects": "Subject", "_visits": "Visit"}.get(batch.table.key, "Record")
        if not batch.table.is_form and label == "Record":
            return  # other lists have no nodes
        self.outputs[batch.table.key] = {"label": label}
        rows = [dict(zip(batch.table.names, row, strict=True)) for row in batch.rows]
        nodes: list[dict[str, Any]] = []
        parents: list[dict[str, str]] = []
        for row in rows:
            key, parent = self._key_and_parent(label, row)
            named = {f"data.{name}" if name in _OWN_PROPERTIES else name: value for name, value in row.items()}
            props = {name: value for name, value in named.items() if value is not None and name != "studyKey"}
            props |= {"key": key, "study": self._study, "table": batch.table.key}
            nodes.append({"key": key, "props": props})
            parents.append({"key": key, "parent": parent})
            if label == "Record":
                number = row.get("parentRecordId")
                self._parents.append({"key": key, "parent": None if number is None else self._key("record", number)})
        self._seen.setdefault((label, batch.table.key), set()).update(node["key"] for node in nodes)
        forms = [{"key": node["key"], "parent": self._key("form", batch.table.key)} for node in nodes]

        def write(transaction: Any) -> None:
            transaction.run(_NODES.format(label=label), rows=nodes).consume()
            self._relate_to_parents(transaction, label, parents)
            if label == "Record":
                transaction.run(_RELATE_FORMS, rows=forms).consume()

        if nodes:
            self._write(write)

    def flush(self) -> None:
        """Relate records to their parent records, and remove nodes that the study no longer has."""
        for start in range(0, len(self._parents), _BATCH):
            part = self._parents[start : start + _BATCH]
            self._write(lambda transaction, part=part: transaction.run(_RELATE_PARENTS, rows=part).consume())
        for (label, table), seen in self._seen.items():
            with self._session() as session:
                stored = session.run(
                    _KEYS.format(label=label), study=self._study, table=None if label != "Record" else table
                )
                gone = [row["key"] for row in stored if row["key"] not in seen]
            for start in range(0, len(gone), _BATCH):
                part = gone[start : start + _BATCH]
                remove = _REMOVE.format(label=label)
                self._write(lambda transaction, remove=remove, part=part: transaction.run(remove, keys=part).consume())

        for table in self.gone:
            self._remove_form(table)

    def _remove_form(self, table: str) -> None:
        """Remove a form that was asked to go, with its records."""
        with self._session() as session:
            stored = session.run(_KEYS.format(label="Record"), study=self._study, table=table)
            keys = [row["key"] for row in stored]
        remove = _REMOVE.format(label="Record")
        for start in range(0, len(keys), _BATCH):
            part = keys[start : start + _BATCH]
            self._write(lambda transaction, part=part: transaction.run(remove, keys=part).consume())
        form = [self._key("form", table)]
        self._write(lambda transaction: transaction.run(_REMOVE.format(label="Form"), keys=form).consume())

    def close(self) -> None:
        """Close the connection."""
        self._driver.close()

    def transient(self, error: BaseException) -> bool:
        """Whether the error is a lost connection, a deadlock, or a constraint that two writers met at once."""
        exceptions = self._neo4j.exceptions
        temporary = (exceptions.ServiceUnavailable, exceptions.SessionExpired, exceptions.TransientError)
        return isinstance(error, (*temporary, exceptions.ConstraintError))

    def explain(self, error: BaseException) -> str:
        """Name and code of the failure alone, because the driver's message may quote properties."""
        code = getattr(error, "code", None)
        return (
            f"{self._address}: {type(error).__name__}{f' ({code})' if code else ''}. "
            "Next: check that the server accepts writes, then run the export again"
        )

    # ---- nodes and their parents

    def _create_study(self) -> None:
        """Create the constraints, then the nodes of the study and its forms."""
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

        def write(transaction: Any) -> None:
            rows = [{"key": study, "props": {"key": study, "study": self._study}}]
            transaction.run(_NODES.format(label="Study"), rows=rows).consume()
            transaction.run(_NODES.format(label="Form"), rows=forms).consume()
            parents = [{"key": form["key"], "parent": study} for form in forms]
            relate = _RELATE.format(child="Form", parent="Study", relationship="HAS_FORM")
            transaction.run(relate, rows=parents).consume()

        self._write(write)

    def _key_and_parent(self, label: str, row: dict[str, Any]) -> tuple[str, str]:
        """The key of a node and the key of its parent node."""
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

    def _relate_to_parents(self, transaction: Any, label: str, parents: list[dict[str, str]]) -> None:
        relationship = f"HAS_{label.upper()}"
        for parent in ("Study", "Site", "Subject", "Visit"):
            prefix = self._key(parent.lower(), "")
            rows = [row for row in parents if row["parent"].startswith(prefix)]
            if rows:
                relate = _RELATE.format(child=label, parent=parent, relationship=relationship)
                transaction.run(relate, rows=rows).consume()

    def _key(self, resource: str, identity: Any) -> str:
        return f"{self._study}/{resource}/{identity}"

    def _write(self, work: Any) -> None:
        with self._session() as session:
            session.execute_write(work)

    def _session(self) -> Any:
        return self._driver.session(database=self._database)
