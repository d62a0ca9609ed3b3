"""Writing when something else happens: crashes, full disks, two runs, other users, odd servers and odd input."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Iterator
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from imednet.errors import ArgumentError, ImednetError
from imednet.sandbox import Answer, Request, Sandbox
from imednet.validation import ItemsRefusedError
from support import STUDY, Ways
from writing import EVENT, REGISTRATION, TWIN, StillClock, posts, rows, writer

Make = Callable[..., Sandbox]
Handle = Callable[[Request], Answer]
IMAGE: dict[str, Any] = {"formKey": "IMG", "subjectKey": "301-902", "intervalName": "Month 6", "data": {"IMMOD": "CT"}}
UNSCHEDULED: dict[str, Any] = {"formKey": "VS", "subjectKey": "301-901", "intervalName": "Unscheduled"}


def events(count: int) -> list[dict[str, Any]]:
    return [{**EVENT, "data": {"AENUM": number}} for number in range(count)]


class Crash(BaseException):
    """The process dies."""


def crash(done: int, total: int, what: str) -> None:
    if what == "batch 0 is settled":
        raise Crash


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def no_limit() -> Iterator[None]:
    """Files may be of any size again afterwards."""
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@pytest.mark.usefixtures("no_limit")
def test_a_full_disk_ends_the_run_before_anything_more_is_sent(
    own_box: Make, door: Ways, clock: StillClock, tmp_path: Path
) -> None:
    box, journal = own_box(job_clock=clock), tmp_path / "run.jsonl"
    one = writer(door, box, clock)

    def fill(done: int, total: int, what: str) -> None:
        if what == "batch 0 is settled":
            size = journal.stat().st_size + 60
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    report = one.call("writing.submit", TWIN, events(3), batch_size=1, journal=journal, on_progress=fill)
    assert [outcome.state for outcome in report.outcomes] == ["stored", "not sent", "not sent"]
    assert "cannot be written" in report.outcomes[1].detail
    assert posts(box) == 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert one.call("writing.submit", TWIN, events(3), batch_size=1, journal=journal).complete
    assert posts(box) == 3


def test_a_journal_is_of_one_run_at_a_time(own_box: Make, door: Ways, clock: StillClock, tmp_path: Path) -> None:
    box, journal = own_box(job_clock=clock), tmp_path / "run.jsonl"
    other = writer(door, box, clock)
    refused: list[str] = []

    def second(done: int, total: int, what: str) -> None:
        if what == "batch 0 is settled":
            from imednet.workflows.writing.journal import Journal

            with pytest.raises(ArgumentError, match="in use by another run") as caught:
                Journal(journal, TWIN, events(2))
            refused.append(str(caught.value))

    assert other.call("writing.submit", TWIN, events(2), batch_size=1, journal=journal, on_progress=second).complete
    assert refused
    assert posts(box) == 2


def test_a_plan_is_written_into_its_own_study(own_box: Make, door: Ways, clock: StillClock) -> None:
    box = own_box(job_clock=clock, switches={"postToMainStudy": "accepted"})
    one = writer(door, box, clock)
    plan = one.call("writing.plan", TWIN, [REGISTRATION])
    with pytest.raises(ArgumentError, match=f"the plan is of study '{TWIN}'"):
        one.call("writing.submit", STUDY, plan)
    assert posts(box) == 0


@pytest.mark.parametrize(
    "item", [EVENT | {"data": {"AETERM": "Cough ", "AENUM": 1}}, IMAGE | {"data": {"IMMOD": "CT "}}]
)
def test_a_record_that_was_stored_otherwise_is_different_and_not_missing(
    own_box: Make, door: Ways, clock: StillClock, item: dict[str, Any]
) -> None:
    def trimming(request: Request, answer: Handle) -> Answer:
        if request.method == "POST":
            body = request.body.replace(b'Cough "', b'Cough"').replace(b'CT "', b'CT"')
            request = Request(request.method, request.target, request.headers, body)
        return answer(request)

    box = own_box(job_clock=clock, intercept=trimming)
    (outcome,) = writer(door, box, clock).call("writing.submit", TWIN, [item]).outcomes
    assert outcome.state == "different"
    assert outcome.record_id == max(row["recordId"] for row in rows(box))


def test_a_new_record_that_holds_nothing_of_what_was_sent_is_unknown(
    own_box: Make, door: Ways, clock: StillClock
) -> None:
    def garbling(request: Request, answer: Handle) -> Answer:
        if request.method == "POST":
            request = Request(request.method, request.target, request.headers, request.body.replace(b"Cough", b"Flu"))
        return answer(request)

    box = own_box(job_clock=clock, intercept=garbling)
    item = {**EVENT, "data": {"AETERM": "Cough"}}
    (outcome,) = writer(door, box, clock).call("writing.submit", TWIN, [item]).outcomes
    assert outcome.state == "unknown"
    assert "Next: look at it before you run the item again" in outcome.detail


def test_after_a_failed_job_no_record_of_others_is_taken(own_box: Make, door: Ways, clock: StillClock) -> None:
    """Another user makes a record that is almost the same, while our own job fails."""
    box = own_box(job_clock=clock, switches={"jobOutcome": "none"})
    one = writer(door, box, clock)
    item = {**EVENT, "data": {"AENUM": 1, "AETERM": "Cough", "AESER": "No"}}

    def another(done: int, total: int, what: str) -> None:
        if "go out" in what:
            records = box.studies[TWIN].records
            place = next(p for p in records.places() if records.row(p)["formKey"] == "AE")
            row = dict(records.row(place))
            data = {"AENUM": "2", "AETERM": "Cough", "AESER": "No"}
            records.add({**row, "recordId": records.next_number, "subjectKey": "301-901", "recordData": data})

    (outcome,) = one.call("writing.submit", TWIN, [item], on_progress=another).outcomes
    assert (outcome.state, outcome.record_id) == ("unknown", None)
    assert "look at it" in outcome.detail


def test_unscheduled_visits_get_a_record_each_time(own_box: Make, door: Ways, clock: StillClock) -> None:
    box = own_box(job_clock=clock)
    one = writer(door, box, clock)
    found = []
    for pressure in (140, 150, 150):
        report = one.call("writing.submit", TWIN, [{**UNSCHEDULED, "data": {"SYSBP1": pressure}}])
        assert report.complete
        found += report.record_ids
    assert len(set(found)) == 3
    plan = one.call("writing.plan", TWIN, [{**UNSCHEDULED, "data": {"SYSBP1": 140}}])
    assert plan.items[0].record_id is None


def test_a_scheduled_record_that_somebody_made_meanwhile_is_a_conflict(
    own_box: Make, door: Ways, clock: StillClock
) -> None:
    box = own_box(job_clock=clock)
    one = writer(door, box, clock)
    plan = one.call("writing.plan", TWIN, [{**IMAGE, "data": {"IMDAT": "2026-03-02"}}])
    assert one.call("writing.submit", TWIN, [{**IMAGE, "data": {"IMDAT": "2026-01-01"}}]).complete
    assert [outcome.state for outcome in one.call("writing.submit", TWIN, plan).outcomes] == ["conflict"]
    (row,) = [
        row
        for row in rows(box)
        if row["formKey"] == "IMG" and row["subjectKey"] == "301-902" and row["intervalId"] == 508
    ]
    assert row["recordData"]["IMDAT"] == "2026-01-01"


def test_a_run_does_not_take_its_own_changes_for_those_of_others(own_box: Make, door: Ways, clock: StillClock) -> None:
    box = own_box(job_clock=clock)
    one = writer(door, box, clock)
    old = next(row for row in rows(box) if row["formKey"] == "VS" and not row["deleted"] and row["recordData"])
    existing = {"formKey": "VS", "recordId": old["recordId"]}
    items = [
        IMAGE, {**IMAGE, "data": {"IMDAT": "2026-03-02"}},
        {**existing, "data": {"SYSBP1": 151}}, {**existing, "data": {"DIABP1": 91}},
    ]  # fmt: skip
    report = one.call("writing.submit", TWIN, items, batch_size=1)
    assert report.complete, report.outcomes
    assert len(set(report.record_ids)) == 2


@pytest.mark.parametrize(
    "options",
    [
        {"faults": ["drop-after-store POST records nth=1"]},
        {"switches": {"postBody": "no-batch"}},
        {"faults": ["status GET jobs status=404"]},
    ],
)
def test_what_may_still_come_is_unknown_and_not_missing(
    own_box: Make, door: Ways, clock: StillClock, options: dict[str, Any], tmp_path: Path
) -> None:
    switches = {"jobSeconds": "95", **options.pop("switches", {})}
    box, journal = own_box(job_clock=clock, switches=switches, **options), tmp_path / "run.jsonl"
    one = writer(door, box, clock)
    report = one.call("writing.submit", TWIN, [EVENT], journal=journal, timeout=60)
    assert [outcome.state for outcome in report.outcomes] == ["unknown"]
    assert clock.passed == 60
    assert [outcome.state for outcome in one.call("writing.verify", journal).outcomes] == ["unknown"]
    clock.passed += 60
    assert one.call("writing.verify", journal).complete
    assert one.call("writing.submit", TWIN, [EVENT], journal=journal).complete
    assert posts(box) == 1


@pytest.mark.parametrize("status", [303, 408, 409, 425, 500])
def test_statuses_that_do_not_say_no_are_read_back(own_box: Make, door: Ways, clock: StillClock, status: int) -> None:
    def odd(request: Request, answer: Handle) -> Answer:
        result = answer(request)
        return Answer(status, b"{}") if request.method == "POST" else result

    box = own_box(job_clock=clock, intercept=odd)
    assert writer(door, box, clock).call("writing.submit", TWIN, [EVENT]).complete
    assert posts(box) == 1


def test_verify_tells_of_what_never_went_out(own_box: Make, door: Ways, clock: StillClock, tmp_path: Path) -> None:
    box, journal = own_box(job_clock=clock), tmp_path / "run.jsonl"
    one = writer(door, box, clock)
    with pytest.raises(Crash):
        one.call("writing.submit", TWIN, events(6), journal=journal, batch_size=2, on_progress=crash)
    report = one.call("writing.verify", journal)
    assert report.counts == {"stored": 2, "not sent": 4}
    assert not report.complete


def test_a_record_belongs_to_one_item_alone(own_box: Make, door: Ways, clock: StillClock, tmp_path: Path) -> None:
    """Two items with the same answers, the first of which is lost: its record is not that of the second."""
    box, journal = own_box(job_clock=clock, faults=["reset POST records nth=1"]), tmp_path / "run.jsonl"
    one = writer(door, box, clock)
    how = {"batch_size": 1, "on_error": "continue", "journal": journal}
    states = [outcome.state for outcome in one.call("writing.submit", TWIN, [EVENT, EVENT], **how).outcomes]
    assert states == ["missing", "stored"]
    assert [outcome.state for outcome in one.call("writing.verify", journal).outcomes] == states


def test_what_was_written_is_told_though_the_server_goes(own_box: Make, door: Ways, clock: StillClock) -> None:
    down = False

    def gone(request: Request, answer: Handle) -> Answer:
        return Answer(500, b"{}") if down else answer(request)

    def take_down(done: int, total: int, what: str) -> None:
        nonlocal down
        down = what == "batch 0 is settled"

    box = own_box(job_clock=clock, intercept=gone)
    one = writer(door, box, clock, retries=0)
    report = one.call("writing.submit", TWIN, events(2), batch_size=1, on_progress=take_down)
    assert [outcome.state for outcome in report.outcomes] == ["stored", "not sent"]
    assert "500" in report.outcomes[1].detail


@pytest.mark.parametrize("how", [{"email_notify": "ü@x.org"}, {"email_notify": ""}, {"email_notify": "a b@x.org"}])
def test_addresses_that_cannot_be_sent_are_refused(
    own_box: Make, door: Ways, clock: StillClock, how: dict[str, Any]
) -> None:
    box = own_box(job_clock=clock)
    with pytest.raises(ArgumentError, match="one address"):
        writer(door, box, clock).call("writing.submit", TWIN, [EVENT], **how)
    assert (posts(box), clock.passed) == (0, 0)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"AETERM": "a\ud800"}, "half a character"), ({"AENUM": 10**400}, "finite number"),
        ({"AENUM": "0.1234567890123456789"}, "more digits"),
    ],
)  # fmt: skip
def test_odd_values_are_refused(own_box: Make, door: Ways, clock: StillClock, data: dict[str, Any], says: str) -> None:
    box = own_box(job_clock=clock)
    with pytest.raises(ItemsRefusedError, match=says):
        writer(door, box, clock).call("writing.submit", TWIN, [{**EVENT, "data": data}])


def test_records_of_another_form_or_subject_are_refused_before(own_box: Make, door: Ways, clock: StillClock) -> None:
    box = own_box(job_clock=clock)
    one = writer(door, box, clock)
    vital = next(row for row in rows(box) if row["formKey"] == "VS" and row["subjectKey"] == "301-901")
    gone = next((row for row in rows(box) if row["deleted"] and row["formKey"] == "VS"), None)
    wrong = [
        {"formKey": "AE", "recordId": vital["recordId"], "data": {"AENUM": 1}},
        {"formKey": "VS", "recordId": vital["recordId"], "subjectKey": "301-902", "data": {"SYSBP1": 120}},
        {**REGISTRATION, "subjectKey": "301-901"},
    ]
    wrong += [{"formKey": "VS", "recordId": gone["recordId"], "data": {"SYSBP1": 120}}] if gone else []
    for item in wrong:
        with pytest.raises(ItemsRefusedError):
            one.call("writing.submit", TWIN, [EVENT, item])
    assert posts(box) == 0


def test_items_may_come_from_anything_that_can_be_iterated(own_box: Make, door: Ways, clock: StillClock) -> None:
    box = own_box(job_clock=clock)
    assert writer(door, box, clock).call("writing.submit", TWIN, (one for one in events(2))).counts == {"stored": 2}


def test_a_run_is_gone_on_with_after_refusals_and_changes(
    own_box: Make, door: Ways, clock: StillClock, tmp_path: Path
) -> None:
    box, journal = own_box(job_clock=clock, faults=["status POST records nth=2 status=429"]), tmp_path / "run.jsonl"
    one = writer(door, box, clock, retries=0)
    items = [{**EVENT, "subjectKey": "301-902", "data": {"AENUM": 1}}, *events(2)]
    how = {"journal": journal, "batch_size": 1}
    first = one.call("writing.submit", TWIN, items, **how)
    assert [outcome.state for outcome in first.outcomes] == ["stored", "refused", "not sent"]
    subjects = box.studies[TWIN].table("subjects")
    place = next(p for p in subjects.places() if subjects.row(p)["subjectKey"] == "301-902")
    subjects.change(place, deleted=True)
    again = one.call("writing.submit", TWIN, items, **how)
    assert [outcome.state for outcome in again.outcomes] == ["stored"] * 3
    assert posts(box) == 4
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(b'{"version": 1, "stu')
    assert one.call("writing.submit", TWIN, events(1), journal=torn).complete
    foreign = tmp_path / "foreign.json"
    foreign.write_text('{"version": 1, "mine": true}')
    with pytest.raises(ArgumentError, match="is not the journal"):
        one.call("writing.submit", TWIN, events(1), journal=foreign)
    assert foreign.read_text() == '{"version": 1, "mine": true}'
    with pytest.raises(ArgumentError, match="cannot be used"):
        one.call("writing.submit", TWIN, events(1), journal=tmp_path / "no" / "folder.jsonl")
    with pytest.raises(ItemsRefusedError):
        one.call("writing.submit", TWIN, [{**EVENT, "data": {"NOPE": 1}}], journal=tmp_path / "unused.jsonl")
    assert not (tmp_path / "unused.jsonl").exists()


def test_a_record_that_was_deleted_later_is_missing_when_it_is_verified(
    own_box: Make, door: Ways, clock: StillClock, tmp_path: Path
) -> None:
    box, journal = own_box(job_clock=clock), tmp_path / "run.jsonl"
    one = writer(door, box, clock)
    report = one.call("writing.submit", TWIN, events(2), journal=journal)
    records = box.studies[TWIN].records
    place = records.place_of(report.record_ids[0])
    assert place is not None
    records.change(place, deleted=True)
    assert [outcome.state for outcome in one.call("writing.verify", journal).outcomes] == ["missing", "stored"]
    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [next(iter(entry)) for entry in entries] == ["version", "planned", "sent", "settled", "settled"]
    assert issubclass(ItemsRefusedError, ImednetError)


@pytest.mark.parametrize("switches", [{}, {"jobOutcome": "partial"}, {"jobOutcome": "none"}], ids=str)
def test_records_that_are_readable_late_are_never_missing(
    own_box: Make, door: Ways, clock: StillClock, tmp_path: Path, switches: dict[str, str]
) -> None:
    """The job says it is over, its records are readable two minutes later: unknown until then, and sent once."""
    box, journal = own_box(job_clock=clock, switches={"readableSeconds": "120", **switches}), tmp_path / "run.jsonl"
    one = writer(door, box, clock)
    early = one.call("writing.submit", TWIN, events(2), journal=journal, timeout=10)
    assert early.counts == {"unknown": 2}
    assert "records verify" in early.outcomes[0].detail
    stored = {"partial": 1, "none": 0}.get(switches.get("jobOutcome", ""), 2)
    late = one.call("writing.verify", journal, timeout=300)
    assert late.counts.get("stored", 0) == stored
    assert late.counts.get("missing", 0) == 2 - stored
    assert posts(box) == 1


def test_what_is_missing_is_sent_again_only_when_asked_and_after_another_look(
    own_box: Make, door: Ways, clock: StillClock, tmp_path: Path
) -> None:
    box, journal = own_box(job_clock=clock, faults=["reset POST records nth=1"]), tmp_path / "run.jsonl"
    one = writer(door, box, clock)
    assert one.call("writing.submit", TWIN, events(2), journal=journal).counts == {"missing": 2}
    assert one.call("writing.submit", TWIN, events(2), journal=journal).counts == {"missing": 2}
    assert posts(box) == 1
    for _ in range(2):
        again = one.call("writing.submit", TWIN, events(2), journal=journal, resend_missing=True)
        assert again.counts == {"stored": 2}
        assert posts(box) == 2
    assert one.call("writing.verify", journal).counts == {"stored": 2}
    with pytest.raises(ArgumentError, match="needs the journal"):
        one.call("writing.submit", TWIN, events(2), resend_missing=True)


class TestItemsThatAreAlike:
    """Items of one batch or of several that share answers: a record goes to the item it fits best, or to none."""

    @staticmethod
    def event(**data: Any) -> dict[str, Any]:
        return {**EVENT, "data": data}

    def test_a_record_goes_to_the_item_that_sent_all_of_it(
        self, own_box: Make, door: Ways, clock: StillClock, tmp_path: Path
    ) -> None:
        """The second item is not stored; its answers are a part of those of the third, which is."""
        box = own_box(job_clock=clock, switches={"jobOutcome": "partial", "jobSeconds": "0"})
        items = [self.event(AENUM=1, AETERM="Flu"), self.event(AETERM="Cough"), self.event(AENUM=3, AETERM="Cough")]
        one, journal = writer(door, box, clock), tmp_path / "run.jsonl"
        report = one.call("writing.submit", TWIN, items, journal=journal)
        assert [outcome.state for outcome in report.outcomes] == ["stored", "missing", "stored"]
        again = one.call("writing.submit", TWIN, items, journal=journal, resend_missing=True)
        assert again.counts == {"stored": 3}
        assert posts(box) == 2

    def test_a_record_that_is_not_as_sent_goes_to_the_item_it_is_most_like(
        self, own_box: Make, door: Ways, clock: StillClock
    ) -> None:
        def trimming(request: Request, answer: Handle) -> Answer:
            if request.method == "POST":
                body = request.body.replace(b'Cough "', b'Cough"')
                request = Request(request.method, request.target, request.headers, body)
            return answer(request)

        box = own_box(job_clock=clock, intercept=trimming, switches={"jobOutcome": "partial", "jobSeconds": "0"})
        items = [
            self.event(AENUM=1, AETERM="Flu", AESER="Yes"), self.event(AENUM=2, AETERM="Rash", AESER="No"),
            self.event(AENUM=3, AETERM="Cough ", AESER="No"),
        ]  # fmt: skip
        report = writer(door, box, clock).call("writing.submit", TWIN, items)
        assert [outcome.state for outcome in report.outcomes] == ["stored", "missing", "different"]
        assert report.outcomes[2].fields == ("AETERM",)

    def test_no_batch_goes_out_while_an_earlier_one_is_unknown(
        self, own_box: Make, door: Ways, clock: StillClock, tmp_path: Path
    ) -> None:
        switches = {"readableSeconds": "120", "jobSeconds": "0"}
        box = own_box(job_clock=clock, switches=switches, faults=["reset POST records nth=2"])
        one, journal = writer(door, box, clock), tmp_path / "run.jsonl"
        items = [self.event(AENUM=1, AETERM="Flu", AESER="No"), self.event(AENUM=2, AETERM="Cough", AESER="No")]
        how = {"journal": journal, "batch_size": 1}
        for _ in range(2):
            report = one.call("writing.submit", TWIN, items, timeout=10, **how)
            assert [outcome.state for outcome in report.outcomes] == ["unknown", "not sent"]
        assert posts(box) == 1
        clock.passed += 400
        for _ in range(3):
            report = one.call("writing.submit", TWIN, items, resend_missing=True, **how)
        assert report.counts == {"stored": 2}
        assert len([row for row in rows(box) if row["recordData"] and row["recordData"].get("AETERM") == "Flu"]) == 1

    @pytest.mark.parametrize("switches", [{"jobSeconds": "95"}, {"jobSeconds": "0", "readableSeconds": "120"}], ids=str)
    def test_a_record_of_somebody_else_is_not_taken_before_the_own_one_is_readable(
        self, own_box: Make, door: Ways, clock: StillClock, tmp_path: Path, switches: dict[str, str]
    ) -> None:
        box, journal = own_box(job_clock=clock, switches=switches), tmp_path / "run.jsonl"
        one = writer(door, box, clock)

        def another(done: int, total: int, what: str) -> None:
            if "go out" in what:
                records = box.studies[TWIN].records
                row = dict(records.row(next(p for p in records.places() if records.row(p)["formKey"] == "AE")))
                data = {"AENUM": "7", "AETERM": "Rash", "AESER": "No"}
                records.add({**row, "recordId": records.next_number, "subjectKey": "301-901", "recordData": data})

        item = self.event(AENUM=2, AETERM="Cough", AESER="No")
        early = one.call("writing.submit", TWIN, [item], journal=journal, timeout=10, on_progress=another)
        assert early.counts == {"unknown": 1}
        clock.passed += 400
        late = one.call("writing.verify", journal)
        assert late.counts == {"stored": 1}
        assert late.record_ids == [max(row["recordId"] for row in rows(box))]

    def test_a_look_that_fails_makes_nothing_worse(
        self, own_box: Make, door: Ways, clock: StillClock, tmp_path: Path
    ) -> None:
        down = [False]

        def gone(request: Request, answer: Handle) -> Answer:
            return Answer(503, b"{}") if down[0] and "/records" in request.path else answer(request)

        box, journal = own_box(job_clock=clock, intercept=gone), tmp_path / "run.jsonl"
        one = writer(door, box, clock, retries=0)
        assert one.call("writing.submit", TWIN, events(2), journal=journal).complete
        down[0] = True
        assert one.call("writing.verify", journal).complete

    def test_times_are_compared_as_they_were_sent(
        self, own_box: Make, door: Ways, clock: StillClock, tmp_path: Path
    ) -> None:
        box, journal = own_box(job_clock=clock), tmp_path / "run.jsonl"
        one = writer(door, box, clock)
        item = self.event(AETERM="z", AESTTIM=time(10, 30))
        assert one.call("writing.submit", TWIN, [item], journal=journal).complete
        assert one.call("writing.verify", journal).complete
        assert one.call("writing.submit", TWIN, [item], journal=journal).complete

    def test_an_error_of_the_caller_after_a_batch_went_out_is_told_as_it_is(
        self, own_box: Make, door: Ways, clock: StillClock
    ) -> None:
        box = own_box(job_clock=clock, switches={"jobSeconds": "0", "readableSeconds": "10"})

        def failing(done: int, total: int, what: str) -> None:
            if "cannot be read back yet" in what and posts(box) == 2:
                raise ArgumentError("mine")

        with pytest.raises(ArgumentError, match="mine"):
            writer(door, box, clock).call("writing.submit", TWIN, events(2), batch_size=1, on_progress=failing)


@pytest.mark.parametrize("items", [[EVENT, 5], [None], ["abc"], [{**EVENT, "data": {2: "x", "AENUM": 1}}]], ids=repr)
def test_items_that_are_none_are_refused_with_a_journal_too(
    own_box: Make, door: Ways, clock: StillClock, tmp_path: Path, items: list[Any]
) -> None:
    one = writer(door, own_box(job_clock=clock), clock)
    for journal in (None, tmp_path / "run.jsonl", "a" * 300, "a\0b"):
        with pytest.raises(ImednetError):
            one.call("writing.submit", TWIN, items, journal=journal)
    with pytest.raises(ArgumentError):
        one.call("writing.verify", 5)


def test_what_was_written_to_one_server_is_not_taken_for_written_to_another(
    own_box: Make, door: Ways, clock: StillClock, tmp_path: Path
) -> None:
    """The same items for the same study there are refused by the journal, which names both servers."""
    first, second, journal = own_box(job_clock=clock), own_box(job_clock=clock), tmp_path / "run.jsonl"
    assert writer(door, first, clock).call("writing.submit", TWIN, [EVENT], journal=journal).complete
    other = writer(door, second, clock)
    for call in (("writing.submit", TWIN, [EVENT]), ("writing.verify",)):
        how = {"journal": journal}
        with pytest.raises(ArgumentError, match="Next: use the address of that run") as caught:
            other.call(*call, **how)
        assert first.url in str(caught.value)
        assert second.url in str(caught.value)
    assert posts(second) == 0
    old = journal.read_text().replace(f'"server": "{first.url}", ', "")
    journal.write_text(old)
    assert writer(door, first, clock).call("writing.verify", journal).complete, "journals of before do not say"
