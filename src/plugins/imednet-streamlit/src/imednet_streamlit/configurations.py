"""The configuration of a study as pages use it: its last version, without what names blinded variables."""

from __future__ import annotations

from collections.abc import Sequence

from imednet.errors import ConfigurationError
from imednet.models.config_versions import ConfigurationVersion, broken_link
from imednet.models.study_config import FormMapping, StudyConfiguration
from imednet.utils.truth import may_be_true
from imednet_api.models import Variable

from . import texts
from .auth import SignedIn
from .reading import Read


def versions(signed_in: SignedIn) -> list[ConfigurationVersion]:
    """All versions that are kept. Raises ConfigurationError where one is not as it was saved."""
    if signed_in.store is None:
        return []
    known = signed_in.store.versions(signed_in.study_key)
    if (broken := broken_link(known)) is not None:
        raise ConfigurationError(texts.BROKEN_CHAIN.format(number=broken))
    return known


def open_names(variables: Read[list[Variable]]) -> frozenset[tuple[str, str]]:
    """The form and the name, in lower case, of each variable that is known and not blinded.

    Nothing else is ever shown, so that a variable nobody knows of, or a list that may lack some, hides and never shows.
    """
    if not all(proof.proven for proof in variables.proofs.values()):
        return frozenset()
    listed = [
        ((str(one.form_key), str(one.variable_name).casefold()), may_be_true(one.blinded))
        for one in variables.value
        if one.form_key and one.variable_name
    ]
    hidden = {name for name, blinded in listed if blinded}  # also where the same name is listed again, and open
    return frozenset(name for name, _ in listed if name not in hidden)


def visible(configuration: StudyConfiguration, variables: Read[list[Variable]]) -> tuple[StudyConfiguration, list[str]]:
    """A configuration without the fields that follow from blinded variables, and what was left out of it.

    A table whose rows are chosen by a blinded variable is left out whole, and so are widgets of what is not there.
    """
    shown_names = open_names(variables)
    mappings: dict[str, FormMapping] = {}
    notes: list[str] = []
    for table, mapping in configuration.mappings.items():
        chosen_by = _without_fields(configuration, mapping).variables
        if any((mapping.form, name.casefold()) not in shown_names for name in chosen_by):
            notes.append(texts.BLINDED_TABLE.format(table=table))
            continue
        fields = {
            name: text
            for name, text in mapping.fields.items()
            if all((mapping.form, used.casefold()) in shown_names for used in _of_field(configuration, mapping, name))
        }
        if left_out := len(mapping.fields) - len(fields):
            notes.append(texts.BLINDED_LEFT_OUT.format(count=left_out, table=table))
        mappings[table] = FormMapping(mapping.form, fields, mapping.where, configuration.terminology_lookups)
    widgets = tuple(
        one
        for one in configuration.widgets
        if one.table in mappings and (one.by is None or one.by in mappings[one.table].fields)
    )
    shown = StudyConfiguration(configuration.study_key, mappings, configuration.terminology_lookups, widgets)
    return shown, notes


def rule_of(known: Sequence[ConfigurationVersion], table: str) -> ConfigurationVersion:
    """The version since which the rule of a table, and the lookups it may use, are as they are now."""
    now = known[-1].configuration
    found = known[-1]
    for version in reversed(known):
        then = version.configuration
        if then.mappings.get(table) != now.mappings[table] or then.terminology_lookups != now.terminology_lookups:
            break
        found = version
    return found


def _without_fields(configuration: StudyConfiguration, mapping: FormMapping) -> FormMapping:
    return FormMapping(mapping.form, {}, mapping.where, configuration.terminology_lookups)


def _of_field(configuration: StudyConfiguration, mapping: FormMapping, name: str) -> tuple[str, ...]:
    """The variables that one field names."""
    return FormMapping(mapping.form, {name: mapping.fields[name]}, None, configuration.terminology_lookups).variables
