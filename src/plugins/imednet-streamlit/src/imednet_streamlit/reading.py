"""What the pages read, kept for ten minutes in the session that read it and nowhere else.

Everything goes through the SDK. What is kept is named by the sign-in, so that a second one in the same session starts
anew; other sessions have caches of their own.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import streamlit as st

from imednet.errors import NotFoundError
from imednet.models.study_config import StudyConfiguration
from imednet.utils.truth import is_true
from imednet.workflows.monitoring import MonitoringWorkflow, StudyData
from imednet.workflows.monitoring.details.timeline import LISTS as TIMELINE_LISTS
from imednet.workflows.monitoring.listings import LISTS as LISTING_LISTS
from imednet.workflows.monitoring.study_data import ListName
from imednet_api.models import Record, Variable

from . import texts

if TYPE_CHECKING:
    from imednet.resource_attributes import SDKProtocol

    from .auth import SignedIn

SECONDS: Final = 600
"""How long what was read is shown before it is read again."""

PEOPLE: Final[tuple[ListName, ...]] = ("sites", "subjects", "queries")
PAGES: Final[tuple[ListName, ...]] = (*PEOPLE, "forms", "intervals", "variables", "visits", "records")
_SMALL: Final = 16
"""How many subjects or records a session keeps at once."""


@dataclass(frozen=True)
class Reviewed:
    """A record as a review sees it: what it is and whether it changed, without its answers.

    Attributes:
        record_id, form_key, subject_key, site_id, interval, status: what it is.
        changed: when it was changed last, as the server says.
        deleted: whether it is deleted.
        mark: a keyed digest of its answers and its status.
    """

    record_id: int
    form_key: str
    subject_key: str
    site_id: int | None
    interval: int | None
    status: str
    changed: str
    deleted: bool
    mark: str


@dataclass(frozen=True)
class Read:
    """Data, and when this machine finished reading them (UTC)."""

    data: StudyData
    finished: datetime


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=1, show_spinner=texts.READING)
def _fetch_people(token: str, study_key: str, _sdk: SDKProtocol) -> Read:  # noqa: ARG001
    return _now(MonitoringWorkflow(_sdk).read(study_key, PEOPLE))


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=1, show_spinner=texts.READING_RECORDS)
def _fetch_pages(token: str, study_key: str, _sdk: SDKProtocol) -> Read:  # noqa: ARG001
    return _now(MonitoringWorkflow(_sdk).read(study_key, PAGES))


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=_SMALL, show_spinner=texts.READING)
def _fetch_subject(
    token: str,  # noqa: ARG001
    study_key: str,
    subject_key: str,
    forms: tuple[str, ...],
    _sdk: SDKProtocol,
) -> Read:
    read = MonitoringWorkflow(_sdk).read(study_key, TIMELINE_LISTS, subject_key=subject_key, answers=forms)
    return _now(read)


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=2, show_spinner=texts.READING_RECORDS)
def _fetch_events(token: str, study_key: str, forms: tuple[str, ...], _sdk: SDKProtocol) -> StudyData:  # noqa: ARG001
    return MonitoringWorkflow(_sdk).read(study_key, LISTING_LISTS, answers=forms)


@st.cache_data(ttl=SECONDS, scope="session", max_entries=1, show_spinner=texts.READING)
def _fetch_study_name(token: str, study_key: str, _sdk: SDKProtocol) -> str:  # noqa: ARG001
    for study in _sdk.studies.list():
        if study.study_key == study_key:
            return str(study.study_name or study_key)
    raise NotFoundError(f"study {study_key!r} is not among the studies that these keys may read")


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=1, show_spinner=texts.READING)
def _fetch_variables(token: str, study_key: str, _sdk: SDKProtocol) -> list[Variable]:  # noqa: ARG001
    return list(_sdk.variables.list(study_key))


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=_SMALL, show_spinner=texts.READING)
def _fetch_record(token: str, study_key: str, record_id: int, _sdk: SDKProtocol) -> Record:  # noqa: ARG001
    return _sdk.records.get(study_key, record_id)


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=1, show_spinner=texts.READING_RECORDS)
def _fetch_review(token: str, study_key: str, _secret: bytes, _sdk: SDKProtocol) -> list[Reviewed]:  # noqa: ARG001
    return [_reviewed(record, _secret) for record in _sdk.records.iter(study_key)]


_FETCHES: Final = (
    _fetch_people, _fetch_pages, _fetch_subject, _fetch_events, _fetch_study_name, _fetch_variables, _fetch_record,
    _fetch_review,
)  # fmt: skip


def people(signed_in: SignedIn) -> Read:
    """Sites, subjects and queries."""
    return _fetch_people(signed_in.token, signed_in.study_key, signed_in.sdk)


def pages(signed_in: SignedIn) -> Read:
    """Those, and visits and records without their answers."""
    return _fetch_pages(signed_in.token, signed_in.study_key, signed_in.sdk)


def subject(signed_in: SignedIn, subject_key: str, configuration: StudyConfiguration) -> StudyData:
    """One subject, with the answers of the forms that mappings name."""
    forms = tuple(sorted({mapping.form for mapping in configuration.mappings.values()}))
    return _fetch_subject(signed_in.token, signed_in.study_key, subject_key, forms, signed_in.sdk).data


def events(signed_in: SignedIn, configuration: StudyConfiguration) -> StudyData:
    """The answers of the forms that mappings name."""
    forms = tuple(sorted({mapping.form for mapping in configuration.mappings.values()}))
    return _fetch_events(signed_in.token, signed_in.study_key, forms, signed_in.sdk)


def study_name(signed_in: SignedIn) -> str:
    """The name of the study. Raises NotFoundError where the keys may not read it."""
    return _fetch_study_name(signed_in.token, signed_in.study_key, signed_in.sdk)


def variables(signed_in: SignedIn) -> list[Variable]:
    """The variables of all forms."""
    return _fetch_variables(signed_in.token, signed_in.study_key, signed_in.sdk)


def record(signed_in: SignedIn, record_id: int) -> Record:
    """One record with its answers."""
    return _fetch_record(signed_in.token, signed_in.study_key, record_id, signed_in.sdk)


def review(signed_in: SignedIn, secret: bytes) -> Sequence[Reviewed]:
    """All records as a review sees them."""
    return _fetch_review(signed_in.token, signed_in.study_key, secret, signed_in.sdk)


def forget() -> None:
    """Forget what this session read, and nothing of others."""
    for fetch in _FETCHES:
        fetch.clear()


def _now(data: StudyData) -> Read:
    return Read(data, datetime.now(UTC))


def _reviewed(record: Record, secret: bytes) -> Reviewed:
    deleted = is_true(record.deleted)
    held = json.dumps(
        [record.record_data or {}, record.record_status, deleted, record.visit_id, record.subject_id],
        sort_keys=True, default=str,
    )  # fmt: skip
    return Reviewed(
        record.record_id or 0,
        str(record.form_key or ""),
        str(record.subject_key or ""),
        record.site_id,
        record.interval_id,
        str(record.record_status or ""),
        str(record.date_modified or record.date_created or ""),
        deleted,
        hmac.new(secret, held.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32],
    )
