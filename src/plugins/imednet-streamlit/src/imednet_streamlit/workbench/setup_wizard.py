"""Setup Wizard: a configuration is built, checked against the study, looked at, and saved as a new version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import streamlit as st

from imednet.errors import ImednetError
from imednet.models.config_versions import ConfigurationVersion, differences
from imednet.models.study_config import CONDITIONS, DOMAINS, FormMapping, StudyConfiguration
from imednet.workflows.monitoring.listings import listing
from imednet_api.models import Variable

from .. import configurations, reading, texts
from ..auth import SignedIn
from ..markdown import plain
from ..reading import Read
from ..shown import show, small
from ..store import Store
from .state import store_of

_TEXT: Final = "_imednet_configuration"
_DRAFT: Final = "_imednet_configuration_draft"
_BEGAN: Final = "_imednet_configuration_began"
_TOLD: Final = "_imednet_configuration_saved"
_PROBLEM: Final = "_imednet_configuration_problem"
_REASON: Final = "wizard-reason"
_NONE: Final = "—"


@dataclass(frozen=True)
class Checked:
    """A configuration, and what the study lacks of what it names."""

    configuration: StudyConfiguration
    problems: list[str]


def page(signed_in: SignedIn) -> None:
    """Show the page."""
    store = store_of(signed_in)
    if store is None:
        return
    if _TEXT in st.session_state:  # a field loses its text with its page, and with an error before it is shown
        st.session_state[_DRAFT] = st.session_state[_TEXT]
    known = configurations.versions(signed_in)
    variables = reading.variables(signed_in)
    last = known[-1].configuration if known else StudyConfiguration(signed_in.study_key)
    if _DRAFT not in st.session_state:
        _load(last.to_yaml(), len(known))
    st.session_state.setdefault(_TEXT, st.session_state[_DRAFT])
    if told := st.session_state.pop(_TOLD, None):
        st.success(told)
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(plain(problem))
    began = st.session_state[_BEGAN]
    if began != len(known):
        newest = known[-1]
        st.warning(plain(texts.SAVED_MEANWHILE.format(number=newest.number, author=newest.author)))
        st.button(texts.LOAD_LAST, on_click=_load, args=(last.to_yaml(), len(known)))
    _guide(variables.value, signed_in.study_key)
    text = st.text_area(texts.CONFIGURATION, key=_TEXT, height=320)
    try:
        found = checked(StudyConfiguration.from_yaml(text), variables.value, signed_in.study_key)
    except ImednetError as error:
        st.error(texts.UNSOUND.format(reason=plain(error)))
        found = None
    if found is not None:
        _look(signed_in, found, variables)
        _save(signed_in, store, found, known, last, text)
    _versions(signed_in, store, known)


def _load(text: str, versions: int) -> None:
    """Put a text into the field, and remember how many versions there were when it was loaded."""
    st.session_state[_TEXT] = st.session_state[_DRAFT] = text
    st.session_state[_BEGAN] = versions


def checked(configuration: StudyConfiguration, variables: list[Variable], study_key: str) -> Checked:
    """A configuration with the names it has and the study has not."""
    names: dict[str, set[str]] = {}
    for one in variables:
        names.setdefault(str(one.form_key), set()).add(str(one.variable_name).casefold())
    problems = []
    if configuration.study_key not in (None, study_key):
        problems.append(texts.OTHER_STUDY.format(study=configuration.study_key))
    for table, mapping in configuration.mappings.items():
        if mapping.form not in names:
            problems.append(texts.FORM_UNKNOWN.format(form=mapping.form, table=table))
            continue
        problems += [
            texts.VARIABLE_UNKNOWN.format(form=mapping.form, variable=name, table=table)
            for name in mapping.variables
            if name.casefold() not in names[mapping.form]
        ]
    return Checked(configuration, problems)


def _guide(variables: list[Variable], study_key: str) -> None:
    """Build one mapping by choosing its form and its variables."""
    with st.expander(texts.BUILD_MAPPING):
        left, right = st.columns(2)
        table = left.selectbox(texts.PREVIEW_TABLE, list(DOMAINS), key="wizard-table")
        forms = list(dict.fromkeys(str(one.form_key) for one in variables))
        form = right.selectbox(texts.FORM, forms, index=None, key="wizard-form")
        if form is None:
            return
        names = [_NONE, *dict.fromkeys(str(one.variable_name) for one in variables if one.form_key == form)]
        for field in DOMAINS[table]:
            key = _field_key(table, form, field)
            if left.selectbox(field, names, key=key) != _NONE and field in CONDITIONS:
                left.text_input(texts.TRUE_FOR.format(field=field), "Yes", key=f"{key}-yes")
        st.button(
            texts.PUT_IN,
            disabled=not _chosen_fields(table, form),
            on_click=_put_in,
            args=(table, form, study_key),
            key="wizard-put",
        )


def _field_key(table: str, form: str, field: str) -> str:
    return f"wizard-{table}-{form}-{field}"


def _chosen_fields(table: str, form: str) -> dict[str, str]:
    """The fields whose variables are chosen, as the language of mappings writes them."""
    fields: dict[str, str] = {}
    for field in DOMAINS[table]:
        key = _field_key(table, form, field)
        chosen = str(st.session_state.get(key, _NONE))
        if chosen != _NONE:
            written = chosen if chosen.isidentifier() else f"field({_quoted(chosen)})"
            if field in CONDITIONS:
                written = f"{written} == {_quoted(str(st.session_state.get(f'{key}-yes', 'Yes')))}"
            fields[field] = written
    return fields


def _quoted(text: str) -> str:
    """A text as the language of mappings writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _put_in(table: str, form: str, study_key: str) -> None:
    """Put a mapping into the text of the configuration; a text that is not sound stays as it is."""
    fields = _chosen_fields(table, form)
    try:
        before = StudyConfiguration.from_yaml(st.session_state[_TEXT])
        old = before.mappings.get(table)
        where = old.where if old is not None and old.form == form else None
        mapping = FormMapping(form, fields, where, before.terminology_lookups)
        mappings = {**before.mappings, table: mapping}
        after = StudyConfiguration(before.study_key or study_key, mappings, before.terminology_lookups, before.widgets)
    except ImednetError as error:
        st.session_state[_PROBLEM] = texts.NOT_PUT_IN.format(reason=error)
        return
    st.session_state[_TEXT] = after.to_yaml()


def _look(signed_in: SignedIn, found: Checked, variables: Read[list[Variable]]) -> None:
    configuration = found.configuration
    if found.problems:
        for problem in found.problems:
            st.error(plain(problem))
        return
    st.success(
        texts.VALID.format(
            mappings=len(configuration.mappings),
            lookups=len(configuration.terminology_lookups),
            widgets=len(configuration.widgets),
        )
    )
    shown, notes = configurations.visible(configuration, variables)
    for note in notes:
        st.caption(plain(note))
    if not shown.mappings:
        return
    with st.expander(texts.PREVIEW):
        table = st.selectbox(texts.PREVIEW_TABLE, list(shown.mappings), key="preview-table")
        if st.toggle(texts.READ_PREVIEW, key="preview-read"):
            show(listing(reading.events(signed_in, shown), shown, table), "preview")


def _save(
    signed_in: SignedIn,
    store: Store,
    found: Checked,
    known: list[ConfigurationVersion],
    last: StudyConfiguration,
    text: str,
) -> None:
    if known and not differences(last, found.configuration):
        st.caption(texts.UNCHANGED)
        return
    with st.form("wizard-save"):
        if known:
            _differences(last, found.configuration)
        st.text_input(texts.REASON, key=_REASON)
        st.form_submit_button(
            texts.SAVE,
            type="primary",
            disabled=bool(found.problems) or st.session_state[_BEGAN] != len(known),
            on_click=_keep_text,
            args=(signed_in, store, text, found.configuration, st.session_state[_BEGAN]),
        )


def _keep_text(signed_in: SignedIn, store: Store, text: str, configuration: StudyConfiguration, after: int) -> None:
    """Save the configuration whose text and differences were shown."""
    reason = str(st.session_state.get(_REASON, ""))
    if st.session_state[_TEXT] != text:
        st.session_state[_PROBLEM] = texts.TEXT_CHANGED
    elif not reason.strip():
        st.session_state[_PROBLEM] = texts.NEEDS_REASON
    else:
        _keep(signed_in, store, configuration, reason, after)


def _keep(signed_in: SignedIn, store: Store, configuration: StudyConfiguration, reason: str, after: int) -> None:
    """Save a configuration that follows the versions that were there when its text was loaded."""
    made = store.save_version(signed_in.study_key, configuration, signed_in.name, reason, after=after)
    if made is not None:
        st.session_state[_TOLD] = texts.SAVED.format(number=made.number)
        _load(configuration.to_yaml(), made.number)


def _versions(signed_in: SignedIn, store: Store, known: list[ConfigurationVersion]) -> None:
    if not known:
        return
    st.header(texts.VERSIONS)
    rows = [
        {
            "Version": one.number,
            "Saved (UTC)": one.moment,
            "By": one.author,
            "Reason": one.reason,
            "SHA-256": one.digest,
        }
        for one in reversed(known)
    ]
    small(texts.VERSIONS, rows)
    numbers = [one.number for one in reversed(known)]
    number = st.selectbox(texts.DIFFERENCES, numbers, key="wizard-version")
    version = known[number - 1]
    before = known[number - 2].configuration if number > 1 else StudyConfiguration()
    _differences(before, version.configuration)
    if number != len(known):
        reason = texts.RESTORED.format(number=number)
        st.button(
            f"{texts.RESTORE} {number}",
            key="wizard-restore",
            on_click=_keep,
            args=(signed_in, store, version.configuration, reason, len(known)),
        )


def _differences(before: StudyConfiguration, after: StudyConfiguration) -> None:
    rows = [{"Place": one.path, "Before": one.before, "After": one.after} for one in differences(before, after)]
    if rows:
        small(texts.DIFFERENCES, rows)
