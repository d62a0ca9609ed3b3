"""Raw responses beside parsed results: `sdk.sites.with_raw_response.list("ABC-01")` and the like."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import httpx

T = TypeVar("T")

METHODS = ("list", "get", "count", "create")


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """One response. `repr` hides its headers and content, which may hold data of persons.

    Attributes:
        status_code: HTTP status.
        headers: its headers.
        content: its bytes, decompressed.
    """

    status_code: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class WithRaw(Generic[T]):
    """The result of a method, and the responses it was made from.

    Attributes:
        parsed: what the method returns without `with_raw_response`.
        answers: the responses, in the order in which they came.
    """

    parsed: T
    answers: tuple[RawAnswer, ...]


class RawResponses:
    """The methods of an endpoint, each returning `WithRaw`; to be awaited where those of the endpoint are."""

    def __init__(self, endpoint: Any) -> None:
        self._endpoint = endpoint

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in METHODS or not hasattr(self._endpoint, name):
            offered = [method for method in METHODS if hasattr(self._endpoint, method)]
            raise AttributeError(f"with_raw_response offers {', '.join(offered)}, not {name}")

        def call(*args: Any, **kwargs: Any) -> Any:
            recorder = _Recorder(self._endpoint._client)
            endpoint = copy.copy(self._endpoint)
            endpoint._client = recorder
            result = getattr(endpoint, name)(*args, **kwargs)
            if hasattr(result, "__await__"):
                return _awaited(result, recorder)
            return WithRaw(result, tuple(recorder.answers))

        return call


async def _awaited(result: Any, recorder: _Recorder) -> WithRaw[Any]:
    return WithRaw(await result, tuple(recorder.answers))


class _Recorder:
    """A client that keeps the responses it reads."""

    cache = False  # a cached list has no responses

    def __init__(self, client: Any) -> None:
        self._client = client
        self.answers: list[RawAnswer] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def fetch(self, request: Any, read: Callable[[httpx.Response], Any], *args: Any) -> Any:
        """`fetch` of the client, blocking or not."""
        return self._client.fetch(request, self._recording(read), *args)

    def fetch_ahead(self, request: Any, read: Callable[[httpx.Response], Any], *args: Any) -> Any:
        """`fetch_ahead` of the client."""
        return self._client.fetch_ahead(request, self._recording(read), *args)

    def _recording(self, read: Callable[[httpx.Response], Any]) -> Callable[[httpx.Response], Any]:
        def record(response: httpx.Response) -> Any:
            value = read(response)
            self.answers.append(RawAnswer(response.status_code, dict(response.headers), response.content))
            return value

        return record
