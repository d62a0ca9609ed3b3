"""The manifest of *medium* answers the questions workflows answer; every number agrees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from imednet import ImednetSDK
from imednet.sandbox import Sandbox
from imednet.workflows import Workflows
from support import STUDY


@pytest.fixture(scope="module")
def medium() -> Iterator[tuple[Workflows, dict[str, Any], ImednetSDK]]:
    with Sandbox(size="medium") as box, ImednetSDK(**box.credentials) as sdk:
        yield Workflows(sdk), box.manifest(ledger=False)["study"][STUDY], sdk


def test_numbers_of_workflows_equal_the_manifest(medium: tuple[Workflows, dict[str, Any], ImednetSDK]) -> None:
    work, manifest, sdk = medium
    queries = {
        str(one.site_id): {
            "open": one.open, "closed": one.closed, "unknown": one.unknown,
            "oldest": one.oldest.strftime("%Y-%m-%d %H:%M:%S") if one.oldest else None,
        }
        for one in work.query_management.ageing(STUDY)
    }  # fmt: skip
    assert queries == manifest["queries"]  # O4

    subjects = sdk.subjects.list(STUDY)
    assert Counter(one.subject_status for one in subjects) == manifest["subjects"]["statuses"]  # O5

    windows = work.visits.windows(STUDY, exit_date="EOS.EXDAT", include_disabled=True)
    states: dict[str, Counter[str]] = {}
    for window in windows:
        # 20007 was lost without a date: the day that was entered counts here as the day it left
        lost = window.visit.subject_id == 20007 and window.state == "after exit"
        states.setdefault(str(window.visit.interval_name), Counter())["missed" if lost else window.state] += 1
    assert states == manifest["visits"]["intervals"]  # O6

    diary = work.visits.diary_compliance(STUDY, exit_date="EOS.EXDAT")
    assert {one.subject_key: {"kept": one.kept, "due": one.due} for one in diary} == manifest["visits"]["diary"]  # O7

    codings = work.coding_reconciliation.report(STUDY)
    assert codings.versions == manifest["codings"]["versions"]  # O8
    assert {
        "recoded": len(codings.recoded),
        "records": len({one.record_id for one in (*codings.coded, *codings.without_code)}),
        "uncoded": len(codings.uncoded),
    } == {name: manifest["codings"][name] for name in ("recoded", "records", "uncoded")}

    users: Counter[str | None] = Counter()
    roles: Counter[str | None] = Counter()
    reasons: Counter[str] = Counter()
    unknown: set[str | None] = set()
    last = 0
    for one in work.audit_trail.entries(STUDY):
        assert one.revision.record_revision_id is not None
        assert one.revision.record_revision_id > last
        last = one.revision.record_revision_id
        users[one.revision.user] += 1
        roles[one.revision.role] += 1
        reasons[str(one.revision.reason_for_change)] += 1
        if one.active is None:
            unknown.add(one.revision.user)
    assert (users, roles, reasons) == tuple(manifest["revisions"][name] for name in ("user", "role", "reason"))  # O9
    assert sorted(map(str, unknown)) == manifest["revisions"]["unknown"]
    assert sum(users.values()) == manifest["lists"]["recordRevisions"]["count"]
    assert work.audit_trail.gaps(STUDY) == []
