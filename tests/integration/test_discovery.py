"""Scripts find something to work with, whatever the study calls things."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imednet import ImednetError, ImednetSDK, discovery
from imednet.sandbox import Sandbox
from support import STUDY


@pytest.mark.parametrize("dialect", ["documented", "live"])
def test_the_first_of_each_kind(own_box: Callable[..., Sandbox], dialect: str) -> None:
    with ImednetSDK(**own_box(dialect=dialect).credentials) as sdk:
        assert discovery.discover_study_key(sdk) == STUDY
        assert discovery.discover_site_name(sdk, STUDY) == "Lakeshore Heart Institute"
        assert discovery.discover_subject_key(sdk, STUDY) == "301-001"
        assert discovery.discover_form_key(sdk, STUDY) == "REG"
        assert discovery.discover_interval_name(sdk, STUDY) == "Screening"


def test_what_is_disabled_deleted_or_closed_is_passed_over(own_box: Callable[..., Sandbox]) -> None:
    box = own_box()
    study = box.studies[STUDY]
    study.table("sites").change(0, siteEnrollmentStatus="Enrollment Closed")
    study.table("subjects").change(0, deleted=True)
    study.table("forms").change(0, disabled=True)
    study.table("forms").change(1, subjectRecordReport="false")
    study.table("intervals").change(0, disabled="true")
    study.table("intervals").change(1, disabled="false")
    with ImednetSDK(**box.credentials) as sdk:
        assert discovery.discover_site_name(sdk, STUDY) == 'Hôpital Saint-Élan, "Pavillon B"'
        assert discovery.discover_subject_key(sdk, STUDY) == "304-002"
        assert discovery.discover_form_key(sdk, STUDY) == "ELIG"
        assert discovery.discover_interval_name(sdk, STUDY) == "Baseline"


@pytest.mark.parametrize("find", ["site_name", "subject_key"])
def test_other_words_are_named(own_box: Callable[..., Sandbox], find: str, caplog: pytest.LogCaptureFixture) -> None:
    """Missing rows and unknown words are told apart, in the error and in the log."""
    empty: Any = getattr(discovery, f"discover_{find}")
    with (
        ImednetSDK(**own_box(profile="empty").credentials) as sdk,
        pytest.raises(discovery.NoLiveDataError, match="no row"),
    ):
        empty(sdk, STUDY)
    box = own_box()
    name, field = ("sites", "siteEnrollmentStatus") if find == "site_name" else ("subjects", "subjectStatus")
    for place in box.studies[STUDY].table(name).places():
        box.studies[STUDY].table(name).change(place, **{field: "Aktiv"})
    with ImednetSDK(**box.credentials) as sdk, pytest.raises(RuntimeError, match="statuses found: Aktiv") as caught:
        empty(sdk, STUDY)
    assert isinstance(caught.value, ImednetError)
    assert "Aktiv" in caplog.text


def test_forms_and_intervals_may_be_missing(own_box: Callable[..., Sandbox]) -> None:
    box = own_box()
    for name in ("forms", "intervals"):
        for place in list(box.studies[STUDY].table(name).places()):
            box.studies[STUDY].table(name).change(place, disabled=True)
    with ImednetSDK(**box.credentials) as sdk:
        for find in (discovery.discover_form_key, discovery.discover_interval_name):
            with pytest.raises(discovery.NoLiveDataError, match=STUDY):
                find(sdk, STUDY)
