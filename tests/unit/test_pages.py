"""Bytes of a page: both ways of splitting agree, and nothing but our errors or a right answer comes out."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet.core.decoding import json_text
from imednet.core.decoding import page as pages
from imednet.core.transport.responses import UnsoundAnswer
from imednet.errors import ApiError, ImednetError, PaginationError
from imednet_api.api import operation
from imednet_api.models import Record, Site
from imednet_api.types import decode

RECORDS = operation("list_records")
SITES = operation("list_sites")
REQUEST = httpx.Request("GET", "https://h.org/p")
LINES = pages.Lines(("recordId", "formKey"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)


def record(number: int, **fields: Any) -> dict[str, Any]:
    return {**dict.fromkeys(Record.FIELDS), "recordId": number, "recordData": {"A": "1"}, **fields}


def body(rows: Any, **pagination: Any) -> dict[str, Any]:
    count = len(rows) if isinstance(rows, list) else 0
    facts = {"currentPage": 0, "size": 500, "totalPages": -(-count // 500), "totalElements": count, **pagination}
    return {"metadata": {"status": "OK", "error": {}, "timestamp": "t"}, "pagination": facts, "data": rows}


def read(content: bytes | dict[str, Any], maker: Any = "models", what: Any = RECORDS) -> pages.Page:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return pages.read_page(what, maker, "ABC-01")(httpx.Response(200, content=raw, request=REQUEST))


class TestSoundPages:
    def test_rows_come_as_models_as_values_and_as_dictionaries(self) -> None:
        rows = [record(1), record(2, recordData=None, keywords=[{"keywordId": 1}])]
        typed = read(body(rows))
        assert [row.to_dict() for row in typed.rows] == rows
        assert typed.identities == [1, 2]
        assert read(body(rows), "dictionaries").rows == rows
        lines = read(body(rows), LINES)
        assert [json.loads(bytes(line)) for line, *_ in lines.rows] == rows
        assert [fields for _, *fields in lines.rows] == [[1, None], [2, None]]
        assert lines.identities == [1, 2]

    @pytest.mark.parametrize("indent", [None, 2])
    @given(answers=st.dictionaries(st.text(max_size=6), JSON, max_size=4), extra=JSON)
    def test_every_way_of_splitting_gives_the_same(
        self, indent: int | None, answers: dict[str, Any], extra: Any
    ) -> None:
        """The fast way, the exact way with and without the fast decoder, and the standard library agree."""
        for row in (record(1, recordData=answers), record(1, recordData=answers, brandNew=extra), {"recordId": 1}):
            text = json.dumps(body([row]), indent=indent, ensure_ascii=False)
            content = text.encode()
            expected = json.loads(content)["data"]
            assert [one.to_dict() for one in read(content).rows] == expected
            ((line, number, form),) = read(content, LINES).rows
            assert b"\n" not in bytes(line)
            assert (json.loads(bytes(line)), number, form) == (expected[0], 1, expected[0].get("formKey"))
            (text,) = json_text.list_items(content, "data")
            assert json.loads(text) == expected[0]
            scanned = json_text._scan(content.decode(), ("recordData",))["data"][0]
            if isinstance(scanned.get("recordData"), bytes):
                scanned["recordData"] = decode(scanned["recordData"])
            assert scanned == expected[0]

    @given(answers=st.dictionaries(st.text(max_size=6), JSON, max_size=4))
    def test_answers_as_texts_keep_what_was_sent(self, answers: dict[str, Any]) -> None:
        raw = json.dumps(answers).encode()
        texts = json_text.texts(raw)
        assert texts.keys() == answers.keys()
        for name, value in answers.items():
            if value is None or isinstance(value, str):
                assert texts[name] == value
            else:
                assert json.loads(texts[name] or "") == value

    def test_numbers_keep_their_spelling(self) -> None:
        assert json_text.texts(b'{"a": 1.50, "b": 1e3, "c": true, "d": [1,  2]}') == {
            "a": "1.50", "b": "1e3", "c": "true", "d": "[1,  2]",
        }  # fmt: skip

    def test_numbers_no_machine_word_holds_are_kept(self) -> None:
        for text in ("9007199254740993", "123456789012345678901234567890", "-0", "1e400", "9" * 5000):
            raw = f'{{"N": {text}}}'.encode()
            content = json.dumps(body([record(1)])).replace('{"A": "1"}', raw.decode()).encode()
            (row,) = read(content).rows
            assert json_text.texts(raw) == {"N": text}
            if len(text) < 4300:
                assert row.record_data == json.loads(raw)
            else:
                assert str(row.record_data["N"]) == text

    def test_a_kept_record_does_not_keep_its_page(self) -> None:
        content = json.dumps(body([record(number) for number in range(400)])).encode()
        kept = read(content).rows[3]
        held = type(kept).record_data._get(kept)
        assert type(held) is bytes
        assert held == b'{"A": "1"}'


class TestUnsoundPages:
    @pytest.mark.parametrize(
        "wrong",
        [
            {}, [], {"data": None}, {"data": {}}, {"data": []}, body([1]), body(["x"]), body([None]), body([[]]),
            {**body([]), "pagination": None}, {**body([]), "pagination": []},
            body([record(1)], totalPages=None), body([record(1)], totalElements=None), body([record(1)], size=None),
            body([record(1)], currentPage="0"), body([record(1)], totalPages=-1), body([record(1)], size=0),
            body([record(1)], totalElements=2, totalPages=1), body([record(1)], totalElements=600, totalPages=2),
            body([], totalElements=3, totalPages=1), body([record(1), record(2)], totalElements=1, totalPages=1),
            body([record(1)], totalPages=7), body([record(1, recordId=None)]), body([record(1, recordId="")]),
            body([{"studyKey": "x"}]), body([record(1, recordId=1.5)]), body([record(1, recordId=True)]),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("maker", ["models", LINES, "dictionaries"])
    def test_a_page_that_does_not_agree_with_itself_is_an_error(self, wrong: Any, maker: Any) -> None:
        with pytest.raises(UnsoundAnswer) as caught:
            read(json.dumps(wrong).encode(), maker)
        assert isinstance(caught.value.error, PaginationError)

    @pytest.mark.parametrize(
        ("content", "what"),
        [
            (b"", "empty"), (b"   ", "empty"), (b"<!DOCTYPE html><html>", "web page"), (b"\n<HTML>", "web page"),
            (b'{"data": [', "not whole JSON"), (b"null x", "not whole JSON"), (b"\xff\xfe", "not whole JSON"),
            (b'{"data":[{"recordId":1,"recordData":{"A":"\xff"}}]}', "not whole JSON"),
            (b'{"data": [], "metadat\xff": {}}', "not whole JSON"), (b'{"data": [], "x": "\xff"}', "not whole JSON"),
            (b"NaN", "not whole JSON"),
            (b"[" * 100_000, "not whole JSON"), (b'{"data":[{"recordData":{"A":NaN}}]}', "not whole JSON"),
        ],
    )  # fmt: skip
    def test_what_is_no_json_is_network_trouble_that_says_what_came(self, content: bytes, what: str) -> None:
        for maker in ("models", LINES, "dictionaries"):
            with pytest.raises(httpx.DecodingError, match=what):
                read(content, maker)

    @pytest.mark.parametrize("data", [[], [record(1)], None])
    def test_an_error_hidden_in_a_success_is_an_error(self, data: Any) -> None:
        page = {**body(data or []), "metadata": {"error": {"code": "9000", "description": "Unknown error"}}}
        if data is None:
            del page["data"], page["pagination"]
        for maker in ("models", LINES, "dictionaries"):
            with pytest.raises(ApiError, match="Unknown error"):
                read(page, maker)

    @given(content=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
    def test_any_bytes_give_our_error_or_network_trouble(self, content: bytes) -> None:
        for maker in ("models", LINES, "dictionaries"):
            with pytest.raises((ImednetError, httpx.DecodingError)):
                read(content, maker)

    @given(data=st.lists(JSON | st.fixed_dictionaries({"siteId": JSON}), max_size=3))
    def test_any_rows_are_read_whole_or_refused(self, data: list[Any]) -> None:
        """No row is dropped, whatever rows are."""
        try:
            page = read(body(data), what=SITES)
        except UnsoundAnswer:
            return
        assert [row.to_dict() for row in page.rows] == data
        assert all(isinstance(row, Site) for row in page.rows)


def test_identities_of_users_fall_back_to_the_login() -> None:
    users = operation("list_users")
    rows = [{"userId": None, "login": "a"}, {"userId": "u2", "login": "b"}]
    for maker in ("models", LINES, "dictionaries"):
        assert read(body(rows), maker, users).identities == [("", "a"), "u2"]
