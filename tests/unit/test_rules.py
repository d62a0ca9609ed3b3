"""Small pure rules: configuration, addresses, retry, errors."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet import errors
from imednet.config import Config, load_config
from imednet.core.context import get_study_context, study_context
from imednet.core.retry import DefaultRetryPolicy, RetryState, asks_too_long, retry_after_seconds
from imednet.errors import ApiError, ArgumentError, ConfigurationError, ImednetError, get_error_class
from imednet.utils.url import check_path_part, normalise_base_url, redact_url_query

REFUSED = {"attribute": "filter", "value": "PLANTED"}
VENDOR = {"metadata": {"error": {"code": "1000", "description": "no PLANTED", "field": REFUSED}}}


class TestConfiguration:
    def test_arguments_win_over_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("IMEDNET_API_KEY", "from-environment")
        monkeypatch.setenv("IMEDNET_SECURITY_KEY", "from-environment")
        monkeypatch.setenv("IMEDNET_BASE_URL", "https://environment.example.org")
        config = load_config("from-argument")
        assert (config.api_key, config.security_key) == ("from-argument", "from-environment")
        assert config.base_url == "https://environment.example.org"

    @pytest.mark.parametrize("blank", [None, "", "  ", "\n"])
    def test_blank_is_missing_and_the_error_says_what_to_type(
        self, blank: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("IMEDNET_SECURITY_KEY", "   ")
        with pytest.raises(ConfigurationError, match=r"set IMEDNET_SECURITY_KEY.*Try without: imednet --sandbox check"):
            load_config("key", blank)

    def test_repr_masks_both_keys(self) -> None:
        assert "SECRET" not in repr(Config("SECRET-1", "SECRET-2"))

    @pytest.mark.parametrize("key", ["a\r\nx-evil: 1", "clé", "a\x00b"])
    def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(self, key: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            load_config(key, "other")
        assert key not in str(caught.value)


class TestAddresses:
    @pytest.mark.parametrize("typed", ["https://h.org", "https://h.org/", "https://h.org/api", " https://h.org/api/ "])
    def test_base_urls_people_type_mean_the_same(self, typed: str) -> None:
        assert normalise_base_url(typed) == "https://h.org"

    @pytest.mark.parametrize(
        "wrong", ["", "h.org", "ftp://h.org", "https://", "https://h:x", "http://h.org", "https://u:p@h.org"]
    )
    def test_base_urls_that_cannot_be_used_are_refused(self, wrong: str) -> None:
        with pytest.raises(ConfigurationError):
            normalise_base_url(wrong)

    @pytest.mark.parametrize("local", ["http://127.0.0.1:81", "http://localhost:1", "http://[::1]:1"])
    def test_plain_http_is_for_this_machine_only(self, local: str) -> None:
        assert normalise_base_url(local) == local

    @pytest.mark.parametrize("part", ["", " ", ".", "..", "a/b", "a?b", "a#b", "a%2Fb", "a\nb", "a\\b"])
    def test_study_keys_that_would_lead_elsewhere_are_refused(self, part: str) -> None:
        with pytest.raises(ArgumentError):
            check_path_part("study_key", part)

    @given(secret=st.text(st.characters(whitelist_categories=("L", "N")), min_size=4))
    def test_no_value_that_could_be_private_survives_redaction(self, secret: str) -> None:
        secret = f"S3CR3T{secret}"
        url = f"https://user:{secret}@h.org/p?api_key={secret}&filter=a=={secret}&recordDataFilter={secret}&x={secret}&size=5"
        shown = redact_url_query(url)
        assert secret not in shown
        assert "size=5" in shown


class TestRetry:
    @pytest.mark.parametrize(
        ("method", "status", "again"),
        [
            ("GET", 503, True), ("PUT", 500, True), ("DELETE", 599, True), ("HEAD", 502, True), ("OPTIONS", 504, True),
            ("POST", 503, False), ("PATCH", 500, False), (None, 503, False), ("get", 500, True),
            ("GET", 429, True), ("POST", 429, False), (None, 429, False), ("GET", 404, False), ("GET", 401, False),
        ],
    )  # fmt: skip
    def test_what_is_sent_again_for_a_status(self, method: str | None, status: int, again: bool) -> None:
        state = RetryState(1, result=httpx.Response(status), method=method)
        assert DefaultRetryPolicy().should_retry(state) is again

    @pytest.mark.parametrize(("method", "again"), [("GET", True), ("POST", False), (None, False)])
    def test_what_is_sent_again_after_network_trouble(self, method: str | None, again: bool) -> None:
        assert DefaultRetryPolicy().should_retry(RetryState(1, httpx.ReadError("x"), method=method)) is again
        assert not DefaultRetryPolicy().should_retry(RetryState(1, KeyError("x"), method=method))

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("7", 7.0), ("0", 0.0), ("Sun, 01 Nov 2026 00:00:30 GMT", 30.0), ("Sat, 31 Oct 2026 23:00:00 GMT", 0.0),
            ("", None), ("soon", None), ("-1", None), ("1.5", None), ("٣", None),
        ],
    )  # fmt: skip
    def test_retry_after_is_read_in_both_forms(self, text: str, seconds: float | None) -> None:
        now = datetime(2026, 11, 1, tzinfo=UTC)
        response = httpx.Response(429, headers=[(b"Retry-After", text.encode())])
        assert retry_after_seconds(response, now) == seconds

    def test_a_wait_that_is_too_long_is_not_waited_for(self) -> None:
        assert asks_too_long(httpx.Response(429, headers={"Retry-After": "3600"}))
        assert not asks_too_long(httpx.Response(429))


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "name"),
        [
            (400, "BadRequestError"), (401, "UnauthorizedError"), (403, "ForbiddenError"), (404, "NotFoundError"),
            (409, "ConflictError"), (429, "RateLimitError"), (500, "ServerError"), (599, "ServerError"),
            (418, "ApiError"), (302, "ApiError"), (600, "ApiError"),
        ],
    )  # fmt: skip
    def test_each_status_has_its_error(self, status: int, name: str) -> None:
        assert get_error_class(status).__name__ == name

    def test_the_tree_is_as_documented(self) -> None:
        assert issubclass(errors.BadRequestError, errors.ValidationError)
        assert issubclass(errors.UnauthorizedError, errors.AuthenticationError)
        assert issubclass(errors.ForbiddenError, errors.AuthorizationError)
        assert issubclass(errors.PaginationError, errors.ClientError)
        assert issubclass(errors.ConfigurationError, ValueError)
        assert issubclass(errors.UnknownFilterError, TypeError)
        everything = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, Exception)]
        assert len(everything) >= 25
        assert all(issubclass(one, ImednetError) for one in everything)

    @pytest.mark.parametrize(
        ("body", "code", "description"),
        [
            (VENDOR, "1000", "no ***"),
            ({"metadata": {"status": "ERROR", "error": {"message": "malformed"}}}, None, "malformed"),
            ({"message": "Forbidden"}, None, "Forbidden"),
            ("<html>no</html>", None, None), (None, None, None), ([1], None, None),
            ({"metadata": None}, None, None), ({"metadata": {"error": "text"}}, None, None),
        ],
    )  # fmt: skip
    def test_all_shapes_of_bodies_are_understood(self, body: Any, code: str | None, description: str | None) -> None:
        error = ApiError(body, 400)
        assert (error.code, error.description) == (code, description)

    def test_an_error_hides_what_may_be_private_and_pickles_without_it(self) -> None:
        error = get_error_class(403)(VENDOR, 403, method="GET", path="/p", study_key="ABC-01", attempts=2)
        assert error.value == "PLANTED"
        assert error.response is VENDOR
        pickled = pickle.dumps(error)
        assert b"PLANTED" not in pickled
        again = pickle.loads(pickled)
        assert (type(again), str(again), again.code, again.study_key) == (type(error), str(error), "1000", "ABC-01")
        assert again.value is None
        assert again.response is None
        for text in (str(error), repr(error), str(error.args)):
            assert "PLANTED" not in text

    def test_a_403_names_the_study_and_the_next_step(self) -> None:
        error = get_error_class(403)({"message": "Forbidden"}, 403, study_key="ABC-01")
        assert (
            "403: these keys may not read study 'ABC-01', or it is misspelt: iMednet answers 403 for unknown studies. "
            "Next: imednet check"
        ) in str(error)

    def test_all_errors_pickle(self) -> None:
        made: list[ImednetError] = [
            errors.RequestError("x", attempts=3), errors.ExportBatchError("b1"), errors.PaginationError("p"),
            errors.RateLimitError({}, 429, retry_after=5.0), errors.ConfigurationError("c"),
        ]  # fmt: skip
        for error in made:
            again = pickle.loads(pickle.dumps(error))
            facts = {name: value for name, value in error.__dict__.items() if name not in ("response", "value")}
            assert (type(again), str(again)) == (type(error), str(error))
            assert facts.items() <= again.__dict__.items()

    def test_vendor_text_cannot_flood_or_garble_a_terminal(self) -> None:
        error = ApiError({"message": "\x1b[31m" + "x" * 5000}, 500)
        assert str(error).isprintable()
        assert len(str(error)) < 600


def test_the_study_context_ends_with_its_block() -> None:
    with study_context("A"):
        with study_context("B"):
            assert get_study_context() == "B"
        assert get_study_context() == "A"
    assert get_study_context() is None
