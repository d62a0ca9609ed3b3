"""Parsers from decoded JSON to models, for JSON that no endpoint read: a stored answer, a test, a script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar, cast

from imednet_api.types import Model

from ..errors import ArgumentError

M = TypeVar("M")


def get_model_parser(model: type[M]) -> Callable[[Any], M]:
    """A function that makes objects of a model: its own `from_json`, or else pydantic's `model_validate`.

    Models of this package have neither: they are made from mappings, whose fields may be named as in the API
    (`studyKey`) or as attributes (`study_key`). Nothing is converted and nothing is lost: unknown fields are kept in
    `additional_properties`.

    Raises:
        ArgumentError: by the function, when it is given anything but a mapping.

    >>> from imednet.models import Study
    >>> parse = get_model_parser(Study)
    >>> parse({"study_key": "ABC-01", "studyName": "Test"}).study_name
    'Test'
    """
    own = getattr(model, "from_json", None)
    if callable(own):
        parse: Callable[[Any], M] = own
        return parse
    validate = getattr(model, "model_validate", None)
    if callable(validate):
        validated: Callable[[Any], M] = validate
        return validated
    ours = cast(type[Model], model)
    spelled = {attribute: name for name, attribute in ours.FIELDS.items()}

    def parse_mapping(data: Any) -> M:
        if not isinstance(data, Mapping):
            kind = type(data).__name__
            raise ArgumentError(f"{model.__name__} is made from a mapping, not from {kind}. Next: decode JSON first")
        return cast(M, ours.from_dict({spelled.get(str(name), str(name)): value for name, value in data.items()}))

    return parse_mapping


class ModelParser(Generic[M]):
    """A parser for one model.

    >>> from imednet.models import Study
    >>> parser = ModelParser(Study)
    >>> [study.study_key for study in parser.parse_many([{"studyKey": "A"}, {"studyKey": "B"}])]
    ['A', 'B']
    """

    def __init__(self, model: type[M]) -> None:
        self.model = model
        self._parse = get_model_parser(model)

    def parse(self, data: Any) -> M:
        """Make one object from a mapping.

        Raises:
            ArgumentError: when given anything but a mapping.
        """
        return self._parse(data)

    def parse_many(self, items: list[Any]) -> list[M]:
        """Make an object from each mapping, in order.

        Raises:
            ArgumentError: when an item is anything but a mapping.
        """
        return [self._parse(item) for item in items]
