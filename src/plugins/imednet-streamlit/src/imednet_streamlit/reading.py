"""What the pages read, kept for ten minutes in the session that read it and nowhere else.

Everything goes through the SDK. What is kept is named by the sign-in, so that a second one in the same session starts
anew; other sessions have caches of their own.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import streamlit as st

from imednet.core.reading.proof import Proof
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

T = TypeVar("T")

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
class Read(Generic[T]):
    """What was read, and how.

    Attributes:
        value: what was read.
        proofs: why each list is whole.
        finished: when this machine had finished reading (UTC).
    """

    value: T
    proofs: Mapping[str, Proof]
    finished: datetime


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=1, show_spinner=texts.READING)
def _fetch_people(token: str, study_key: str, _sdk: SDKProtocol) -> Read[StudyData]:  # noqa: ARG001
    return _of_study(MonitoringWorkflow(_sdk).read(study_key, PEOPLE))


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=1, show_spinner=texts.READING_RECORDS)
def _fetch_pages(token: str, study_key: str, _sdk: SDKProtocol) -> Read[StudyData]:  # noqa: ARG001
    return _of_study(MonitoringWorkflow(_sdk).read(study_key, PAGES))


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=_SMALL, show_spinner=texts.READING)
def _fetch_subject(
    token: str,  # noqa: ARG001
    study_key: str,
    subject_key: str,
    forms: tuple[str, ...],
    _sdk: SDKProtocol,
) -> Read[StudyData]:
    read = MonitoringWorkflow(_sdk).read(study_key, TIMELINE_LISTS, subject_key=subject_key, answers=forms)
    return _of_study(read)


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=2, show_spinner=texts.READING_RECORDS)
def _fetch_events(token: str, study_key: str, forms: tuple[str, ...], _sdk: SDKProtocol) -> Read[StudyData]:  # noqa: ARG001
    return _of_study(MonitoringWorkflow(_sdk).read(study_key, LISTING_LISTS, answers=forms))


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=1, show_spinner=texts.READING)
def _fetch_study_name(token: str, study_key: str, _sdk: SDKProtocol) -> Read[str]:  # noqa: ARG001
    rows = _sdk.studies.list()
    for study in rows:
        if study.study_key == study_key:
            return _now(str(study.study_name or study_key), {"studies": rows.proof})
    raise NotFoundError(f"study {study_key!r} is not among the studies that these keys may read")


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=1, show_spinner=texts.READING)
def _fetch_variables(token: str, study_key: str, _sdk: SDKProtocol) -> Read[list[Variable]]:  # noqa: ARG001
    rows = _sdk.variables.list(study_key)
    return _now(list(rows), {"variables": rows.proof})


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=_SMALL, show_spinner=texts.READING)
def _fetch_record(token: str, study_key: str, record_id: int, mark: str, _sdk: SDKProtocol) -> Record:  # noqa: ARG001
    return _sdk.records.get(study_key, record_id)


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=1, show_spinner=texts.READING_RECORDS)
def _fetch_review(token: str, study_key: str, _secret: bytes, _sdk: SDKProtocol) -> Read[list[Reviewed]]:  # noqa: ARG001
    reading = _sdk.records.iter(study_key)
    found = [reviewed(record, _secret) for record in reading]
    assert reading.proof is not None
    return _now(found, {"records": reading.proof})


_FETCHES: Final = (
    _fetch_people, _fetch_pages, _fetch_subject, _fetch_events, _fetch_study_name, _fetch_variables, _fetch_record,
    _fetch_review,
)  # fmt: skip


def people(signed_in: SignedIn) -> StudyData:
    """Sites, subjects and queries."""
    return _told(_fetch_people(signed_in.token, signed_in.study_key, signed_in.sdk))


def pages(signed_in: SignedIn) -> StudyData:
    """Those, and visits and records without their answers."""
    return _told(_fetch_pages(signed_in.token, signed_in.study_key, signed_in.sdk))


def subject(signed_in: SignedIn, subject_key: str, configuration: StudyConfiguration) -> StudyData:
    """One subject, with the answers of the forms that mappings name."""
    return _told(
        _fetch_subject(signed_in.token, signed_in.study_key, subject_key, _forms(configuration), signed_in.sdk)
    )


def events(signed_in: SignedIn, configuration: StudyConfiguration) -> StudyData:
    """The answers of the forms that mappings name."""
    return _told(_fetch_events(signed_in.token, signed_in.study_key, _forms(configuration), signed_in.sdk))


def study_name(signed_in: SignedIn) -> str:
    """The name of the study. Raises NotFoundError where the keys may not read it."""
    return _told(_fetch_study_name(signed_in.token, signed_in.study_key, signed_in.sdk))


def variables(signed_in: SignedIn) -> Read[list[Variable]]:
    """The variables of all forms, and whether the list is whole."""
    read = _fetch_variables(signed_in.token, signed_in.study_key, signed_in.sdk)
    _told(read)
    return read


def record(signed_in: SignedIn, record_id: int, mark: str) -> Record:
    """One record with its answers, read once for each mark that its list has."""
    return _fetch_record(signed_in.token, signed_in.study_key, record_id, mark, signed_in.sdk)


def review(signed_in: SignedIn, secret: bytes) -> Sequence[Reviewed]:
    """All records as a review sees them."""
    return _told(_fetch_review(signed_in.token, signed_in.study_key, secret, signed_in.sdk))


def forget() -> None:
    """Forget what this session read, and nothing of others."""
    for fetch in _FETCHES:
        fetch.clear()


# ---- what a page says of its reads

_shown: ContextVar[list[Read[Any]] | None] = ContextVar("_shown", default=None)


@contextmanager
def collected() -> Iterator[list[Read[Any]]]:
    """What is read in this block, be it from the server or from what the session keeps."""
    reads: list[Read[Any]] = []
    before = _shown.set(reads)
    try:
        yield reads
    finally:
        _shown.reset(before)


def proofs_so_far() -> dict[str, Proof]:
    """The proofs of all lists that this page has used; of two reads of one list, one that is not proven."""
    return merged(_shown.get() or ())


def merged(reads: Iterable[Read[Any]]) -> dict[str, Proof]:
    """The proofs of several reads; of two reads of one list, one that is not proven."""
    proofs: dict[str, Proof] = {}
    for read in reads:
        for name, proof in read.proofs.items():
            if name not in proofs or proofs[name].proven:
                proofs[name] = proof
    return proofs


def _told(read: Read[T]) -> T:
    if (reads := _shown.get()) is not None:
        reads.append(read)
    return read.value


def _of_study(data: StudyData) -> Read[StudyData]:
    return _now(data, data.proofs)


def _now(value: T, proofs: Mapping[str, Proof]) -> Read[T]:
    return Read(value, proofs, datetime.now(UTC))


def _forms(configuration: StudyConfiguration) -> tuple[str, ...]:
    return tuple(sorted({mapping.form for mapping in configuration.mappings.values()}))


def reviewed(record: Record, secret: bytes) -> Reviewed:
    """A record as a review sees it."""
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
