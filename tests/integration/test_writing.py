"""J9: register subjects and write test records, then prove they arrived; nothing is ever sent twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imednet.errors import ArgumentError, ForbiddenError, ImednetError
from imednet.sandbox import Answer, Request, Sandbox
from imednet.validation import ItemsRefusedError
from support import STUDY, Ways
from writing import EVENT, REGISTRATION, TWIN, Simulated, StillClock, posts, rows, simulate, writer

Make = Callable[..., Sandbox]
both_dialects = pytest.mark.parametrize("dialect", ["documented", "live"])


def sandbox(own_box: Make, clock: StillClock, **options: Any) -> Sandbox:
    return own_box(job_clock=clock, **options)


@both_dialects
def test_j9_1_bodies_are_lists_without_empty_identifiers(own_box: Make, door: Ways, dialect: str) -> None:
    clock = StillClock()
    box = sandbox(own_box, clock, dialect=dialect)
    one = writer(door, box, clock)
    item = {**REGISTRATION, "subjectKey": "", "subjectId": None}
    report = one.call("writing.submit", TWIN, [item])
    (sent,) = [json.loads(request.body) for request in box.requests if request.method == "POST"]
    assert sent == [REGISTRATION]
    assert report.complete
    assert report.outcomes[0].subject_key == "301-905"
    with pytest.raises(ItemsRefusedError, match="answers are written under 'data'"):
        one.call("writing.submit", TWIN, [{**EVENT, "recordData": {}}])


@both_dialects
def test_j9_1_every_scenario_with_every_kind_of_identifier(own_box: Make, door: Ways, dialect: str) -> None:
    clock = StillClock()
    box = sandbox(own_box, clock, dialect=dialect)
    one = writer(door, box, clock)
    old = next(row for row in rows(box) if (row["formKey"], row["intervalId"]) == ("VS", 501) and not row["deleted"])
    call = one.call
    done = [
        call("writing.register_subject", TWIN, "REG", 301, REGISTRATION["data"]),
        call("writing.create_new_record", TWIN, 60118, 20001, {"AETERM": "Cough"}),
        call("writing.update_scheduled_record", TWIN, "VS", old["subjectKey"], 501, {"SYSBP1": 144.5}),
        call("writing.update_scheduled_record", TWIN, "IMG", "301-902", "Month 6", {"IMMOD": "CT"}),
        call("writing.update_existing_record", TWIN, "VS", old["recordId"], {"DIABP1": 91}),
    ]
    subject = next((row for row in rows(box, "subjects") if row["subjectOid"]), None)
    if subject is not None:
        done.append(
            call("writing.create_new_record", TWIN, "CM", {"subjectOid": subject["subjectOid"]}, {"CMTRT": "A"})
        )
    assert [report.outcomes[0].state for report in done] == ["stored"] * len(done)
    assert done[2].record_ids == done[4].record_ids == [old["recordId"]]
    now = next(row for row in rows(box) if row["recordId"] == old["recordId"])["recordData"]
    assert (now["SYSBP1"], now["DIABP1"]) == ("144.5", "91")
    assert posts(box) == len(done)


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({**EVENT, "formKey": "ae"}, "no such form.*did you mean AE"),
        ({**EVENT, "formKey": "SS"}, "system form"),
        ({**EVENT, "formKey": "OLDVS"}, "disabled"),
        ({**EVENT, "data": {"AETREM": "x"}}, "data.AETREM: form AE has no such variable.*did you mean AETERM"),
        ({**EVENT, "data": {"aeterm": "x"}}, "did you mean AETERM"),
        ({**EVENT, "data": {"AENUM": "elf"}}, "data.AENUM: the value is not a plain number"),
        ({**EVENT, "data": {"AENUM": True}}, "takes a number, not bool"),
        ({**EVENT, "data": {"AESTTIM": "25:00"}}, "not a time of day"),
        ({**EVENT, "data": {"AESER": 1}}, "takes text, not int"),
        ({**EVENT, "data": {}}, "data: is missing or empty"),
        ({"formKey": "AE", "data": {"AENUM": 1}}, "neither a subject, nor a record, nor a site"),
        ({**EVENT, "subjectKey": "301-999"}, "no such subject"),
        ({**EVENT, "subjectId": "20001", "subjectKey": ""}, "must be a whole number"),
        ({**REGISTRATION, "siteName": "Nowhere"}, "no such site"),
        ({**REGISTRATION, "intervalName": "Screening"}, "a registration has no interval"),
        ({**REGISTRATION, "formKey": "AE", "data": {"AENUM": 1}}, "not a form that every subject.*did you mean .*REG"),
        ({**EVENT, "intervalName": "Month 66"}, "no such interval.*did you mean Month 6"),
        ({**EVENT, "intervalName": "Week 2 (retired)"}, "the interval is disabled"),
        ({**EVENT, "intervalName": "Month 6"}, "does not belong to this interval"),
        ({"formKey": "AE", "recordId": 1, "data": {"AENUM": 1}}, "no such record"),
        ({**EVENT, "formkey": "AE"}, "did you mean formKey"),
    ],
)
def test_j9_2_wrong_items_are_refused_before_anything_is_sent(
    own_box: Make, door: Ways, item: dict[str, Any], says: str
) -> None:
    clock = StillClock()
    box = sandbox(own_box, clock)
    one = writer(door, box, clock)
    with pytest.raises(ItemsRefusedError, match=rf"(?s)nothing was sent: item 1.*{says}") as caught:
        one.call("writing.submit", TWIN, [EVENT, item])
    assert all(problem.item == 1 for problem in caught.value.problems)
    assert not any(value in str(caught.value) for value in ("elf", "25:00", "301-999", "Nowhere"))
    assert posts(box) == 0


@both_dialects
@pytest.mark.parametrize("seconds", ["0", "3", "95", "never"])
def test_j9_3_jobs_are_waited_for(own_box: Make, door: Ways, dialect: str, seconds: str) -> None:
    clock = StillClock()
    box = sandbox(own_box, clock, dialect=dialect, switches={"jobSeconds": seconds})
    report = writer(door, box, clock).call("writing.submit", TWIN, [EVENT])
    (outcome,) = report.outcomes
    if seconds == "never":
        assert outcome.state == "unknown"
        assert outcome.batch_id is not None
        assert outcome.batch_id in outcome.detail
        assert "running" in outcome.detail.casefold()
        assert "verify" in outcome.detail
    else:
        assert outcome.state == "stored"
    assert clock.waits[:5] == [1, 2, 4, 5, 7.5][: len(clock.waits)]
    assert posts(box) == 1


@pytest.mark.parametrize("words", ["lower", "upper", "success", "unknown", "empty"])
def test_j9_3_states_in_any_words(own_box: Make, door: Ways, words: str) -> None:
    clock = StillClock()
    box = sandbox(own_box, clock, switches={"jobStates": words})
    assert writer(door, box, clock).call("writing.submit", TWIN, [EVENT]).complete


def test_j9_3_a_failed_job(own_box: Make, door: Ways) -> None:
    clock = StillClock()
    box = sandbox(own_box, clock, switches={"jobOutcome": "none"})
    report = writer(door, box, clock).call("writing.submit", TWIN, [EVENT, REGISTRATION])
    assert report.counts == {"missing": 2}
    assert "failed" in report.outcomes[0].detail


@both_dialects
def test_j9_4_a_partial_outcome_is_seen_though_the_job_says_completed(own_box: Make, door: Ways, dialect: str) -> None:
    clock = StillClock()
    box = sandbox(own_box, clock, dialect=dialect, switches={"jobOutcome": "partial"})
    items = [{**EVENT, "data": {"AENUM": number, "AETERM": "Cough"}} for number in range(4)]
    report = writer(door, box, clock).call("writing.submit", TWIN, items)
    assert [one.state for one in report.outcomes] == ["stored", "missing", "stored", "missing"]
    assert all("ended as" in one.detail for one in report.outcomes if one.state == "missing")


def test_j9_4_answers_that_came_back_otherwise_are_named(own_box: Make, door: Ways) -> None:
    """The server keeps something else than was sent."""

    def garbling(request: Request, answer: Callable[[Request], Answer]) -> Answer:
        if request.method == "POST":
            body = json.loads(request.body)
            body[0]["data"]["AETERM"] = "Cold"
            request = Request(request.method, request.target, request.headers, json.dumps(body).encode())
        return answer(request)

    clock = StillClock()
    box = sandbox(own_box, clock, intercept=garbling)
    item = {**EVENT, "data": {"AENUM": 11, "AETERM": "Cough", "AESER": "Yes"}}
    (outcome,) = writer(door, box, clock).call("writing.submit", TWIN, [item]).outcomes
    assert (outcome.state, outcome.fields) == ("different", ("AETERM",))
    assert "Cold" not in repr(outcome)


@both_dialects
@pytest.mark.parametrize("fault", ["drop-after-store POST records nth=1", "reset POST records nth=1"])
def test_j9_5_a_lost_answer_is_settled_by_reading_back(own_box: Make, door: Ways, dialect: str, fault: str) -> None:
    clock = StillClock()
    box = sandbox(own_box, clock, dialect=dialect, faults=[fault])
    report = writer(door, box, clock).call("writing.submit", TWIN, [EVENT, REGISTRATION])
    if fault.startswith("drop"):
        assert report.counts == {"stored": 2}
        assert None not in [one.subject_key for one in report.outcomes]
    else:
        assert report.counts == {"missing": 2}
        assert "--resend-missing" in report.outcomes[0].detail
        assert clock.passed == 300
    assert posts(box) == 1


def test_j9_5_where_nothing_can_be_read_back_the_outcome_is_unknown(own_box: Make, door: Ways, tmp_path: Path) -> None:
    down = False

    def failing(request: Request, answer: Callable[[Request], Answer]) -> Answer:
        nonlocal down
        if down:
            return Answer(500, b"{}")
        result = answer(request)
        if request.method == "POST":
            down = True
            return Answer(502, b"")
        return result

    clock = StillClock()
    box = sandbox(own_box, clock, intercept=failing)
    one = writer(door, box, clock, retries=0)
    journal = tmp_path / "journal.jsonl"
    report = one.call("writing.submit", TWIN, [EVENT], journal=journal)
    assert [outcome.state for outcome in report.outcomes] == ["unknown"]
    assert "imednet records verify" in report.outcomes[0].detail
    down = False
    assert one.call("writing.verify", journal).complete
    assert posts(box) == 1


@pytest.mark.parametrize("body", ["object", "list", "empty-list", "no-batch"])
@pytest.mark.parametrize("status", ["200", "202"])
def test_j9_6_every_shape_of_the_answer(own_box: Make, door: Ways, body: str, status: str) -> None:
    clock = StillClock()
    box = sandbox(own_box, clock, switches={"postBody": body, "postStatus": status})
    assert writer(door, box, clock).call("writing.submit", TWIN, [EVENT]).complete
    assert posts(box) == 1


def test_j9_7_a_plan_shows_exact_bodies_and_old_and_new(own_box: Make, door: Ways) -> None:
    clock = StillClock()
    box = sandbox(own_box, clock)
    one = writer(door, box, clock)
    old = next(row for row in rows(box) if row["formKey"] == "VS" and not row["deleted"] and row["recordData"])
    items = [{"formKey": "VS", "recordId": old["recordId"], "data": {"SYSBP1": "151"}}, EVENT]
    plan = one.call("writing.plan", TWIN, items, batch_size=1)
    assert posts(box) == 0
    assert plan.items[0].changes == {"SYSBP1": (old["recordData"].get("SYSBP1"), 151)}
    one.call("writing.submit", TWIN, plan)
    sent = [json.loads(request.body) for request in box.requests if request.method == "POST"]
    assert sent == plan.bodies == [[{**items[0], "data": {"SYSBP1": 151}}], [EVENT]]


def test_a_record_that_moved_since_the_plan_is_not_written(own_box: Make, door: Ways) -> None:
    clock = StillClock()
    box = sandbox(own_box, clock)
    one = writer(door, box, clock)
    old = next(row for row in rows(box) if row["formKey"] == "VS" and not row["deleted"] and row["recordData"])
    item = {"formKey": "VS", "recordId": old["recordId"], "data": {"SYSBP1": 151}}
    plan = one.call("writing.plan", TWIN, [item, EVENT])
    assert one.call("writing.submit", TWIN, [{**item, "data": {"SYSBP1": 99}}]).complete
    report = one.call("writing.submit", TWIN, plan)
    assert [outcome.state for outcome in report.outcomes] == ["conflict", "stored"]
    now = next(row for row in rows(box) if row["recordId"] == old["recordId"])
    assert now["recordData"]["SYSBP1"] == "99"


@pytest.mark.parametrize("on_error", ["stop", "continue"])
def test_batches_go_one_after_the_other_and_stop_or_continue(own_box: Make, door: Ways, on_error: str) -> None:
    clock = StillClock()
    box = sandbox(own_box, clock, faults=["status POST records nth=2 status=400"])
    items = [{**EVENT, "data": {"AENUM": number}} for number in range(130)]
    report = writer(door, box, clock).call("writing.submit", TWIN, items, on_error=on_error)
    last = {"stop": "not sent", "continue": "stored"}[on_error]
    assert [one.state for one in report.outcomes] == ["stored"] * 50 + ["refused"] * 50 + [last] * 30
    assert len({one.record_id for one in report.outcomes if one.record_id}) == report.counts["stored"]


def test_keys_that_may_not_write_end_the_run(own_box: Make, door: Ways) -> None:
    clock = StillClock()
    box = sandbox(own_box, clock)
    one = writer(door, box, clock)
    item = {**EVENT, "subjectKey": "301-001"}
    report = one.call("writing.submit", STUDY, [item] * 60, on_error="continue")
    assert report.counts == {"refused": 50, "not sent": 10}
    assert "may not write" in report.outcomes[0].detail
    with pytest.raises(ForbiddenError):
        one.call("writing.submit", "NO-SUCH", [item])


def test_a_journal_is_gone_on_with_and_belongs_to_its_items(own_box: Make, door: Ways, tmp_path: Path) -> None:
    """The process ends after the server took the second batch and before its answer came."""

    class Crash(BaseException):
        pass

    clock = StillClock()
    box = sandbox(own_box, clock)
    one = writer(door, box, clock)
    journal = tmp_path / "run.jsonl"
    items = [{**EVENT, "data": {"AENUM": number}} for number in range(5)]

    def crash(done: int, total: int, what: str) -> None:
        if what == "batch 0 is settled":
            raise Crash

    with pytest.raises(Crash):
        one.call("writing.submit", TWIN, items, journal=journal, batch_size=2, on_progress=crash)
    # the entry of the outcome is lost, as if the process had died before it was written
    kept = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(kept[:-1]) + kept[-1][:20])
    assert journal.stat().st_mode & 0o077 == 0
    report = one.call("writing.submit", TWIN, items, journal=journal, batch_size=2)
    assert report.complete
    assert [outcome.number for outcome in report.outcomes] == list(range(5))
    assert posts(box) == 3
    assert len([row for row in rows(box) if row["recordId"] in report.record_ids]) == 5
    assert one.call("writing.submit", TWIN, items, journal=journal).complete
    assert posts(box) == 3
    with pytest.raises(ArgumentError, match="journal of other items; 2 of the 3 given are among them"):
        one.call("writing.submit", TWIN, [*items[:2], {**items[0], "subjectKey": "other"}], journal=journal)
    with pytest.raises(ArgumentError, match=r"journal of other items\. Next: name another file"):
        one.call("writing.submit", TWIN, [{**items[0], "subjectKey": "other"}], journal=journal)
    (tmp_path / "x").write_text("{}")
    with pytest.raises(ArgumentError, match="is not the journal"):
        one.call("writing.verify", tmp_path / "x")


def test_an_address_to_notify_goes_along(own_box: Make, door: Ways) -> None:
    clock = StillClock()
    box = sandbox(own_box, clock)
    one = writer(door, box, clock)
    one.call("writing.submit", TWIN, [EVENT], email_notify="dm@example.org")
    (sent,) = [request for request in box.requests if request.method == "POST"]
    assert sent.headers["x-email-notify"] == "dm@example.org"


def test_subjects_are_registered_several_a_request(own_box: Make, door: Ways) -> None:
    box = own_box(switches={"jobSeconds": "0"})
    one = door(box)
    people = [{"siteId": 301, "data": {**REGISTRATION["data"], "REGYOB": year}} for year in (1950, 1951, 1950)]
    report = one.call("workflows.register_subjects.register_subjects", TWIN, people, form="REG")
    assert report.complete
    assert len({outcome.subject_key for outcome in report.outcomes}) == 3
    assert posts(box) == 1


@pytest.mark.parametrize(
    "wrong", [{"on_error": "go"}, {"batch_size": 0}, {"interval": 0}, {"items": []}, {"items": EVENT}]
)
def test_calls_that_make_no_sense_are_refused(own_box: Make, door: Ways, wrong: dict[str, Any]) -> None:
    box = own_box()
    options = {"items": [EVENT], **wrong}
    with pytest.raises(ArgumentError):
        door(box).call("workflows.record_update.submit", TWIN, options.pop("items"), **options)
    assert posts(box) == 0


def test_errors_of_reading_before_are_raised(own_box: Make, door: Ways) -> None:
    box = own_box(faults=["status GET forms status=500"])
    with pytest.raises(ImednetError, match="500"):
        door(box, retries=0).call("workflows.record_update.submit", TWIN, [EVENT])
    assert posts(box) == 0


def test_two_hundred_batches_over_bad_connections_are_reported_truly() -> None:
    """No item is stored twice, and each one is what it is reported to be; ten thousand in `nox -s soak`."""
    found = Simulated()
    for seed in range(10):
        simulate(20, seed, found)
    assert found.wrong == []
    assert found.batches == 200
    assert found.states.get("unknown", 0) <= found.items * 0.01
    assert found.states["stored"] > found.items / 2
    assert found.states["missing"] > 0
