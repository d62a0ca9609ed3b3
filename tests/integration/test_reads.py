"""Every list over real sockets, blocking and asynchronous: whole, typed, raw, counted, sorted, filtered."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from imednet import AsyncImednetSDK, ImednetSDK
from imednet.core.context import study_context
from imednet.errors import (
    ArgumentError,
    ForbiddenError,
    LifecycleError,
    NotFoundError,
    UnauthorizedError,
    UnknownFilterError,
)
from imednet.sandbox import Answer, Request, Sandbox
from imednet.sandbox.study.tables import KEYS
from support import LISTS, STUDY, Ways, served


@pytest.mark.parametrize("attribute", LISTS)
def test_every_list_is_what_the_sandbox_holds(box: Sandbox, door: Ways, attribute: str) -> None:
    """list, iter, pages, raw and count agree with the sandbox's own dictionaries, to the last field."""
    sdk = door(box)
    expected = served(box.studies[STUDY], LISTS[attribute])
    rows = sdk.call(f"{attribute}.list", STUDY)
    assert [row.to_dict() for row in rows] == expected
    assert rows.proof.rows == len(expected)
    assert rows.proof.proven
    assert sdk.call(f"{attribute}.list", STUDY, raw=True) == expected
    assert [row.to_dict() for row in sdk.call(f"{attribute}.iter", STUDY, page_size=400)] == expected
    pages = sdk.call(f"{attribute}.pages", STUDY, page_size=300, raw=True)
    assert [row for page in pages for row in page.rows] == expected
    assert [page.number for page in pages] == list(range(len(pages)))
    assert sdk.call(f"{attribute}.count", STUDY) == len(expected)


def test_studies_are_listed_without_a_study(box: Sandbox, door: Ways) -> None:
    assert [study.study_key for study in door(box).call("studies.list")] == [STUDY, f"{STUDY}-DEV"]


@pytest.mark.parametrize("attribute", LISTS)
def test_get_finds_one_row_by_its_identity(box: Sandbox, door: Ways, attribute: str) -> None:
    """A filtered list of one; for users, whom the server cannot filter, a look through all of them."""
    sdk = door(box)
    rows = sdk.call(f"{attribute}.list", STUDY)
    key = {"users": "user_id", "codings": "coding_id"}.get(attribute) or list(rows[0].FIELDS.values())[
        list(rows[0].FIELDS).index(KEYS[LISTS[attribute]][0])
    ]
    wanted = [row for row in rows if getattr(row, key) == getattr(rows[-1], key)][-1]
    assert sdk.call(f"{attribute}.get", STUDY, getattr(wanted, key)) == wanted
    with pytest.raises(NotFoundError, match="no row of"):
        sdk.call(f"{attribute}.get", STUDY, 12)


def test_conveniences_are_the_lists_under_flat_names(box: Sandbox, door: Ways) -> None:
    sdk = door(box)
    prefix = "async_get" if sdk.kind == "async" else "get"
    for attribute in LISTS:
        assert sdk.call(f"{prefix}_{attribute}", STUDY) == sdk.call(f"{attribute}.list", STUDY)
    assert len(sdk.call(f"{prefix}_studies")) == 2
    assert len(sdk.call(f"{prefix}_records", STUDY, form_key="SITEINIT")) == 6


def test_keyword_filters_choose_on_the_server(box: Sandbox, door: Ways) -> None:
    sdk = door(box)
    expected = served(box.studies[STUDY], "records")
    Choice = tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]
    choices: list[Choice] = [
        ({"form_key": "AE"}, lambda row: row["formKey"] == "AE"),
        ({"form_key": "VS", "site_id": 302}, lambda row: row["formKey"] == "VS" and row["siteId"] == 302),
        ({"record_id": (">", 5004000)}, lambda row: row["recordId"] > 5004000),
        ({"filters": {"formKey": "CM"}}, lambda row: row["formKey"] == "CM"),
        ({"form_key": None, "subject_key": "301-003"}, lambda row: row["subjectKey"] == "301-003"),
        ({"record_data_filter": "AESER==No"}, lambda row: (row["recordData"] or {}).get("AESER") == "No"),
    ]
    for keywords, test in choices:
        rows = sdk.call("records.list", STUDY, raw=True, page_size=50, **keywords)
        assert rows == [row for row in expected if test(row)], keywords
        assert rows.proof.proven
    names = [row["siteName"] for row in served(box.studies[STUDY], "sites")]
    for name in names:
        if not ("'" in name and '"' in name):
            assert [site.site_name for site in sdk.call("sites.list", STUDY, site_name=name)] == [name]
    visits = sdk.call("visits.list", STUDY, interval_group_name="Treatment")
    assert {visit.interval_name for visit in visits} == {"Procedure", "Discharge"}
    assert len(sdk.call("users.list", STUDY, include_inactive=True)) == 23


def test_what_cannot_be_asked_is_an_error_before_anything_is_sent(own_box: Callable[..., Sandbox], door: Ways) -> None:
    box = own_box()
    sdk = door(box)
    wrong: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"study": STUDY}, UnknownFilterError),
        ({"study_key": STUDY, "formkey": "AE"}, UnknownFilterError),
        ({"study_key": STUDY, "page_size": 501}, ArgumentError),
        ({"study_key": STUDY, "page_size": 0}, ArgumentError),
        ({"study_key": STUDY, "filter": ""}, ArgumentError),
        ({"study_key": STUDY, "filter": "a==1,b==2", "form_key": "AE"}, ArgumentError),
        ({"study_key": STUDY, "sort": "nothing"}, ArgumentError),
        ({"study_key": STUDY, "record_data_filter": "A==1;B==2,C==3"}, ArgumentError),
        ({"study_key": "a/b"}, ArgumentError),
        ({"study_key": ".."}, ArgumentError),
        ({}, ValueError),
    ]
    for arguments, kind in wrong:
        with pytest.raises(kind):
            sdk.call("records.list", **arguments)
    with pytest.raises(UnknownFilterError, match="cannot filter users"):
        sdk.call("users.list", STUDY, login="x")
    assert box.requests == []


def test_sort_orders_the_result_and_not_the_pages(own_box: Callable[..., Sandbox], door: Ways) -> None:
    box = own_box()
    sdk = door(box)
    rows = sdk.call("subjects.list", STUDY, sort="enrollmentStartDate,desc", page_size=20)
    dates = [row.enrollment_start_date for row in rows]
    present = [date for date in dates if date is not None]
    assert present == sorted(present, reverse=True)
    assert dates[len(present) :] == [None] * (len(dates) - len(present))
    assert rows.proof.proven
    sorts = {value for request in box.requests for name, value in request.query if name == "sort"}
    assert sorts == {"subjectId,asc"}
    again = sdk.call("subjects.iter", STUDY, sort=["site_id", "subject_key,desc"], raw=True)
    assert again == sorted(
        sorted(served(box.studies[STUDY], "subjects"), key=lambda row: str(row["subjectKey"]), reverse=True),
        key=lambda row: int(row["siteId"]),
    )


def test_lists_of_the_design_are_kept_until_refreshed(own_box: Callable[..., Sandbox], door: Ways) -> None:
    box = own_box()
    sdk = door(box)
    for _ in range(3):
        assert len(sdk.call("forms.list", STUDY)) == 29
    assert len(box.requests) == 1
    sdk.call("forms.list", STUDY, refresh=True)
    sdk.call("forms.list", STUDY, form_key="AE")
    assert len(box.requests) == 3
    for _ in range(2):
        sdk.call("subjects.list", STUDY)
    assert len(box.requests) == 5


def test_the_study_of_the_context_is_meant_where_none_is_named(box: Sandbox, door: Ways) -> None:
    sdk = door(box)
    with study_context(STUDY):
        assert len(sdk.call("sites.list")) == 6
        assert sdk.call("records.count") == len(served(box.studies[STUDY], "records"))
    with pytest.raises(ValueError, match="no study"):
        sdk.call("sites.list")


def test_wrong_keys_cost_one_request(own_box: Callable[..., Sandbox], door: Ways) -> None:
    box = own_box()
    with pytest.raises(UnauthorizedError, match="imednet check") as caught:
        door(box, api_key="wrong").call("records.list", STUDY)
    assert (caught.value.code, caught.value.status_code, len(box.requests)) == ("9001", 401, 1)


def test_an_unknown_study_is_named(box: Sandbox, door: Ways) -> None:
    with pytest.raises(ForbiddenError, match="may not read study 'ABC-01'"):
        door(box).call("records.list", "ABC-01")


@pytest.mark.parametrize("limit", [6, 1, 2])
def test_no_more_requests_are_under_way_than_allowed(own_box: Callable[..., Sandbox], door: Ways, limit: int) -> None:
    """Pages are asked for ahead, but never more than `max_in_flight` at once, 6 unless said."""
    lock, now, most = threading.Lock(), 0, 0

    def slow(request: Request, answer: Callable[[Request], Answer]) -> Answer:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.03)
        result = answer(request)
        with lock:
            now -= 1
        return result

    box = own_box(intercept=slow)
    options = {} if limit == 6 else {"max_in_flight": limit}
    rows = door(box, **options).call("records.list", STUDY, page_size=100)
    assert len(rows) == len(served(box.studies[STUDY], "records"))
    assert most == limit


def test_iter_reads_no_further_than_it_is_asked(own_box: Callable[..., Sandbox]) -> None:
    box = own_box()
    with ImednetSDK(**box.credentials) as sdk:
        rows = sdk.records.iter(STUDY, page_size=50)
        next(rows)
        rows.close()
        assert rows.proof is None
    assert len(box.requests) <= 8


def test_own_http_clients_are_used_and_not_closed(box: Sandbox) -> None:
    with httpx.Client(headers={"user-agent": "mine"}) as mine:
        with ImednetSDK(**box.credentials, http_client=mine) as sdk:
            assert len(sdk.sites.list(STUDY)) == 6
        assert not mine.is_closed

    async def run() -> None:
        async with httpx.AsyncClient() as mine:
            async with AsyncImednetSDK(**box.credentials, http_client=mine) as sdk:
                assert len(await sdk.sites.list(STUDY)) == 6
            assert not mine.is_closed

    asyncio.run(run())


def test_the_wrong_way_to_open_or_close_names_the_right_one(box: Sandbox) -> None:
    async def run() -> None:
        with pytest.raises(TypeError, match=r"await sdk\.aclose"):
            AsyncImednetSDK(**box.credentials).close()
        with pytest.raises(TypeError, match="async with"), AsyncImednetSDK(**box.credentials):
            pass
        with pytest.raises(LifecycleError, match=r"sdk\.close\(\)"):
            await ImednetSDK(**box.credentials).aclose()
        with pytest.raises(LifecycleError, match="AsyncImednetSDK"):
            async with ImednetSDK(**box.credentials):
                pass

    asyncio.run(run())


def test_a_closed_sdk_says_so(box: Sandbox) -> None:
    sdk = ImednetSDK(**box.credentials)
    sdk.close()
    with pytest.raises(LifecycleError, match="closed"):
        sdk.sites.list(STUDY)

    async def run() -> None:
        sdk = AsyncImednetSDK(**box.credentials)
        await sdk.aclose()
        with pytest.raises(LifecycleError, match="closed"):
            await sdk.sites.list(STUDY)

    asyncio.run(run())


def test_one_sdk_serves_many_threads(box: Sandbox) -> None:
    expected = len(served(box.studies[STUDY], "visits"))
    found: list[int] = []
    with ImednetSDK(**box.credentials) as sdk:

        def work() -> None:
            found.append(len(sdk.visits.list(STUDY, page_size=200)))

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [expected] * 6


def test_headers_are_what_the_vendor_asks_for(own_box: Callable[..., Sandbox], door: Ways) -> None:
    box = own_box()
    door(box).call("sites.list", STUDY)
    headers = box.requests[0].headers
    expected: dict[str, Any] = {
        "accept": "application/json",
        "content-type": "application/json",
        "x-api-key": box.credentials["api_key"],
        "x-imn-security-key": box.credentials["security_key"],
    }
    assert expected.items() <= headers.items()
