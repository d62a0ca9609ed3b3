"""Keyword filters beyond one value an attribute, and conditions written in Python; against the sandbox's own rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from imednet import F
from imednet.core.filtering.conditions import row_test
from imednet.core.filtering.split import named_filters, plan
from imednet.errors import ArgumentError, ForbiddenError
from imednet.sandbox import Sandbox
from imednet_api.api import operation
from support import STUDY, Ways, served

Row = dict[str, Any]


def expected(box: Sandbox, keep: Callable[[Row], bool], name: str = "records") -> list[int]:
    key = {"records": "recordId", "subjects": "subjectId"}[name]
    return [row[key] for row in served(box.studies[STUDY], name) if keep(row)]


def read(door: Ways, box: Sandbox, **filters: Any) -> tuple[list[int], Any]:
    rows = door(box).call("records.list", STUDY, **filters)
    return [row.record_id for row in rows], rows.proof


class TestKeywords:
    def test_a_range_of_times_is_half_the_servers_and_half_ours(self, box: Sandbox, door: Ways) -> None:
        """`datetime` is written as the server wants it; the other end of the range is tested on the rows."""
        times = sorted(row["dateModified"] for row in served(box.studies[STUDY], "records"))
        low = datetime.fromisoformat(times[len(times) // 3]).replace(tzinfo=UTC)
        high = datetime.fromisoformat(times[len(times) // 2]).replace(tzinfo=UTC)
        ids, proof = read(door, box, date_modified={">=": low, "<": high})
        wanted = expected(
            box, lambda row: low <= datetime.fromisoformat(row["dateModified"]).replace(tzinfo=UTC) < high
        )
        assert ids == wanted
        assert ids
        assert proof.proven
        assert (proof.filtered_here, proof.kept, proof.parts) == (("dateModified",), len(ids), 1)
        assert proof.rows > proof.kept

    def test_a_list_of_keys_is_several_reads(self, box: Sandbox, door: Ways) -> None:
        ids, proof = read(door, box, form_key=["AE", "VS", "AE"])
        assert sorted(ids) == expected(box, lambda row: row["formKey"] in ("AE", "VS"))
        assert (proof.parts, proof.filtered_here, proof.proven) == (2, (), True)
        assert proof.rows == len(ids)

    def test_a_list_of_words_that_change_is_tested_on_the_rows(self, box: Sandbox, door: Ways) -> None:
        words = sorted({row["recordStatus"] for row in served(box.studies[STUDY], "records")})[:2]
        ids, proof = read(door, box, record_status=words)
        assert ids == expected(box, lambda row: row["recordStatus"] in words)
        assert (proof.parts, proof.filtered_here) == (1, ("recordStatus",))

    def test_all_of_them_together(self, box: Sandbox, door: Ways) -> None:
        ids, proof = read(
            door,
            box,
            filter="siteId>=301",
            site_id=("<", 304),
            form_key=["AE", "VS"],
            record_id={">": 5000100, "<": 5002500},
        )
        assert sorted(ids) == expected(
            box,
            lambda row: (
                301 <= row["siteId"] < 304 and row["formKey"] in ("AE", "VS") and 5000100 < row["recordId"] < 5002500
            ),
        )
        assert ids
        assert (proof.parts, proof.filtered_here) == (2, ("siteId",))

    def test_a_range_that_no_number_is_in_is_empty_and_asks_the_server(self, box: Sandbox, door: Ways) -> None:
        """A load that goes on where the last one ended may come to such a range."""
        one = door(box)
        numbers = [row.record_id for row in one.call("records.list", STUDY)]
        for above, below in ((numbers[-1], numbers[0]), (numbers[700], numbers[5]), (numbers[9], numbers[9])):
            rows = one.call("records.list", STUDY, record_id={">": above, "<": below})
            assert (list(rows), rows.proof.status, rows.proof.total, rows.proof.requests) == ([], "proven", 0, 1)
        with pytest.raises(ForbiddenError):
            one.call("records.list", "NO-SUCH-STUDY", record_id={">": 5, "<": 4})

    def test_what_looks_like_a_number_and_is_none_is_left_to_the_server(self, box: Sandbox, door: Ways) -> None:
        rows = door(box).call("records.list", STUDY, filter="recordId>--5")
        assert rows.proof.rule != "intervals"

    def test_counts_agree_with_lists(self, box: Sandbox, door: Ways) -> None:
        one = door(box)
        for filters in ({"form_key": ["AE", "VS"]}, {"site_id": {">=": 302, "<": 305}}, {"record_status": ["x", "y"]}):
            assert one.call("records.count", STUDY, **filters) == len(one.call("records.list", STUDY, **filters))

    @pytest.mark.parametrize("method", ["iter", "pages"])
    def test_iterators_filter_alike(self, box: Sandbox, door: Ways, method: str) -> None:
        found = door(box).call(
            f"records.{method}", STUDY, site_id={">=": 302, "<": 305}, form_key=["AE", "VS"], raw=True
        )
        rows = [row for page in found for row in page.rows] if method == "pages" else found
        wanted = expected(box, lambda row: 302 <= row["siteId"] < 305 and row["formKey"] in ("AE", "VS"))
        assert sorted(row["recordId"] for row in rows) == wanted
        if method == "pages":
            assert [page.number for page in found] == list(range(len(found)))

    def test_booleans_dates_and_numbers(self, box: Sandbox, door: Ways) -> None:
        ids, proof = read(door, box, deleted=False)
        assert ids == expected(box, lambda row: row["deleted"] is False)
        assert proof.filtered_here == ("deleted",)
        ids, _ = read(door, box, date_created=(">=", date(2026, 1, 1)))
        assert ids == expected(box, lambda row: row["dateCreated"] >= "2026-01-01")
        visits = door(box).call("visits.list", STUDY, visit_date={">=": date(2026, 1, 1), "<": date(2026, 2, 1)})
        wanted = [row["visitDate"] for row in served(box.studies[STUDY], "visits") if row["visitDate"]]
        assert [one.visit_date for one in visits] == [day for day in wanted if "2026-01-01" <= day < "2026-02-01"]

    @pytest.mark.parametrize(
        ("filters", "says"),
        [
            ({"form_key": []}, "match nothing"),
            ({"form_key": [("==", "AE"), "VS"]}, "plain values"),
            ({"site_id": {"between": 1}}, "a range is written as"),
            ({"site_id": {}}, "a range is written as"),
            ({"site_id": (">", 1, 2)}, "tuple must be"),
            ({"filter": "siteId==1,siteId==2", "form_key": "AE"}, "holds an OR"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(
        self, box: Sandbox, door: Ways, filters: dict[str, Any], says: str
    ) -> None:
        with pytest.raises(ArgumentError, match=says):
            door(box).call("records.list", STUDY, **filters)

    def test_an_attribute_rows_do_not_show_cannot_be_tested_here(self, box: Sandbox, door: Ways) -> None:
        with pytest.raises(ArgumentError, match="do not show this one"):
            door(box).call("visits.list", STUDY, interval_group_name=["a", "b"])

    def test_more_values_than_reads_are_worth_are_tested_here(self) -> None:
        records = operation("list_records")
        found = plan(records, named_filters(records, {"subject_key": [f"301-{number:03}" for number in range(30)]}))
        assert (found.parts, found.tested) == ([], ["subjectKey"])


class TestConditions:
    def test_conditions_filter_records_and_answers(self, box: Sandbox, door: Ways) -> None:
        ids, _ = read(door, box, filter=(F("formKey") == "AE") & (F("siteId") >= 302))
        assert ids == expected(box, lambda row: row["formKey"] == "AE" and row["siteId"] >= 302)
        ids, _ = read(door, box, filter=(F("formKey") == "AE") | (F("siteId") == 302))
        assert ids == expected(box, lambda row: row["formKey"] == "AE" or row["siteId"] == 302)
        names = {
            name.upper(): name for row in served(box.studies[STUDY], "records") for name in row["recordData"] or ()
        }
        name = names["VSND"]
        ids, _ = read(door, box, record_data_filter=F(name) == "Yes")
        assert ids == expected(box, lambda row: (row["recordData"] or {}).get(name) == "Yes")
        assert ids

    @pytest.mark.parametrize(
        ("condition", "text"),
        [
            (F("siteId") == 301, "siteId==301"),
            (F("a") != "x y", 'a!="x y"'),
            ((F("a") < 1.5) & (F("b") <= True), "a<1.5;b<=true"),
            ((F("a") > 1) | (F("b") >= 2) | (F("c") == "d"), "a>1,b>=2,c==d"),
            (((F("a") == 1) & (F("b") == 2)) | (F("c") == 3), "a==1;b==2,c==3"),
            (F("aeterm").contains("a.b(c"), 'aeterm=~"a\\.b\\(c"'),
            (F("dateModified") >= datetime(2026, 3, 1, 5, tzinfo=UTC), "dateModified>=2026-03-01T05:00:00Z"),
        ],
    )
    def test_the_expression_is_what_the_grammar_says(self, condition: object, text: str) -> None:
        assert str(condition) == text

    def test_what_the_grammar_cannot_say_is_refused(self) -> None:
        with pytest.raises(ArgumentError, match="no parentheses"):
            _ = ((F("a") == 1) | (F("b") == 2)) & (F("c") == 3)
        with pytest.raises(ArgumentError, match=r"& and \|"):
            _ = (F("a") == 1) and (F("b") == 2)

    def test_values_are_not_shown(self) -> None:
        assert "Jane" not in repr(F("name") == "Jane")

    def test_mixed_connectors_over_answers_are_refused(self, box: Sandbox, door: Ways) -> None:
        mixed = ((F("A") == 1) & (F("B") == 2)) | (F("C") == 3)
        with pytest.raises(ArgumentError, match="one kind of connector"):
            door(box).call("records.list", STUDY, record_data_filter=mixed)


MARCH = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "operator", "wanted", "value", "holds"),
    [
        ("siteId", "==", 301, 301, True), ("siteId", "==", "301", 301, True), ("siteId", "<", 9, 10, False),
        ("siteId", "!=", 301, None, True), ("siteId", ">", 1, None, False), ("siteId", "<", "9", 10, False),
        ("deleted", "==", False, False, True), ("deleted", "==", False, None, False),
        ("deleted", "==", "true", True, True),
        ("recordStatus", "==", "a", "A", False), ("recordStatus", "!=", "a", "b", True),
        ("dateModified", ">=", MARCH, "2026-03-01 00:00:00", True),
        ("dateModified", "<", MARCH, "2026-02-28 23:59:59", True),
        ("dateModified", ">=", MARCH.date(), "2026-03-01 00:00:00", True),
        ("dateModified", ">", MARCH.astimezone(None) + timedelta(seconds=1), "2026-03-01 00:00:00", False),
        ("dateModified", ">=", "2026-03-01T00:00:00Z", "2026-03-01 00:00:01", True),
        ("dateModified", ">=", MARCH, "", False), ("dateModified", "!=", MARCH, None, True),
    ],
)  # fmt: skip
def test_rows_are_tested_as_the_server_would(name: str, operator: str, wanted: Any, value: Any, holds: bool) -> None:
    """Objects, dictionaries and tuples alike."""
    records = operation("list_records")
    test = row_test(records, name, operator, wanted)
    row = {name: value}
    assert test(row) is holds
    assert test(records.item.from_dict(row)) is holds
    assert test(tuple(row.get(field) for field in records.item.FIELDS)) is holds
