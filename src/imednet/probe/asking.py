"""Requests of a probe: GET only, one after the other, at a steady pace, and never more than were allowed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from ..core.client import Client
from ..errors import ApiError, RequestError
from ..sdk import ImednetSDK
from ..utils.url import check_path_part

Parameters = list[tuple[str, str]]

_WAIT = 5.0
_LONGEST_WAIT = 60.0
_SERVER_ERROR = 500
_TOO_MANY = 429


class BudgetSpent(Exception):
    """The number of requests that was allowed has been sent, or the server wants no more of them."""


@dataclass(frozen=True)
class Heard:
    """What came back for one request.

    Attributes:
        status: HTTP status; `None` where no answer came.
        body: decoded JSON, or the text of an error page.
        headers: headers of a success, in lower case.
        packed: how its body was compressed, such as `gzip`.
        retry_after: seconds that the server asks to wait.
    """

    status: int | None
    body: Any = field(default=None, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    packed: str = ""
    retry_after: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the server answered with a page; an error may hide in a success."""
        parts = self.body if self.status == 200 and isinstance(self.body, dict) else {}
        sound = isinstance(parts.get("data"), list) and isinstance(parts.get("pagination"), dict)
        return sound and not self._hidden_error

    @property
    def refused(self) -> bool:
        """Whether the server refused what was asked for: HTTP 400, or a success with an error in it."""
        return self.status == 400 or (self.status == 200 and self._hidden_error)

    @property
    def manner(self) -> str:
        """How it answered, in words that hold nothing of the answer."""
        if self.status is None:
            return "no answer came"
        return f"HTTP {self.status}" + (" with an error in it" if self._hidden_error and self.status == 200 else "")

    @property
    def _hidden_error(self) -> bool:
        metadata = self.body.get("metadata") if isinstance(self.body, dict) else None
        return isinstance(metadata, dict) and bool(metadata.get("error"))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of a page."""
        data = self.body.get("data") if isinstance(self.body, dict) else None
        return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []

    def paging(self, name: str) -> Any:
        """A figure of the page, such as `totalElements`."""
        found = self.body.get("pagination") if isinstance(self.body, dict) else None
        return found.get(name) if isinstance(found, dict) else None

    @property
    def timestamp(self) -> str | None:
        """The server's time as the answer has it."""
        found = self.body.get("metadata") if isinstance(self.body, dict) else None
        text = found.get("timestamp") if isinstance(found, dict) else None
        return text if isinstance(text, str) else None


class _Asking(Client):
    """A client that says of each request that goes out, those after a redirect too, before it does.

    Args:
        sdk: its keys or `auth`, address and settings are used.
        before: called before each request.
        lacks: a header to leave out.
    """

    def __init__(self, sdk: ImednetSDK, before: Callable[[], None], lacks: str | None = None) -> None:
        super().__init__(**sdk.client.inherited())
        self._before = before
        self._lacks = lacks

    def _make_http(self) -> httpx.Client:
        made = super()._make_http()
        made.event_hooks["request"].append(self._going_out)
        return made

    def _going_out(self, request: httpx.Request) -> None:
        if self._lacks is not None:
            request.headers.pop(self._lacks, None)  # httpx has some of its own
        self._before()


class Asker:
    """Asks one server about one study.

    Args:
        sdk: its keys and address are used.
        study_key: the study.
        most: requests, at most, redirects among them; the next one raises `BudgetSpent`.
        per_second: requests a second, at most; `None` for as fast as answers come.
        sleep: waits for a number of seconds.
    """

    def __init__(
        self,
        sdk: ImednetSDK,
        study_key: str,
        most: int,
        per_second: float | None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sdk = sdk
        self._study = f"/api/v1/edc/studies/{check_path_part('study_key', study_key)}"
        self._most = most
        self._gap = 1 / per_second if per_second else 0.0
        self._sleep = sleep
        self._next = 0.0
        self._over = False
        self._clients: dict[str | None, _Asking] = {}
        self.sent = 0
        self.refused_for_rate = 0
        self.retry_after: list[float] = []
        self.all: list[Heard] = []

    def begin(self) -> None:
        """Ask for one site of the study. Raises the SDK's own error where keys, study or server are not right."""
        self._get(f"{self._study}/sites", (("size", "1"),), None)

    def list(self, name: str, *parameters: tuple[str, str]) -> Heard:
        """One page of a list of the study, such as `recordRevisions`."""
        return self.path(f"{self._study}/{name}", *parameters)

    def path(self, path: str, *parameters: tuple[str, str], without: str | None = None) -> Heard:
        """One answer to a path. After trouble with the network or the server the same is asked once more.

        A server that refuses for its rate is asked again after the time it names, up to a minute; a second refusal, or
        a longer time, ends the probe: nothing more is sent.

        Args:
            path: the path.
            parameters: of the query, in order.
            without: a header to leave out: `Accept` or `Content-Type`.
        """
        if self._over:
            raise BudgetSpent
        heard = self._once(path, parameters, without)
        if heard.status == _TOO_MANY:
            wait = heard.retry_after if heard.retry_after is not None else _WAIT
            if wait <= _LONGEST_WAIT:
                self._sleep(wait)
                heard = self._once(path, parameters, without)
            if heard.status == _TOO_MANY:
                self._over = True
                raise BudgetSpent
        elif heard.status is None or heard.status >= _SERVER_ERROR:
            heard = self._once(path, parameters, without)
        return heard

    def _once(self, path: str, parameters: tuple[tuple[str, str], ...], without: str | None) -> Heard:
        try:
            heard = self._get(path, parameters, without)
        except ApiError as error:
            heard = Heard(error.status_code, error.response, retry_after=error.retry_after)
            if error.status_code == _TOO_MANY:
                self.refused_for_rate += 1
                self.retry_after += [] if error.retry_after is None else [error.retry_after]
        except RequestError:
            heard = Heard(None)
        self.all.append(heard)
        return heard

    def _get(self, path: str, parameters: tuple[tuple[str, str], ...], without: str | None) -> Heard:
        if self.sent >= self._most:
            raise BudgetSpent
        query: Any = list(parameters) or None
        response = self._client(without).get(path, params=query, retries=0)
        try:
            body: Any = response.json()
        except (ValueError, RecursionError):
            body = response.text
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Heard(response.status_code, body, headers, str(response.extensions.get("content_encoding") or ""))

    def _going_out(self) -> None:
        """Count a request and keep the pace; one too many, behind a redirect, is not sent."""
        if self.sent >= self._most:
            raise httpx.RequestError("the requests that were allowed have been sent")
        now = time.monotonic()
        if now < self._next:
            self._sleep(self._next - now)
        self._next = time.monotonic() + self._gap
        self.sent += 1

    def _client(self, without: str | None) -> _Asking:
        if without not in self._clients:
            self._clients[without] = _Asking(self._sdk, self._going_out, without)
        return self._clients[without]

    def close(self) -> None:
        """Close its clients."""
        for client in self._clients.values():
            client.close()
