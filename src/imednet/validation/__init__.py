"""The design of a study: what its forms accept, checks of items before they are written, dictionaries, code lists.

`kinds` holds the types of answers that exports read, `fields` the values a field takes, `schema` and `cache` the check
of items, `dictionary` the data dictionary. Sending items is in `workflows.writing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._lazy import loader

if TYPE_CHECKING:
    from .cache import AsyncSchemaCache, AsyncSchemaValidator, SchemaCache, SchemaValidator
    from .dictionary import (
        Choice,
        CodeList,
        DataDictionary,
        code_lists_from_csv,
        inferred_code_lists,
        load_dictionary,
        new_values,
    )
    from .fields import FieldKind, field_kind, same_answer, wire_value
    from .schema import FormSchema, ItemsRefusedError, Problem, StudySchema

_HOMES = {
    "new_values": "dictionary",
    "load_dictionary": "dictionary",
    "inferred_code_lists": "dictionary",
    "code_lists_from_csv": "dictionary",
    "DataDictionary": "dictionary",
    "CodeList": "dictionary",
    "Choice": "dictionary",
    "AsyncSchemaCache": "cache",
    "AsyncSchemaValidator": "cache",
    "FieldKind": "fields",
    "FormSchema": "schema",
    "ItemsRefusedError": "schema",
    "Problem": "schema",
    "SchemaCache": "cache",
    "SchemaValidator": "cache",
    "StudySchema": "schema",
    "field_kind": "fields",
    "same_answer": "fields",
    "wire_value": "fields",
}

__all__ = [
    "AsyncSchemaCache",
    "AsyncSchemaValidator",
    "Choice",
    "CodeList",
    "DataDictionary",
    "FieldKind",
    "FormSchema",
    "ItemsRefusedError",
    "Problem",
    "SchemaCache",
    "SchemaValidator",
    "StudySchema",
    "code_lists_from_csv",
    "field_kind",
    "inferred_code_lists",
    "load_dictionary",
    "new_values",
    "same_answer",
    "wire_value",
]

_load = loader(__name__, _HOMES, globals())


def __getattr__(name: str) -> Any:
    return _load(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
