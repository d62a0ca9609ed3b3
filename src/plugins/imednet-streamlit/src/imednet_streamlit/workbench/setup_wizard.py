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
from ..shown import show, small
from ..store import Store
from .state import store_of

_TEXT: Final = "_imednet_configuration"
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
    known = configurations.versions(signed_in)
    variables = reading.variables(signed_in)
    last = known[-1].configuration if known else StudyConfiguration(signed_in.study_key)
    st.session_state.setdefault(_TEXT, last.to_yaml())
    if told := st.session_state.pop(f"{_TEXT}-told", None):
        st.success(told)
    _guide(variables, signed_in.study_key)
    text = st.text_area(texts.CONFIGURATION, key=_TEXT, height=320)
    try:
        found = checked(StudyConfiguration.from_yaml(text), variables, signed_in.study_key)
    except ImednetError as error:
        st.error(texts.UNSOUND.format(reason=plain(error)))
        found = None
    if found is not None:
        _look(signed_in, found, variables)
        _save(signed_in, store, found, known, last)
    _versions(signed_in, store, known)


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
        fields: dict[str, str] = {}
        for field in DOMAINS[table]:
            chosen = left.selectbox(field, names, key=f"wizard-{table}-{form}-{field}")
            if chosen == _NONE:
                continue
            written = chosen if chosen.isidentifier() else f"field({_quoted(chosen)})"
            if field in CONDITIONS:
                yes = left.text_input(
                    texts.TRUE_FOR.format(field=field), "Yes", key=f"wizard-{table}-{form}-{field}-yes"
                )
                written = f"{written} == {_quoted(yes)}"
            fields[field] = written
        st.button(
            texts.PUT_IN, disabled=not fields, on_click=_put_in, args=(table, form, fields, study_key), key="wizard-put"
        )


def _quoted(text: str) -> str:
    """A text as the language of mappings writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _put_in(table: str, form: str, fields: dict[str, str], study_key: str) -> None:
    """Put a mapping into the text of the configuration; a text that is not sound stays as it is."""
    try:
        before = StudyConfiguration.from_yaml(st.session_state[_TEXT])
        mapping = FormMapping(form, fields, None, before.terminology_lookups)
        mappings = {**before.mappings, table: mapping}
        after = StudyConfiguration(before.study_key or study_key, mappings, before.terminology_lookups, before.widgets)
    except ImednetError:
        return  # the page says what is wrong with it
    st.session_state[_TEXT] = after.to_yaml()


def _look(signed_in: SignedIn, found: Checked, variables: list[Variable]) -> None:
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
    signed_in: SignedIn, store: Store, found: Checked, known: list[ConfigurationVersion], last: StudyConfiguration
) -> None:
    changes = differences(last, found.configuration)
    if known and not changes:
        st.caption(texts.UNCHANGED)
        return
    with st.form("wizard-save"):
        if known:
            _differences(known[-1].configuration, found.configuration)
        reason = st.text_input(texts.REASON)
        if not st.form_submit_button(texts.SAVE, type="primary", disabled=bool(found.problems)):
            return
    if not reason.strip():
        st.error(texts.NEEDS_REASON)
        return
    _keep(signed_in, store, found.configuration, reason, len(known))


def _keep(signed_in: SignedIn, store: Store, configuration: StudyConfiguration, reason: str, after: int) -> None:
    made = store.save_version(signed_in.study_key, configuration, signed_in.name, reason, after=after)
    if made is None:
        st.error(texts.SAVED_MEANWHILE)
        return
    st.session_state.pop(_TEXT, None)
    st.session_state[f"{_TEXT}-told"] = texts.SAVED.format(number=made.number)
    st.rerun()


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
    if number != len(known) and st.button(f"{texts.RESTORE} {number}", key="wizard-restore"):
        reason = texts.RESTORED.format(number=number)
        _keep(signed_in, store, version.configuration, reason, len(known))


def _differences(before: StudyConfiguration, after: StudyConfiguration) -> None:
    rows = [{"Place": one.path, "Before": one.before, "After": one.after} for one in differences(before, after)]
    if rows:
        small(texts.DIFFERENCES, rows)
