"""`StudyConfiguration`: how the forms of a study map to canonical tables, and what a dashboard shows of them.

A configuration is kept as YAML or JSON. It names forms and variables, and holds no answers.

>>> configuration = StudyConfiguration.from_yaml('''
... study_key: TIDEWATER-201
... mappings:
...   adverse_events:
...     form: AE
...     where: not empty(AETERM)
...     fields:
...       term: AETERM
...       serious: AESER == "Yes"
...       severity: lookup("severity", AESEV)
... terminology_lookups:
...   severity: {Mild: 1, Moderate: 2, Severe: 3}
... ''')
>>> configuration.mappings["adverse_events"].row({"AETERM": "Rash", "AESER": "No", "AESEV": "Mild"})
{'term': 'Rash', 'serious': False, 'severity': 1}
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, cast

import attrs

from ..errors import ArgumentError, ConfigurationError
from ..utils import disk
from ..utils.optional_library import optional_library
from ..utils.settings_file import no_such, plain_table, read_json, read_settings, read_yaml
from .mapping_expressions import Expression, Lookups, Value

VERSION: Final = 1
"""The version of the format; a file of a later one is refused."""

DOMAINS: Final = {
    "adverse_events": ("term", "onset", "end", "serious", "severity", "related", "outcome"),
    "deviations": ("category", "description", "date", "severity", "important"),
    "deficiencies": ("category", "description", "date", "device", "serious"),
}
"""Canonical tables that are known by name -> the fields they may have; other tables take any fields."""

_ODD_BREAKS: Final = re.compile(r"[\x85\u2028\u2029\ufeff\ud800-\udfff]")

CONDITIONS: Final = ("serious", "important")
"""Fields that must be true or false, since tables choose rows by them."""

_NO_CONDITION: Final = '{}: must be true or false, such as AESER == "Yes" or not empty(AETERM), and {!r} is an answer'

WIDGETS: Final = ("metric", "table", "chart")


@attrs.frozen
class FormMapping:
    """How the records of one form become rows of a canonical table.

    Attributes:
        form: key of the form.
        fields: canonical field -> expression over the answers of a record.
        where: an expression that is true for the records that count; all where it is left out.
    """

    form: str
    fields: dict[str, str]
    where: str | None = None
    _lookups: Lookups = attrs.field(factory=dict, repr=False, eq=False, alias="lookups")

    def __attrs_post_init__(self) -> None:
        """Read all expressions, so that a mistake is found when a configuration is loaded and not when it is used."""
        if self._condition is not None and not self._condition.is_condition:
            raise ConfigurationError(_NO_CONDITION.format("where", self.where))
        for name, expression in self._expressions.items():
            if name in CONDITIONS and not expression.is_condition:
                raise ConfigurationError(_NO_CONDITION.format(f"fields.{name}", expression.text))

    @property
    def conditions(self) -> tuple[str, ...]:
        """The fields that are true or false."""
        return tuple(name for name, expression in self._expressions.items() if expression.is_condition)

    @cached_property
    def _expressions(self) -> dict[str, Expression]:
        return {name: _expression(text, self._lookups, f"fields.{name}") for name, text in self.fields.items()}

    @cached_property
    def _condition(self) -> Expression | None:
        return None if self.where is None else _expression(self.where, self._lookups, "where")

    @property
    def variables(self) -> tuple[str, ...]:
        """All variables the mapping names."""
        expressions = [*self._expressions.values(), *([self._condition] if self._condition else [])]
        return tuple(dict.fromkeys(name for one in expressions for name in one.variables))

    def counts(self, answers: Mapping[str, Any]) -> bool:
        """Whether a record with these answers becomes a row."""
        return self._condition is None or self._condition(answers) is True

    def row(self, answers: Mapping[str, Any]) -> dict[str, Value]:
        """The canonical fields of a record with these answers."""
        return {name: expression(answers) for name, expression in self._expressions.items()}


@attrs.frozen
class Widget:
    """A block of a dashboard page over a canonical table.

    Attributes:
        kind: a figure, a table or a chart.
        title: its heading.
        table: the canonical table it shows, one of `mappings`.
        by: the field its rows are counted by; needed for a chart.
    """

    kind: Literal["metric", "table", "chart"]
    title: str
    table: str
    by: str | None = None


@attrs.frozen
class StudyConfiguration:
    """The configuration of one study.

    Attributes:
        study_key: the study; `None` for a template.
        mappings: canonical table -> how it follows from a form.
        terminology_lookups: table -> word of the study -> standard value; words are found in any case.
        widgets: blocks of dashboard pages.

    Raises:
        ConfigurationError: something in it is unknown, of the wrong type, or names what is not there.
    """

    study_key: str | None = None
    mappings: dict[str, FormMapping] = attrs.field(factory=dict)
    terminology_lookups: dict[str, dict[str, Value]] = attrs.field(factory=dict)
    widgets: tuple[Widget, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Check what one part says of another."""
        for place, widget in enumerate(self.widgets):
            mapping = self.mappings.get(widget.table)
            if mapping is None:
                raise ConfigurationError(f"widgets[{place}].table: {no_such('mapping', widget.table, self.mappings)}")
            if widget.by is not None and widget.by not in mapping.fields:
                raise ConfigurationError(f"widgets[{place}].by: {no_such('field', widget.by, mapping.fields)}")
            if widget.kind == "chart" and widget.by is None:
                raise ConfigurationError(f"widgets[{place}]: a chart needs `by`, a field of {widget.table!r}")

    @classmethod
    def from_dict(cls, given: Any) -> StudyConfiguration:
        """A configuration from plain values, as JSON and YAML give them.

        Raises:
            ConfigurationError: names the place, what is wrong there, and the nearest name that is known.
        """
        top = plain_table(
            given, "the configuration", ("version", "study_key", "mappings", "terminology_lookups", "widgets")
        )
        if top.get("version", VERSION) != VERSION:
            raise ConfigurationError(f"version: this release reads version {VERSION}, not {top['version']!r}")
        lookups: dict[str, dict[str, Value]] = {}
        for name, table in plain_table(top.get("terminology_lookups", {}), "terminology_lookups").items():
            lookups[name] = {}
            for word, value in plain_table(table, f"terminology_lookups.{name}").items():
                if not (value is None or isinstance(value, (str, bool, int, float))):
                    raise ConfigurationError(f"terminology_lookups.{name}.{word}: must be a text or a number")
                lookups[name][word] = value
        mappings = {
            name: _mapping(name, entry, lookups)
            for name, entry in plain_table(top.get("mappings", {}), "mappings").items()
        }
        listed = top.get("widgets", [])
        if not isinstance(listed, list):
            raise ConfigurationError("widgets: must be a list")
        widgets = tuple(_widget(entry, f"widgets[{place}]") for place, entry in enumerate(listed))
        study_key = top.get("study_key")
        if study_key is not None and not isinstance(study_key, str):
            raise ConfigurationError("study_key: must be a text")
        return cls(study_key, mappings, lookups, widgets)

    @classmethod
    def from_json(cls, text: str) -> StudyConfiguration:
        """A configuration from JSON. Raises ConfigurationError."""
        return cls.from_dict(read_json(text, "the configuration"))

    @classmethod
    def from_yaml(cls, text: str) -> StudyConfiguration:
        """A configuration from YAML; needs the extra `monitoring`. Raises ConfigurationError."""
        return cls.from_dict(read_yaml(text, "the configuration"))

    @classmethod
    def load(cls, path: str | Path) -> StudyConfiguration:
        """A configuration from a file, JSON if its name ends in `.json`, else YAML.

        Raises:
            ConfigurationError: the file cannot be read, or is not a configuration.
        """
        return cls.from_dict(read_settings(path, "the configuration"))

    def save(self, path: str | Path) -> None:
        """Write the configuration to a file, JSON if its name ends in `.json`, else YAML; whole or not at all."""
        file = Path(path)
        disk.write_whole(file, self.to_json() if file.suffix.lower() == ".json" else self.to_yaml())

    def to_dict(self) -> dict[str, Any]:
        """The configuration as plain values, which `from_dict` reads again."""
        mappings = {
            name: {
                "form": one.form,
                **({"where": one.where} if one.where is not None else {}),
                "fields": dict(one.fields),
            }
            for name, one in self.mappings.items()
        }
        widgets = [
            {name: value for name, value in attrs.asdict(widget).items() if value is not None}
            for widget in self.widgets
        ]
        return {
            "version": VERSION,
            "study_key": self.study_key,
            "mappings": mappings,
            "terminology_lookups": {name: dict(table) for name, table in self.terminology_lookups.items()},
            "widgets": widgets,
        }

    def to_json(self) -> str:
        """The configuration as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n"

    def to_yaml(self) -> str:
        """The configuration as YAML; needs the extra `monitoring`."""
        plain = self.to_dict()
        # PyYAML reads line breaks that only Unicode knows as blanks, so texts with one are written in ASCII
        legible = not _ODD_BREAKS.search(json.dumps(plain, ensure_ascii=False))
        yaml: Any = optional_library("yaml", "monitoring")
        return cast(str, yaml.safe_dump(plain, allow_unicode=legible, sort_keys=False))


def _expression(text: Any, lookups: Lookups, where: str) -> Expression:
    try:
        return Expression(text, lookups)
    except ArgumentError as error:
        raise ConfigurationError(f"{where}: {error}") from None


def _mapping(name: str, given: Any, lookups: Lookups) -> FormMapping:
    where = f"mappings.{name}"
    entry = plain_table(given, where, ("form", "fields", "where"))
    fields = plain_table(entry.get("fields") or {}, f"{where}.fields", DOMAINS.get(name))
    if not isinstance(entry.get("form"), str) or not fields:
        raise ConfigurationError(f"{where}: needs `form`, the key of a form, and `fields`")
    texts = {field: str(text) if type(text) in (int, float) else text for field, text in fields.items()}
    try:
        return FormMapping(entry["form"], texts, entry.get("where"), lookups)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}.{error}") from None


def _widget(given: Any, where: str) -> Widget:
    entry = plain_table(given, where, ("kind", "title", "table", "by"))
    if entry.get("kind") not in WIDGETS:
        raise ConfigurationError(f"{where}.kind: must be one of {', '.join(WIDGETS)}")
    for name in ("title", "table"):
        if not isinstance(entry.get(name), str):
            raise ConfigurationError(f"{where}.{name}: must be a text")
    if entry.get("by") is not None and not isinstance(entry["by"], str):
        raise ConfigurationError(f"{where}.by: must be a text")
    return Widget(**entry)
