"""MongoDB: one document a record, its answers nested as they were sent."""

from __future__ import annotations

import json
import zlib
from typing import Any, Final

from ..errors import ExportConfigurationError
from ._optional import _require_optional_dep
from .on_disk.folder import Home
from .sink import ExportSink, _redact_uri
from .tables.batches import TWICE, Batch, said_twice
from .tables.layout import StudyTables

_INT64: Final = 2**63
_DELETED_AT_ONCE = 1_000


class MongoDBSink(ExportSink):
    """A collection of documents `{_id: "STUDY/RECORD", ...fields of the record, record_data: {...}}`.

    Each document is replaced as a whole, so that answers that vanished from a record vanish here too; records that the
    study no longer has are removed. Writing the same twice changes nothing. Other lists of the study go to collections
    `NAME_sites`, `NAME_subjects` and so on.

    Args:
        uri: `mongodb://host:27017`; never written anywhere.
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
        self._where = _redact_uri(str(uri))
        patience = int(timeout * 1000)
        try:
            self._client: Any = pymongo.MongoClient(uri, serverSelectionTimeoutMS=patience, appname="imednet")
        except (pymongo.errors.PyMongoError, ValueError):
            raise ExportConfigurationError(
                "the address of MongoDB cannot be read. Next: write it as mongodb://user@host:27017"
            ) from None
        try:
            self._client[database].command("ping")
            self._client[database][collection].find_one({}, {"_id": 1})
        except pymongo.errors.PyMongoError as error:
            self._client.close()
            if isinstance(error, pymongo.errors.OperationFailure):
                what = f"refuses the credentials (code {error.code}). Next: check user, password and authSource"
            else:
                what = "cannot be reached. Next: check host and port, and that the server runs"
            raise ExportConfigurationError(f"{self._where} {what}") from None
        self._base = collection
        self._database = self._client[database]
        self._seen: dict[str, set[str]] = {}
        self._study = ""

    def begin(self, tables: StudyTables, home: Home | None) -> None:  # noqa: ARG002  (the interface of a sink)
        """Remember the study."""
        self._study = tables.study_key

    def write_batch(self, batch: Batch) -> None:
        """Replace documents, in one unordered bulk."""
        seen = self._seen.setdefault(batch.table.key, set())
        self.outputs[batch.table.key] = {"collection": self._collection(batch).name}
        documents = [self._document(batch, *one) for one in zip(batch.lines, batch.records, strict=True)]
        seen.update(document["_id"] for document in documents)
        if documents:
            replace = [self._mongo.ReplaceOne({"_id": one["_id"]}, one, upsert=True) for one in documents]
            self._collection(batch).bulk_write(replace, ordered=False)

    def flush(self) -> None:
        """Remove what the study no longer has."""
        for key, seen in self._seen.items():
            collection = self._database[self.outputs[key]["collection"]]
            mine = {"_imednet.study": self._study, "_imednet.table": key}
            gone = [one["_id"] for one in collection.find(mine, {"_id": 1}) if one["_id"] not in seen]
            for at in range(0, len(gone), _DELETED_AT_ONCE):
                collection.delete_many({"_id": {"$in": gone[at : at + _DELETED_AT_ONCE]}})

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def transient(self, error: BaseException) -> bool:
        """Lost connections, elections, and what the server marks as passing."""
        if isinstance(error, self._errors.BulkWriteError):
            return False
        return isinstance(error, (self._errors.ConnectionFailure, self._errors.ExecutionTimeout)) or (
            isinstance(error, self._errors.PyMongoError) and error.has_error_label("RetryableWriteError")
        )

    def explain(self, error: BaseException) -> str:
        """The code of the failure; texts of the driver may hold documents."""
        code = f", code {error.code}" if isinstance(error, self._errors.OperationFailure) else ""
        what = f"{self._where}: {type(error).__name__}{code}"
        return f"{what}. Next: see that the server can be written to, then run it again"

    def _collection(self, batch: Batch) -> Any:
        return self._database[self._base if batch.table.is_form else f"{self._base}{batch.table.key}"]

    def _document(self, batch: Batch, line: bytes, record: dict[str, Any]) -> dict[str, Any]:
        facts = batch.table
        if facts.is_form:
            identity = record.get("recordId")
            for name, value in said_twice(line, record):
                self.lost(facts, identity, name, value, TWICE)
        else:
            keys = [column.source for column in facts.columns if column.name in facts.identity]
            identity = "/".join(str(record.get(key)) for key in keys)
            if any(record.get(key) is None for key in keys):  # a user without number is told apart by the rest
                identity = str(zlib.crc32(json.dumps(record, sort_keys=True).encode()))
        document: dict[str, Any] = {
            "_id": f"{self._study}/{identity}",
            "_imednet": {"study": self._study, "table": facts.key},
        }
        for name, value in record.items():
            target = "record_data" if name == "recordData" and facts.is_form else name
            while target in document or (target == "record_data" and name != "recordData" and facts.is_form):
                target = f"record.{target}"  # a field that nobody knows may have one of our names
            document[target] = self._storable(batch, identity, name, value)
        return document

    def _storable(self, batch: Batch, identity: Any, name: str, value: Any) -> Any:
        """A value that BSON holds: whole numbers of more than 64 bits, half characters and NULs in keys it does not."""
        if isinstance(value, dict):
            found = {}
            for key, inner in value.items():
                kept = key.replace("\0", "�").encode("utf-8", "replace").decode()
                if kept != key:
                    self.lost(batch.table, identity, name, repr(key), "a name that BSON cannot hold was changed")
                found[kept] = self._storable(batch, identity, name, inner)
            return found
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
            return str(value)  # a number of thousands of digits
        return value
