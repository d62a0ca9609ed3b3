"""MongoDB: one document for each record, its answers nested as the server sent them."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from ..errors import ExportConfigurationError
from ._optional import _require_optional_dep
from .on_disk.folder import ExportFolder
from .sink import ExportSink, _redact_uri
from .tables.batches import REPEATED, Batch, repeated_members
from .tables.layout import StudyTables

_INT64: Final = 2**63
_DELETE_BATCH = 1_000


class MongoDBSink(ExportSink):
    """A collection of documents `{_id: "STUDY/RECORD", ...fields of the record, record_data: {...}}`.

    Each document is replaced as a whole, so an answer removed from a record is removed here too. Records that the study
    no longer has are deleted. Writing the same data twice changes nothing. Other lists of the study go to collections
    `NAME_sites`, `NAME_subjects` and so on.

    Args:
        uri: `mongodb://host:27017`; never stored or logged.
        database, collection: where documents go.
        timeout: seconds to wait for the server.

    Raises:
        ExportConfigurationError: pymongo is missing, the server cannot be reached, or it refuses the credentials.
    """

    kind = "mongodb"
    raw = True
    own_tables = False
    batch_rows = 1_000
    batch_bytes = 8_000_000

    def __init__(
        self, uri: str, *, database: str = "imednet", collection: str = "records", timeout: float = 15.0
    ) -> None:
        pymongo = _require_optional_dep("pymongo", "mongodb")
        self._mongo = pymongo
        self._errors = pymongo.errors
        self.foreign = (pymongo.errors.PyMongoError, pymongo.errors.InvalidOperation)
        self._address = _redact_uri(str(uri))
        timeout_ms = int(timeout * 1000)
        try:
            self._client: Any = pymongo.MongoClient(uri, serverSelectionTimeoutMS=timeout_ms, appname="imednet")
        except (pymongo.errors.PyMongoError, ValueError):
            raise ExportConfigurationError(
                "the MongoDB address cannot be parsed. Next: write it as mongodb://user@host:27017"
            ) from None
        try:
            self._client[database].command("ping")
            self._client[database][collection].find_one({}, {"_id": 1})
        except pymongo.errors.PyMongoError as error:
            self._client.close()
            if isinstance(error, pymongo.errors.OperationFailure):
                reason = f"refuses the credentials (code {error.code}). Next: check user, password and authSource"
            else:
                reason = "cannot be reached. Next: check host and port, and that the server is running"
            raise ExportConfigurationError(f"{self._address} {reason}") from None
        self._base = collection
        self._database = self._client[database]
        self._seen: dict[str, set[str]] = {}
        self._study = ""

    def begin(self, tables: StudyTables, home: ExportFolder | None) -> None:  # noqa: ARG002  (the interface of a sink)
        """Remember the study."""
        self._study = tables.study_key

    def write_batch(self, batch: Batch) -> None:
        """Replace the documents of a batch in one unordered bulk write."""
        seen = self._seen.setdefault(batch.table.key, set())
        self.outputs[batch.table.key] = {"collection": self._collection(batch).name}
        documents = [
            self._document(batch, line, record) for line, record in zip(batch.lines, batch.records, strict=True)
        ]
        seen.update(document["_id"] for document in documents)
        if documents:
            replacements = [
                self._mongo.ReplaceOne({"_id": document["_id"]}, document, upsert=True) for document in documents
            ]
            self._collection(batch).bulk_write(replacements, ordered=False)

    def flush(self) -> None:
        """Delete the documents of records that the study no longer has."""
        for key, seen in self._seen.items():
            collection = self._database[self.outputs[key]["collection"]]
            of_this_table = {"_imednet.study": self._study, "_imednet.table": key}
            stored = collection.find(of_this_table, {"_id": 1})
            gone = [document["_id"] for document in stored if document["_id"] not in seen]
            for start in range(0, len(gone), _DELETE_BATCH):
                collection.delete_many({"_id": {"$in": gone[start : start + _DELETE_BATCH]}})
        for key, facts in self.gone.items():
            collection = self._database[facts.get("collection") or self._base]
            collection.delete_many({"_imednet.study": self._study, "_imednet.table": key})

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def transient(self, error: BaseException) -> bool:
        """Whether the error is a lost connection, an election, or one the server itself calls retryable."""
        if isinstance(error, self._errors.BulkWriteError):
            return False
        return isinstance(error, (self._errors.ConnectionFailure, self._errors.ExecutionTimeout)) or (
            isinstance(error, self._errors.PyMongoError) and error.has_error_label("RetryableWriteError")
        )

    def explain(self, error: BaseException) -> str:
        """Name and code of the failure alone, because the driver's message may quote documents."""
        code = f", code {error.code}" if isinstance(error, self._errors.OperationFailure) else ""
        failure = f"{self._address}: {type(error).__name__}{code}"
        return f"{failure}. Next: check that the server accepts writes, then run the export again"

    def _collection(self, batch: Batch) -> Any:
        return self._database[self._base if batch.table.is_form else f"{self._base}{batch.table.key}"]

    def _document(self, batch: Batch, line: bytes, record: dict[str, Any]) -> dict[str, Any]:
        table = batch.table
        if table.is_form:
            identity = record.get("recordId")
            for name, value in repeated_members(line, record):
                self.lost(table, identity, name, value, REPEATED)
        else:
            keys = [column.source for column in table.columns if column.name in table.identity]
            identity = "/".join(str(record.get(key)) for key in keys)
            if any(record.get(key) is None for key in keys):  # a user without an id is identified by all its fields
                identity = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
        document: dict[str, Any] = {
            "_id": f"{self._study}/{identity}",
            "_imednet": {"study": self._study, "table": table.key},
        }
        for name, value in record.items():
            target = "record_data" if name == "recordData" and table.is_form else name
            while target in document or (target == "record_data" and name != "recordData" and table.is_form):
                target = f"record.{target}"  # an undocumented field may have one of our names
            document[target] = self._storable(batch, identity, name, value)
        return document

    def _storable(self, batch: Batch, identity: Any, name: str, value: Any) -> Any:
        """A value as BSON can hold it, which excludes integers beyond 64 bits, lone surrogates and NUL in keys."""
        if isinstance(value, dict):
            members = {}
            for key, inner in value.items():
                storable_key = key.replace("\0", "�").encode("utf-8", "replace").decode()
                if storable_key != key:
                    self.lost(batch.table, identity, name, repr(key), "a name that BSON cannot hold was changed")
                members[storable_key] = self._storable(batch, identity, name, inner)
            return members
        if isinstance(value, list):
            return [self._storable(batch, identity, name, inner) for inner in value]
        if isinstance(value, int) and not isinstance(value, bool) and not -_INT64 <= value < _INT64:
            self.lost(batch.table, identity, name, str(value), "a whole number of more than 64 bits became text")
            return str(value)
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError:
                self.lost(batch.table, identity, name, ascii(value), "half a character became a question mark")
                return value.encode("utf-8", "replace").decode()
        elif value is not None and not isinstance(value, (bool, int, float)):
            return str(value)  # a number with thousands of digits
        return value
