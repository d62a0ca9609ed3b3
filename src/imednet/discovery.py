"""Keys and names to work with, found in whatever study the keys may read: for scripts and tests.

Status words are configured per study, so the lists here hold only words that were seen in use. They are compared
without case, blanks and underscores, since `Enrollment Open` and `ENROLLMENT_OPEN` both occur.

    >>> from imednet import ImednetSDK
    >>> from imednet.sandbox import Sandbox
    >>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
    ...     study_key = discover_study_key(sdk)
    ...     study_key, discover_form_key(sdk, study_key), discover_subject_key(sdk, study_key)
    ('TIDEWATER-201', 'REG', '301-001')
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from .errors import ImednetError
from .utils.truth import is_true, truth

if TYPE_CHECKING:
    from .resource_attributes import SDKProtocol

_LOG = logging.getLogger(__name__)

ELIGIBLE_SITE_STATUSES: Final = frozenset({"Enrollment Open", "ENROLLMENT_OPEN", "Open", "Active"})
"""Status words of a site that enrols subjects."""
ELIGIBLE_SUBJECT_STATUSES: Final = frozenset({"Registered", "Baseline", "Enrolled", "Active"})
"""Status words of a subject whose data are still being entered."""
SUBJECT_FORM_TYPES: Final = frozenset({"Subject", "SUBJECT", "Patient"})
"""Types of a form that is filled in for subjects."""


class NoLiveDataError(ImednetError, RuntimeError):
    """A study lacks what was looked for; the message names it and, where that decided, the statuses found."""


def plain_word(word: str) -> str:
    """A word without case, blanks and underscores, to compare it with another.

    >>> plain_word("ENROLLMENT_OPEN") == plain_word("Enrollment Open")
    True
    """
    return word.replace("_", "").replace(" ", "").casefold()


def _is_one_of(word: str | None, words: Iterable[str]) -> bool:
    return word is not None and plain_word(word) in {plain_word(known) for known in words}


def is_site_eligible(site_enrollment_status: str) -> bool:
    """Whether a site with this status enrols subjects.

    >>> is_site_eligible("ENROLLMENT_OPEN"), is_site_eligible("Enrollment Closed")
    (True, False)
    """
    return _is_one_of(site_enrollment_status, ELIGIBLE_SITE_STATUSES)


def is_subject_eligible(subject_status: str) -> bool:
    """Whether data are still being entered for a subject with this status.

    >>> is_subject_eligible("enrolled"), is_subject_eligible("Screen Failed")
    (True, False)
    """
    return _is_one_of(subject_status, ELIGIBLE_SUBJECT_STATUSES)


def discover_study_key(sdk: SDKProtocol) -> str:
    """The key of the first study the keys may read.

    Raises:
        NoLiveDataError: they may read none.
    """
    for study in sdk.studies.iter():
        if study.study_key:
            return study.study_key
    raise NoLiveDataError("These keys may read no study. Next: ask for access to one, then imednet check")


def discover_site_name(sdk: SDKProtocol, study_key: str) -> str:
    """The name of the first site that enrols subjects.

    Raises:
        NoLiveDataError: there is none; the statuses found are in the message and in the log.
    """
    return _first(
        sdk.sites.iter(study_key), "site", study_key,
        name=lambda site: site.site_name, status=lambda site: site.site_enrollment_status, eligible=is_site_eligible,
    )  # fmt: skip


def discover_subject_key(sdk: SDKProtocol, study_key: str) -> str:
    """The key of the first subject whose data are still being entered and who is not deleted.

    Raises:
        NoLiveDataError: there is none; the statuses found are in the message and in the log.
    """
    return _first(
        (subject for subject in sdk.subjects.iter(study_key) if not is_true(subject.deleted)), "subject", study_key,
        name=lambda subject: subject.subject_key, status=lambda subject: subject.subject_status,
        eligible=is_subject_eligible,
    )  # fmt: skip


def discover_form_key(sdk: SDKProtocol, study_key: str) -> str:
    """The key of the first enabled form for subjects that takes records.

    Raises:
        NoLiveDataError: there is none.
    """
    for form in sdk.forms.iter(study_key):
        takes_records = not is_true(form.disabled) and truth(form.subject_record_report) is not False
        if takes_records and form.form_key and _is_one_of(form.form_type or None, SUBJECT_FORM_TYPES):
            return form.form_key
    raise NoLiveDataError(f"Study {study_key!r} has no enabled form for subjects that takes records")


def discover_interval_name(sdk: SDKProtocol, study_key: str) -> str:
    """The name of the first enabled interval.

    Raises:
        NoLiveDataError: there is none.
    """
    for interval in sdk.intervals.iter(study_key):
        if not is_true(interval.disabled) and interval.interval_name:
            return interval.interval_name
    raise NoLiveDataError(f"Study {study_key!r} has no enabled interval")


def _first(
    rows: Iterable[Any], kind: str, study_key: str,
    *, name: Callable[[Any], Any], status: Callable[[Any], Any], eligible: Callable[[str], bool],
) -> str:  # fmt: skip
    """The name of the first row with an eligible status; where there is none, the error names the statuses found."""
    statuses: set[str] = set()
    for row in rows:
        word = status(row)
        if name(row) and isinstance(word, str) and eligible(word):
            return str(name(row))
        statuses.add(str(word))
    found = ", ".join(sorted(statuses)) or "none, since there is no row"
    _LOG.warning("study %s has no eligible %s; statuses found: %s", study_key, kind, found)
    raise NoLiveDataError(f"Study {study_key!r} has no eligible {kind}; statuses found: {found}")
