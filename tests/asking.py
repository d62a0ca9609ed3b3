"""A way to ask a sandbox without a socket."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from imednet.sandbox import Answer, Request, Sandbox

STUDIES = "/api/v1/edc/studies"
MAIN, TWIN = "TIDEWATER-201", "TIDEWATER-201-DEV"
KEYS = {"x-api-key": "demo-api-key", "x-imn-security-key": "demo-security-key", "content-type": "application/json"}


class Client:
    """Asks one sandbox; `get("sites", size=5)` gives the decoded body."""

    def __init__(self, box: Sandbox, study: str = MAIN, **headers: str) -> None:
        self.box = box
        self.study = study
        self.headers = {**KEYS, **headers}

    def ask(self, method: str, path: str, body: bytes = b"", **query: Any) -> Answer:
        target = f"{path}?{urlencode(query, doseq=True)}" if query else path
        return self.box.answer(Request(method, target, self.headers, body))

    def answer(self, name: str, **query: Any) -> Answer:
        return self.ask("GET", f"{STUDIES}/{self.study}/{name}", **query)

    def get(self, name: str, **query: Any) -> Any:
        found = self.answer(name, **query)
        assert found.status == 200, found.body[:300]
        return json.loads(found.body)

    def rows(self, name: str, **query: Any) -> list[dict[str, Any]]:
        """All rows, page by page."""
        found: list[dict[str, Any]] = []
        page = {"pagination": {"totalPages": 1}}
        while (
            len(found) < page["pagination"].get("totalElements", 1)
            and query.get("page", 0) < page["pagination"]["totalPages"]
        ):
            page = self.get(name, size=500, **query)
            found += page["data"]
            query["page"] = query.get("page", 0) + 1
        return found

    def post(self, items: Any) -> Answer:
        body = items if isinstance(items, bytes) else json.dumps(items).encode()
        return self.ask("POST", f"{STUDIES}/{self.study}/records", body)

    def control(self, method: str, name: str, given: Any = None) -> Any:
        answer = self.ask(method, f"/_sandbox/{name}", b"" if given is None else json.dumps(given).encode())
        assert answer.status == 200, answer.body
        return json.loads(answer.body)


def error_of(answer: Answer) -> tuple[int, dict[str, Any]]:
    """Status and `metadata.error` of a failure."""
    return answer.status, json.loads(answer.body)["metadata"]["error"]
