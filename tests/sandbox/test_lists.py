"""Lists as a caller asks for them: filters, sorting, pages, and what is refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asking import MAIN, Client, error_of
from imednet.sandbox import Sandbox
from support import LISTS, examples

Row = dict[str, Any]


@pytest.fixture(scope="module")
def client(box: Sandbox) -> Client:
    return Client(box)


@pytest.fixture(scope="module")
def lenient() -> Client:
    return Client(Sandbox(lenient=True))


FILTERS: list[tuple[str, str, Callable[[Row], bool]]] = [
    ("studies", f"studyKey=={MAIN}", lambda r: r["studyKey"] == MAIN),
    ("sites", "siteId>303", lambda r: r["siteId"] > 303),
    ("sites", 'siteName=="Lakeshore Heart Institute"', lambda r: r["siteId"] == 301),
    ("sites", "siteName=='Hôpital Saint-Élan, \"Pavillon B\"'", lambda r: r["siteId"] == 303),
    ("sites", 'siteName=="St. Brigid\'s / North Campus; Unit 2"', lambda r: r["siteId"] == 305),
    ("sites", 'siteEnrollmentStatus!="Enrollment Open"', lambda r: r["siteEnrollmentStatus"] != "Enrollment Open"),
    ("forms", "formType==Site", lambda r: r["formType"] == "Site"),
    ("forms", "formKey==AE,formId==60101", lambda r: r["formKey"] in ("AE", "REG")),
    ("intervals", "intervalId<=502", lambda r: r["intervalId"] <= 502),
    ("variables", "formKey==VS;variableType==NUMBER", lambda r: (r["formKey"], r["variableType"]) == ("VS", "NUMBER")),
    ("variables", 'label=="Position"', lambda r: r["label"] == "Position"),
    ("subjects", "siteId==301;subjectStatus==Enrolled",
     lambda r: (r["siteId"], r["subjectStatus"]) == (301, "Enrolled")),
    ("subjects", "subjectKey==301-001", lambda r: r["subjectKey"] == "301-001"),
    ("visits", "intervalGroupName==ePRO", lambda r: r["intervalName"].startswith("Diary")),
    ("visits", "intervalGroupId==10;subjectKey==301-001",
     lambda r: r["intervalId"] in (501, 502) and r["subjectKey"] == "301-001"),
    ("visits", "visitDate<2024-06-01", lambda r: bool(r["visitDate"]) and r["visitDate"] < "2024-06-01"),
    ("visits", "dueDate>=2026-11-01", lambda r: bool(r["dueDate"]) and r["dueDate"] >= "2026-11-01"),
    ("records", "formKey==AE;siteId==301,formId==60101",
     lambda r: (r["formKey"] == "AE" and r["siteId"] == 301) or r["formId"] == 60101),
    ("records", "recordStatus==\"Record Complete\"", lambda r: r["recordStatus"] == "Record Complete"),
    ("records", "parentRecordId>0", lambda r: (r["parentRecordId"] or 0) > 0),
    ("records", "recordType==SITE", lambda r: r["recordType"] == "SITE"),
    ("records", "intervalId==506", lambda r: r["intervalId"] == 506),
    ("records", "dateModified>=2026-09-15T02:00:00Z", lambda r: r["dateModified"] >= "2026-09-15 02:00:00"),
    ("records", "dateModified==2026-09-14T20:00:00-06:00", lambda r: r["dateModified"] == "2026-09-15 02:00:00"),
    ("records", "dateCreated<2024-06-01T02:00:00+02:00", lambda r: r["dateCreated"] < "2024-06-01 00:00:00"),
    ("recordRevisions", "recordRevision>=4", lambda r: r["recordRevision"] >= 4),
    ("recordRevisions", 'reasonForChange=="Entered in error"', lambda r: r["reasonForChange"] == "Entered in error"),
    ("recordRevisions", "dataRevision==3;subjectKey!=301-001",
     lambda r: r["dataRevision"] == 3 and r["subjectKey"] != "301-001"),
    ("queries", "variable==AEENDAT", lambda r: r["variable"] == "AEENDAT"),
    ("queries", "annotationType==subject", lambda r: r["annotationType"] == "subject"),
    ("codings", "dictionaryName==MedDRA;revision==2", lambda r: (r["dictionaryName"], r["revision"]) == ("MedDRA", 2)),
    ("codings", "dateCoded>2026-01-01T00:00:00Z", lambda r: r["dateCoded"] > "2026-01-01 00:00:00"),
    ("codings", 'codedBy=="Pat Former"', lambda r: r["codedBy"] == "Pat Former"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "passes"), FILTERS, ids=[f"{name} {text}" for name, text, _ in FILTERS])
def test_filters(client: Client, name: str, text: str, passes: Callable[[Row], bool]) -> None:
    """Rows that pass are exactly those that a plain test of all rows finds, and there are some and not all."""
    ask = client if name != "studies" else Client(client.box, "")
    path = name if name != "studies" else ""
    if name == "studies":
        found = json.loads(ask.ask("GET", "/api/v1/edc/studies", filter=text).body)["data"]
        everything = json.loads(ask.ask("GET", "/api/v1/edc/studies").body)["data"]
    else:
        found, everything = ask.rows(path, filter=text), ask.rows(path)
    wanted = [row for row in everything if passes(row)]
    assert found == wanted
    assert 0 < len(wanted) < len(everything)


def test_word_connectors_are_connectors(client: Client) -> None:
    both = client.rows("records", filter="formKey==AE and siteId==301")
    assert both == client.rows("records", filter="formKey==AE;siteId==301")
    assert client.rows("records", filter="formKey==AE or formId==60101") == client.rows(
        "records", filter="formKey==AE,formId==60101"
    )


@pytest.mark.parametrize(
    "text",
    ["", "formKey", "formKey==", "==AE", "formKey=AE", "formKey==AE;", ";formKey==AE", "formKey==AE;;siteId==301",
     "formKey=~AE", 'formKey=="AE', "dateModified>2026", "dateModified>2026-01-01 00:00:00", "formKey==AEandsiteId==1"],
)  # fmt: skip
def test_what_is_no_filter_is_refused(client: Client, lenient: Client, text: str) -> None:
    for ask in (client, lenient):
        status, error = error_of(ask.answer("records", filter=text))
        assert (status, error["code"], error["field"]) == (400, "1000", {"attribute": "filter", "value": text})


STRICT: list[tuple[str, str, str]] = [
    ("filterSpaces", "formKey == AE", "formKey==AE"),
    ("filterSpaces", "formId> 60110 ;siteId ==301", "formId>60110;siteId==301"),
    ("filterRepeatAttribute", "formId>60105;formId<60108", ""),
    ("filterUnknownAttribute", "nonsense==1;formKey==AE", "formKey==AE"),
    ("filterCase", "FORMKEY==ae", "formKey==AE"),
    ("filterParentheses", "(formKey==AE,formKey==CM);siteId==301", ""),
    ("deletedFilterable", "deleted==true", ""),
]


@pytest.mark.parametrize(("switch", "text", "same"), STRICT, ids=[text for _, text, _ in STRICT])
def test_each_rule_can_be_switched(client: Client, switch: str, text: str, same: str) -> None:
    """The strict server refuses; with this one switch turned (and repeats allowed) it understands."""
    strict = Client(Sandbox(switches={"filterSpaces": "refused"}))
    assert error_of(strict.answer("records", filter=text))[0] == 400
    turned = {switch: "yes" if switch == "deletedFilterable" else "accepted"}
    if switch == "filterCase":
        turned = {switch: "insensitive"}
    if switch == "filterUnknownAttribute":
        turned = {switch: "ignored"}
    if switch == "filterParentheses":
        turned["filterRepeatAttribute"] = "accepted"
    ask = Client(Sandbox(switches=turned))
    found = ask.rows("records", filter=text)
    everything = client.rows("records")
    tests: dict[str, Callable[[Row], bool]] = {
        "filterRepeatAttribute": lambda r: 60105 < r["formId"] < 60108,
        "filterParentheses": lambda r: r["formKey"] in ("AE", "CM") and r["siteId"] == 301,
        "deletedFilterable": lambda r: r["deleted"],
    }
    wanted = client.rows("records", filter=same) if same else [row for row in everything if tests[switch](row)]
    assert found == wanted != []


def below_five(value: Any) -> bool:
    """Text is compared as text, numbers as numbers."""
    if isinstance(value, bool) or not value:
        return False
    return value < "5" if isinstance(value, str) else bool(value < 5)


ANSWER_FILTERS: list[tuple[str, Callable[[Row], bool]]] = [
    ("AESER==Yes", lambda d: d.get("AESER") == "Yes"),
    ("AESER==Yes;AEONGO==No", lambda d: d.get("AESER") == "Yes" and d.get("AEONGO") == "No"),
    ("AESER==Yes,IEYN==No", lambda d: d.get("AESER") == "Yes" or d.get("IEYN") == "No"),
    ("AETERM=~ACHE", lambda d: "ache" in str(d.get("AETERM", "")).lower()),
    ("AETERM=~^back", lambda d: str(d.get("AETERM", "")).lower().startswith("back")),
    ("AENARR=~standing\\.", lambda d: "standing." in str(d.get("AENARR", ""))),
    ("SYSBP1<5", lambda d: below_five(d.get("SYSBP1"))),
]


@pytest.mark.parametrize(("text", "passes"), ANSWER_FILTERS, ids=[text for text, _ in ANSWER_FILTERS])
def test_record_data_filters(client: Client, text: str, passes: Callable[[Row], bool]) -> None:
    found = client.rows("records", recordDataFilter=text)
    assert found == [row for row in client.rows("records") if passes(row["recordData"] or {})]
    assert found


def test_both_filters_together(client: Client) -> None:
    found = client.rows("records", recordDataFilter="AESER==Yes", filter="siteId==303")
    assert found == [
        row for row in client.rows("records", filter="siteId==303") if (row["recordData"] or {}).get("AESER") == "Yes"
    ]


def test_connectors_of_record_data_are_not_mixed(client: Client, lenient: Client) -> None:
    text = "AESER==Yes;AEONGO==No,IEYN==No"
    assert error_of(client.answer("records", recordDataFilter=text))[1]["field"]["attribute"] == "recordDataFilter"
    found = lenient.rows("records", recordDataFilter=text)
    assert {row["formKey"] for row in found} == {"AE", "ELIG"}
    for wrong in ("", "AESER", "AESER~Yes", "AETERM=~(", "AESER==Yes and AEONGO==No"):
        assert error_of(client.answer("records", recordDataFilter=wrong))[0] == 400


@settings(deadline=None, max_examples=examples(50))
@given(data=st.data())
def test_a_filter_means_what_it_says(client: Client, data: st.DataObject) -> None:
    """Any expression of the grammar, evaluated here a second time from its parts."""
    names = {
        "formId": (st.integers(60100, 60130), lambda r: r["formId"]),
        "siteId": (st.integers(300, 307), lambda r: r["siteId"]),
        "recordId": (st.integers(5000000, 5008400), lambda r: r["recordId"]),
        "intervalId": (st.integers(500, 541), lambda r: r["intervalId"]),
    }
    chosen = data.draw(st.lists(st.sampled_from(sorted(names)), min_size=1, max_size=4, unique=True))
    parts, connectors = [], []
    for name in chosen:
        operator = data.draw(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
        parts.append((name, operator, data.draw(names[name][0])))
        connectors.append(data.draw(st.sampled_from([";", ",", " and ", " or "])))
    text = "".join(
        f"{name}{op}{value}{connector}" for (name, op, value), connector in zip(parts, connectors, strict=True)
    )
    text = text.removesuffix(connectors[-1])

    def one(row: Row, part: tuple[str, str, int]) -> bool:
        name, operator, value = part
        have = names[name][1](row)
        if operator in ("==", "!="):
            return (have == value) is (operator == "==")
        return have is not None and bool(eval(f"{have}{operator}{value}"))

    groups: list[list[tuple[str, str, int]]] = [[parts[0]]]
    for connector, part in zip(connectors, parts[1:], strict=False):
        if connector in (",", " or "):
            groups.append([])
        groups[-1].append(part)
    page = client.get("records", filter=text, size=500)
    everything = client.box.studies[MAIN].records
    wanted = [
        row["recordId"]
        for row in (everything.row(place) for place in everything.places())
        if any(all(one(row, part) for part in group) for group in groups)
    ]
    assert page["pagination"]["totalElements"] == len(wanted)
    assert [row["recordId"] for row in page["data"]] == wanted[:500]


class TestSortingAndPaging:
    def test_two_keys_and_both_directions(self, client: Client) -> None:
        found = client.rows("subjects", sort=["subjectStatus,DESC", "subjectKey,asc"])
        rows = sorted(client.rows("subjects"), key=lambda row: row["subjectKey"])
        assert found == sorted(rows, key=lambda row: row["subjectStatus"], reverse=True)
        page = client.get("subjects", sort=["subjectStatus,DESC", "subjectKey,asc"])
        assert page["pagination"]["sort"] == [
            {"property": "subjectStatus", "direction": "DESC"}, {"property": "subjectKey", "direction": "ASC"},
        ]  # fmt: skip

    @pytest.mark.parametrize("name", list(LISTS.values()))
    def test_pages_of_any_size_make_the_whole(self, client: Client, name: str) -> None:
        """Also upside down, and with a last page that is cut short; past the end there is nothing."""
        whole = client.rows(name)
        assert [
            row for page in range(-(-len(whole) // 499)) for row in client.get(name, size=499, page=page)["data"]
        ] == whole
        key = {"recordRevisions": "recordRevisionId", "queries": "annotationId", "users": "login"}.get(
            name, "dateCreated"
        )
        if name in ("sites", "subjects", "visits", "records", "recordRevisions", "queries"):
            field = {"sites": "siteId", "subjects": "subjectId", "visits": "visitId", "records": "recordId"}.get(
                name, key
            )
            assert client.rows(name, sort=f"{field},desc") == whole[::-1]
        beyond = client.get(name, size=500, page=1000)
        assert (beyond["data"], beyond["pagination"]["totalElements"]) == ([], len(whole))

    @pytest.mark.parametrize(
        ("query", "attribute"),
        [({"page": "-1"}, "page"), ({"page": "XX"}, "page"), ({"size": "0"}, "size"), ({"size": "501"}, "size"),
         ({"sort": "nothing,asc"}, "sort"), ({"sort": "siteId,down"}, "sort"), ({"sort": "keywords"}, "sort")],
    )  # fmt: skip
    def test_what_is_out_of_range_is_refused(self, client: Client, query: dict[str, str], attribute: str) -> None:
        status, error = error_of(client.answer("records", **query))
        assert (status, error["field"]) == (400, {"attribute": attribute, "value": query[attribute]})

    def test_lenient_servers_clamp_and_ignore(self, lenient: Client) -> None:
        page = lenient.get("records", size=501, sort="nothing,asc")
        assert page["pagination"]["size"] == 500
        assert page["pagination"]["sort"] == [{"property": "recordId", "direction": "ASC"}]

    def test_default_order(self, client: Client) -> None:
        assert client.get("codings")["pagination"]["sort"] == [{"property": "formId", "direction": "ASC"}]
        rows = client.rows("codings")
        assert rows == sorted(rows, key=lambda row: (row["formId"], row["codingId"], row["revision"]))
        rows = client.rows("variables")
        assert rows == sorted(rows, key=lambda row: (row["formId"], row["variableId"]))

    def test_inactive_users_are_hidden(self, client: Client) -> None:
        everyone = client.rows("users", includeInactive="true")
        assert client.rows("users") == [row for row in everyone if row["userActiveInStudy"]]
        assert len(everyone) == 23
        assert error_of(client.answer("users", includeInactive="maybe"))[0] == 400


class TestMemory:
    def test_rows_handed_out_are_the_callers_own(self, box: Sandbox) -> None:
        study = box.studies[MAIN]
        for name in LISTS.values():
            table = study.table(name)
            row = table.row(0)
            before = json.dumps(row)
            for value in row.values():
                if isinstance(value, list):
                    value.append("mine")
            row.clear()
            assert json.dumps(table.row(0)) == before, name

    def test_pages_are_compressed_for_those_who_ask(self, box: Sandbox) -> None:
        plain = Client(box).answer("records", size=500)
        packed = Client(box, **{"accept-encoding": "gzip, deflate"}).answer("records", size=500)
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.body) == plain.body
        assert len(packed.body) < len(plain.body) / 3
        never = Client(Sandbox(switches={"gzip": "never"}), **{"accept-encoding": "gzip"})
        assert "Content-Encoding" not in never.answer("records").headers


class TestRefusals:
    def test_keys_headers_and_paths(self, box: Sandbox) -> None:
        wrong = Client(box, **{"x-api-key": "nobody"})
        assert error_of(wrong.answer("sites")) == (
            401, {"code": "9001", "description": "Insufficient permission to retrieve data"},
        )  # fmt: skip
        foreign = error_of(Client(box, "OTHER").answer("sites"))
        assert (foreign[0], foreign[1]["field"]) == (403, {"attribute": "studyKey", "value": "OTHER"})
        assert error_of(Client(Sandbox(lenient=True), "OTHER").answer("sites"))[0] == 404
        assert error_of(Client(box, **{"content-type": ""}).answer("sites"))[1]["field"]["attribute"] == "Content-Type"
        accept = Client(Sandbox(switches={"missingAccept": "refused"}))
        assert error_of(accept.answer("sites"))[1]["field"]["attribute"] == "Accept"
        for path in ("records/5000001", "nothing", "jobs", "jobs/x", "studies", "sites/1/2"):
            assert error_of(Client(box).answer(path))[0] == 404, path
        assert error_of(Client(box).ask("GET", f"/api/v1/edc/studies/{MAIN}"))[0] == 500
        assert error_of(Client(box).ask("GET", "/api/v2/edc/studies"))[0] == 404
        for method in ("PUT", "DELETE", "PATCH", "POST"):
            assert error_of(Client(box).ask(method, f"/api/v1/edc/studies/{MAIN}/sites"))[0] == 405

    @pytest.mark.parametrize("shape", ["vendor", "third-party", "gateway", "html", "empty"])
    def test_error_bodies_come_in_five_shapes(self, shape: str) -> None:
        answer = Client(Sandbox(switches={"errorBody": shape}), "OTHER").answer("sites")
        assert answer.status == 403
        text = "Insufficient permission to retrieve data"
        if shape == "html":
            assert b"<html>" in answer.body
        elif shape == "empty":
            assert answer.body == b""
        else:
            body = json.loads(answer.body)
            error = body.get("metadata", {}).get("error", {})
            assert text in (body.get("message"), error.get("message"), error.get("description"))


class TestParameters:
    """Parameters that a list does not have, and a filter on users."""

    @pytest.mark.parametrize(
        ("name", "asked"),
        [
            ("records", {"pageSize": "5"}), ("sites", {"recordDataFilter": "A==1"}),
            ("forms", {"includeInactive": "1"}), ("users", {"filter": "login==x"}),
        ],
    )  # fmt: skip
    def test_they_are_refused_or_go_unseen(self, client: Client, lenient: Client, name: str, asked: Any) -> None:
        status, error = error_of(client.answer(name, **asked))
        assert (status, error["field"]["attribute"]) == (400, next(iter(asked)))
        assert lenient.rows(name, **asked) == lenient.rows(name)

    def test_those_it_has_are_taken(self, client: Client) -> None:
        assert client.answer("users", includeInactive="true", sort="login,asc", size="5", page="0").status == 200

    def test_the_blanks_of_the_vendors_sample_are_understood(self, client: Client) -> None:
        assert client.rows("records", filter="formKey == AE") == client.rows("records", filter="formKey==AE")
