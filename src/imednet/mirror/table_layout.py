"""Layout of a mirror's tables: the columns of an export, and beside them those that make a row a version.

`_snapshot`, `_operation`, `_seen`, `_key`, `_hash` and `_line` begin with an underscore, which no name of a study does
here. A column whose type changed gets a second column; the first one keeps the older versions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

from imednet_api.models import Form, Variable

from ..integrations.tables.arrow import pyarrow, record_batch, schema_of
from ..integrations.tables.arrow_reader import ArrowReader
from ..integrations.tables.batches import Reader
from ..integrations.tables.layout import UNASSIGNED, Shape, StudyTables, Table, model_table, study_tables
from ..integrations.tables.naming import file_stems
from ..integrations.tables.options import ExportOptions
from ..validation.kinds import Kind

Version = Literal["insert", "update", "delete", "retype"]
"""What made a version: `retype` is a row that did not change, written again because the design of its form did."""

STUDIES: Final = "_studies"
ROOMS: Final = ("forms", "lists")
"""Folders of a mirror in which its tables are."""
_SHAPE: Final = Shape(values="typed", context=False, clean_names=True, longest_name=200)
_EVERYTHING: Final = ("all",)


def mirror_tables(
    study_key: str,
    forms: Iterable[Form],
    variables: Iterable[Variable],
    names: Mapping[str, str],
    unblind: str | None,
    blinded: Iterable[tuple[str, str]] = (),
) -> StudyTables:
    """The tables of a study: of all its forms, disabled ones too, and of all its lists.

    Args:
        study_key: the study.
        forms, variables: its design.
        names: column names of earlier snapshots.
        unblind: the reason for holding blinded answers; `None` for a mirror without.
        blinded: `formId` and name of every variable that was ever blinded, as `ever_blinded` of `study_tables`.
    """
    options = ExportOptions(disabled=True, entities=_EVERYTHING, unblind=unblind)
    tables = study_tables(study_key, forms, variables, options, _SHAPE, names, blinded)
    studies = replace(model_table(STUDIES, _study_model(), _SHAPE), title="studies")
    return replace(
        tables,
        forms=tuple(map(_writable, tables.forms)),
        unassigned=_writable(tables.unassigned),
        entities=tuple(_writable(table) for table in (*tables.entities, studies)),
    )


def _study_model() -> Any:
    from imednet_api.models import Study

    return Study


def holds_records(key: str) -> bool:
    """Whether the table with this key holds records, of a form or of none; the others hold lists."""
    return key == UNASSIGNED or not key.startswith("_")


def _writable(table: Table) -> Table:
    """A table whose times of day are texts, since Delta has no such type."""
    columns = tuple(replace(column, kind=Kind.TEXT) if column.kind is Kind.TIME else column for column in table.columns)
    return replace(table, columns=columns)


def folders(keys: Iterable[str], taken: Mapping[str, str]) -> dict[str, str]:
    """The folder of each table, for tables that have none yet; `taken` are those of the others."""
    found: dict[str, str] = {}
    for room, own in zip(ROOMS, (False, True), strict=True):
        wanted = [key for key in keys if key not in taken and key.startswith("_") is own]
        used = [folder.partition("/")[2] for folder in taken.values() if folder.startswith(f"{room}/")]
        names = [("unassigned_records" if key == UNASSIGNED else key.lstrip("_")) for key in wanted]
        found |= {key: f"{room}/{stem}" for key, stem in zip(wanted, file_stems(names, used), strict=True)}
    return found


@dataclass(frozen=True)
class VersionTable:
    """A table as the mirror writes it.

    Attributes:
        table: the table of the design.
        columns: name of a column -> its name in the files, where the two differ.
    """

    table: Table
    columns: Mapping[str, str]

    @classmethod
    def of(cls, table: Table, types: Mapping[str, str]) -> VersionTable:
        """The table, given the type of every column that its files ever had."""
        known = {name.casefold(): name for name in types}  # names that differ by case alone are one in Delta Lake
        names = {}
        for column in table.columns:
            kind = _type_name(column.kind)
            file_name = known.get(column.name.casefold(), column.name)
            if types.get(file_name, kind) != kind:
                file_name = f"_{column.name}_{kind}"
                file_name = known.get(file_name.casefold(), file_name)
            if file_name != column.name:
                names[column.name] = file_name
        return cls(table, names)

    @property
    def layout(self) -> dict[str, tuple[str, ...]]:
        """Source, part and type of each column."""
        return {column.name: (column.source, column.part, _type_name(column.kind)) for column in self.table.columns}

    @property
    def hidden(self) -> tuple[str, ...]:
        """Answers that rows do not hold, in lower case."""
        return tuple(sorted(name.casefold() for name in self.table.hidden))

    @property
    def schema(self) -> Any:
        """The Arrow schema of a version."""
        arrow = pyarrow()
        # without the labels, since Delta refuses to merge columns whose metadata differ
        fields = [arrow.field(self.columns.get(field.name, field.name), field.type) for field in schema_of(self.table)]
        first = [
            ("_snapshot", arrow.int64()), ("_operation", arrow.string()), ("_seen", arrow.timestamp("us", "UTC")),
            ("_key", arrow.string()), ("_hash", arrow.int64()),
        ]  # fmt: skip
        return arrow.schema([*first, *fields, ("_line", arrow.string())])

    def reader(self) -> Reader:
        """A reader of lines."""
        return ArrowReader(self.table) if self.table.is_form else Reader(self.table)


def versions(
    layout: VersionTable,
    schema: Any,
    reader: Reader,
    number: int,
    lines: list[bytes],
    keys: Sequence[str],
    operations: Sequence[Version],
    hashes: Sequence[int],
    snapshot: int,
    seen: datetime | None,
) -> Any:
    """Versions of rows as a `pyarrow.RecordBatch`; `lines` end in a line break."""
    arrow = pyarrow()
    typed = record_batch(reader.batch(number, lines)[0], schema_of(layout.table))
    count = len(lines)
    texts = [line.rstrip(b"\n") for line in lines]
    arrays = [
        arrow.array([snapshot] * count, arrow.int64()), arrow.array(operations, arrow.string()),
        arrow.array([seen] * count, arrow.timestamp("us", "UTC")), arrow.array(keys, arrow.string()),
        arrow.array(hashes, arrow.int64()), *typed.columns, arrow.array(texts, arrow.string()),
    ]  # fmt: skip
    return arrow.record_batch(arrays, schema=schema)


def tombstones(schema: Any, keys: Sequence[str], snapshot: int, seen: datetime | None) -> Any:
    """Versions that say that rows are gone; they hold nothing else."""
    arrow = pyarrow()
    count = len(keys)
    known = {
        "_snapshot": [snapshot] * count, "_operation": ["delete"] * count, "_seen": [seen] * count, "_key": keys,
    }  # fmt: skip
    arrays = [
        arrow.array(known[field.name], field.type) if field.name in known else arrow.nulls(count, field.type)
        for field in schema
    ]
    return arrow.record_batch(arrays, schema=schema)


def row_hash(line: bytes) -> int:
    """The hash of a row as it is kept: 64 bits, which tell its versions apart."""
    return int.from_bytes(hashlib.blake2b(line, digest_size=8).digest(), "big", signed=True)


def same_row(one: str, other: str) -> bool:
    """Whether two lines are the same row, whatever the order of their members."""
    return one == other or _canonical(one) == _canonical(other)


def _canonical(line: str) -> str:
    return json.dumps(json.loads(line), sort_keys=True)


def _type_name(kind: Kind) -> str:
    """A word for the type of a column in the files; kinds that are stored alike have the same."""
    if kind in (Kind.TEXT, Kind.JSON, Kind.PARTIAL, Kind.TIME):
        return "text"
    return {Kind.INSTANT: "instant"}.get(kind, kind.value)
