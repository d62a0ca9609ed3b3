"""Generated models take anything a server may send: nothing raises, nothing is lost, nothing personal is shown."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet_api import models as generated
from imednet_api.types import UNSET, Model

MODELS: list[type[Model]] = [
    getattr(generated, name) for name in generated.__all__ if isinstance(getattr(generated, name), type)
    and hasattr(getattr(generated, name), "FIELDS")
]  # fmt: skip
FIELDS = [(model, field) for model in MODELS for field in model.FIELDS]
QUIRKS: list[Any] = [
    None, "", 0, -1, 2**63, 1.5, True, "text", "2024-13-45", "2024-11-04 00:00:00", [], [None], ["x"], [[1]], {},
    {"unknown": 1}, [{"unknown": None}], [{"sequence": "1"}], "\ud800",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def test_there_are_models() -> None:
    assert len(MODELS) >= 35


@pytest.mark.parametrize(("model", "field"), FIELDS, ids=lambda one: getattr(one, "__name__", one))
def test_any_value_in_any_field_is_kept(model: type[Model], field: str) -> None:
    """Null, missing, unknown and wrong kinds, in every field of every model, come back as they came."""
    plain = dict.fromkeys(model.FIELDS, "x")
    missing = {name: value for name, value in plain.items() if name != field}
    for data in [missing, *({**plain, field: value} for value in QUIRKS), {**plain, "brandNew": [1, {"a": None}]}]:
        read = model.from_dict(data)
        assert read.to_dict() == data
        assert pickle.loads(pickle.dumps(read)) == read == copy.deepcopy(read)
        assert repr(read).startswith(f"{model.__name__}(")
        expected = {name: value for name, value in data.items() if name not in model.FIELDS}
        assert read.additional_properties == expected


@pytest.mark.parametrize("model", MODELS, ids=lambda one: str(one.__name__))
@given(data=st.dictionaries(st.text(max_size=8), JSON, max_size=4), named=JSON)
def test_any_object_is_kept(model: type[Model], data: dict[str, Any], named: Any) -> None:
    """Any JSON object is read and written back, whatever its fields."""
    data = {**dict.fromkeys(model.FIELDS, named), **data}
    assert model.from_dict(data).to_dict() == data


@pytest.mark.parametrize("model", MODELS, ids=lambda one: str(one.__name__))
def test_names_are_snake_case_of_the_api_and_nothing_else(model: type[Model]) -> None:
    """`type` stays `type`, and every attribute can be found with attrs."""
    attributes = {field.alias for field in attrs.fields(model)}  # type: ignore[arg-type]
    for field, attribute in model.FIELDS.items():
        expected = "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in field)
        assert attribute == expected
        assert attribute in attributes


def test_models_are_built_by_position_and_by_name() -> None:
    site = generated.Site("ABC-01", 301, "Lakeshore")
    assert site == generated.Site(study_key="ABC-01", site_id=301, site_name="Lakeshore")
    assert not hasattr(site, "__dict__")


def test_not_given_is_not_null() -> None:
    """A request leaves out what was not given and sends null where null was given; the marker is one object."""
    body = generated.NewRecord(form_key="AE", subject_key=None, data={"AETERM": "Cough"}).to_dict()
    assert body == {"formKey": "AE", "subjectKey": None, "data": {"AETERM": "Cough"}}
    assert pickle.loads(pickle.dumps(UNSET)) is UNSET is copy.deepcopy(UNSET)


def test_answers_stay_undecoded_until_they_are_read() -> None:
    """Raw bytes go in; equality, pickling and `to_dict` see the answers; reading decodes once."""
    raw: Any = b'{"AETERM": "Cough", "AENUM": 9007199254740993, "X": [1.50, null]}'
    record = generated.Record(record_id=1, record_data=raw)
    twin = generated.Record(record_id=1, record_data=json.loads(raw))
    assert record == twin
    assert generated.Record(record_data=raw).record_data == json.loads(raw)
    assert pickle.loads(pickle.dumps(record)) == twin
    assert record.to_dict()["recordData"] == json.loads(raw)
    assert record.record_data is record.record_data
    record.record_data = None
    assert record.record_data is None


def test_repr_shows_identities_only() -> None:
    """A subject's answer stands in no `repr` of any model."""
    planted = "PLANTED-ANSWER"
    for model in MODELS:
        read = model.from_dict(dict.fromkeys(model.FIELDS, planted))
        for attribute in model.SHOWN:
            assert attribute.endswith(("_id", "_key", "_oid")) or attribute in (
                "name", "user", "state", "sequence", "closed", "revision", "record_revision", "code", "attribute",
                "status", "path", "property", "direction", "current_page", "size", "total_pages", "total_elements",
                "form_name", "variable_name", "interval_name", "site_name", "study_name",
            ), (model, attribute)  # fmt: skip
        hidden = [name for name in model.FIELDS.values() if name not in model.SHOWN]
        assert all(f"{name}=" not in repr(read) for name in hidden)
