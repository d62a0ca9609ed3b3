"""A study that changes as a seed says, a server that answers for it, and what a mirror of it must have seen."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

from imednet import ImednetSDK
from imednet.errors import MirrorError
from imednet.mirror import Mirror, SyncReport
from imednet.mirror.changes import record_tables
from imednet.mirror.commits import CommitLog
from imednet.mirror.delta_folder import DeltaFolder
from imednet.mirror.list_source import ListSource
from imednet.mirror.versions import Versions
from imednet.resources import RESOURCES
from imednet_api.api import operation

STUDY = "S-1"
SMALL_PAGE = 6
Row = dict[str, Any]
LISTS = [name for name, resource in RESOURCES.items() if resource.listed]


class Killed(BaseException):
    """The end of a process, as far as one process can play it."""


class StudyServer:
    """Lists of one study over HTTP, in pages of at most `page` rows.

    Attributes:
        lists: list -> key of a row -> row.
        now: the server's clock.
        habits: `no date sort`, `no date filter`, `no number filter`.
        requests: paths that were asked for, with their queries.
    """

    def __init__(self, page: int = SMALL_PAGE) -> None:
        self.lists: dict[str, dict[Any, Row]] = {name: {} for name in LISTS}
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.page = page
        self.habits: set[str] = set()
        self.requests: list[str] = []
        self.between: Callable[[], None] = lambda: None
        self.lists["studies"][STUDY] = {"studyKey": STUDY, "studyId": 1, "dateModified": self.text}
        self.lists["users"]["u"] = {"userId": "u", "login": "ann", "userActiveInStudy": True}

    @property
    def text(self) -> str:
        """The time as the server writes it."""
        return self.now.strftime("%Y-%m-%d %H:%M:%S")

    def sdk(self) -> ImednetSDK:
        """An SDK that asks this server."""
        client = httpx.Client(transport=httpx.MockTransport(self.answer))
        return ImednetSDK("k", "k", "https://edc.example.org", http_client=client, cache=False, retries=0)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request."""
        self.between()
        self.requests.append(f"{request.url.path}?{request.url.query.decode()}")
        last = request.url.path.rpartition("/")[2]
        name = next(name for name in LISTS if operation(f"list_{name}").path.rpartition("/")[2] == last)
        facts = operation(f"list_{name}").page
        assert facts is not None
        query = request.url.params
        try:
            rows = [row for row in self.lists[name].values() if self._passes(query.get("filter"), row, facts.number)]
            for part in reversed(query.get_list("sort")):
                field, _, direction = part.partition(",")
                if "no date sort" in self.habits and field.startswith("date"):
                    raise PermissionError
                rows.sort(key=lambda row: row.get(field) or 0, reverse=direction == "desc")
        except PermissionError:
            error = {"code": "1000", "description": "refused", "field": {"attribute": "filter", "value": "x"}}
            return httpx.Response(400, json={"metadata": {"status": "BAD_REQUEST", "error": error}})
        size, number = min(int(query["size"]), self.page), int(query["page"])
        body = {
            "metadata": {"status": "OK", "path": request.url.path, "timestamp": self.text, "error": {}},
            "pagination": {
                "currentPage": number, "size": size, "totalPages": -(-len(rows) // size), "totalElements": len(rows),
            },
            "data": rows[number * size : (number + 1) * size],
        }  # fmt: skip
        return httpx.Response(200, json=body)

    def _passes(self, expression: str | None, row: Row, number: str | None) -> bool:
        for clause in (expression or "").split(";"):
            if not clause:
                continue
            found = re.fullmatch(r"(\w+)(==|<=|>=|<|>)(.+)", clause)
            assert found is not None
            name, sign, value = found.groups()
            mine: Any = row.get(name)
            wanted: Any = value.strip('"')
            if name.startswith("date"):
                if "no date filter" in self.habits:
                    raise PermissionError
                wanted = wanted.replace("T", " ").rstrip("Z")
            elif name == number:
                if "no number filter" in self.habits:
                    raise PermissionError
                wanted = int(wanted)
            else:
                mine = str(mine)
            tests = {"==": mine == wanted, "<=": mine <= wanted, ">=": mine >= wanted, "<": mine < wanted,
                     ">": mine > wanted}  # fmt: skip
            if not tests[sign]:
                return False
        return True


class History:
    """A study whose life a seed decides; every method of `_steps` is something that happens to it."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.server = StudyServer()
        self.reserved: list[tuple[int, str]] = []
        self.next_number = dict.fromkeys(("records", "variables", "record_revisions", "forms", "codings"), 100)
        self.careful = False
        self.reconciled = False
        self._reset_step()
        for form in (1, 2):
            self._add_form(form)
        for _ in range(self.dice.randrange(4, 30)):
            self.insert()

    @property
    def settled(self) -> bool:
        """Whether nothing was changed shortly before the last sync; a burst just before it takes another look."""
        quiet = (self.server.now - timedelta(minutes=16)).strftime(_TIME)
        rows = [row for rows in self.server.lists.values() for row in rows.values()]
        return all(row[name] < quiet for row in rows for name in ("dateModified", "dateCoded") if name in row) and all(
            row["dateCreated"] < quiet for row in self.server.lists["record_revisions"].values()
        )

    def _reset_step(self) -> None:
        # A row that comes late with an old date, and one that goes at the same time, leave the count as it was: only a
        # comparison finds both. So a step has one of the two, or ends with a comparison.
        self.late_allowed = self.dice.random() < 0.5
        self.reconciled = self.dice.random() < 0.15

    # ---- what happens

    def step(self) -> None:
        """Let some things happen, some at the same second."""
        self._reset_step()
        for _ in range(self.dice.choice((0, 1, 2, 5, 12))):
            kind = self.dice.choice(_STEPS)
            getattr(self, kind)()
            if self.dice.random() < 0.7:
                self.server.now += timedelta(seconds=self.dice.choice((0, 0, 1, 30, 2000)))
        self.server.now += timedelta(seconds=self.dice.choice((0, 1, 60, 3600, 86400, 86400 * 3)))

    def insert(self) -> None:
        self._put_record(self._number("records"), self.server.text)

    def insert_unlisted(self) -> None:
        self._put_record(self._number("records"), self.server.text, form=self.dice.choice((3, 4)))

    def reserve(self) -> None:
        self.reserved.append((self._number("records"), self.server.text))

    def appear_late(self) -> None:
        if self.reserved and (self.late_allowed or self.reconciled):
            number, _ = self.reserved.pop(self.dice.randrange(len(self.reserved)))
            self._put_record(number, (self.server.now - timedelta(minutes=self.dice.choice((1, 10)))).strftime(_TIME))

    def appear_old(self) -> None:
        if self.reserved and (self.late_allowed or self.reconciled):
            number, moment = self.reserved.pop(self.dice.randrange(len(self.reserved)))
            self._put_record(number, moment)

    def edit(self) -> None:
        if row := self._some_record():
            row["recordData"] = {**row["recordData"], "A": f"v{self.dice.randrange(1000)}"}
            self._modified(row)

    def edit_back(self) -> None:
        if row := self._some_record():
            row["recordData"] = {**row["recordData"], "A": "v0"}
            self._modified(row)

    def edit_undated(self) -> None:
        if self.reconciled and (row := self._some_record()):
            row["recordData"] = {**row["recordData"], "A": f"u{self.dice.randrange(1000)}"}

    def soft_delete(self) -> None:
        if row := self._some_record():
            row["deleted"] = not row["deleted"]
            self._modified(row)

    def hard_delete(self) -> None:
        rows = self.server.lists["records"]
        if rows and (not self.late_allowed or self.reconciled):
            key = self.dice.choice(list(rows))
            self.gone = rows.pop(key)

    def hard_delete_many(self) -> None:
        for _ in range(5):
            self.hard_delete()

    def undelete(self) -> None:
        row = getattr(self, "gone", None)
        if row is not None and row["recordId"] not in self.server.lists["records"]:
            self._modified(row)
            self.server.lists["records"][row["recordId"]] = row

    def burst(self) -> None:
        for _ in range(12):
            self.insert()

    def add_variable(self) -> None:
        self._add_variable(self.dice.choice(self._forms()), f"N{self.dice.randrange(4)}")

    def retype_variable(self) -> None:
        rows = list(self.server.lists["variables"].values())
        if rows:
            row = self.dice.choice(rows)
            row["variableType"] = "NUMBER" if row["variableType"] == "TEXT" else "TEXT"
            self._stamp(row)

    def relabel_variable(self) -> None:
        rows = list(self.server.lists["variables"].values())
        if rows:
            row = self.dice.choice(rows)
            row["label"] = f"label {self.dice.randrange(100)}"
            self._stamp(row)

    def remove_variable(self) -> None:
        rows = self.server.lists["variables"]
        if rows:
            del rows[self.dice.choice(list(rows))]

    def add_form(self) -> None:
        if new := [form for form in (1, 2, 3, 4) if form not in self.server.lists["forms"]]:
            self._add_form(self.dice.choice(new))

    def remove_form(self) -> None:
        if len(self._forms()) > 1:
            del self.server.lists["forms"][self.dice.choice(self._forms())]

    def code(self) -> None:
        """A term is coded, for the first time or again under its old number."""
        codings = self.server.lists["codings"]
        number = (
            self.dice.choice([number for number, _ in codings])
            if codings and self.dice.random() < 0.5
            else (self._number("codings"))
        )
        revision = 1 + max((revision for known, revision in codings if known == number), default=0)
        codings[number, revision] = {
            "codingId": number, "revision": revision, "value": "x", "dateCoded": self.server.text,
        }  # fmt: skip

    # ---- how

    def _number(self, name: str) -> int:
        self.next_number[name] += 1
        return self.next_number[name]

    def _forms(self) -> list[int]:
        return list(self.server.lists["forms"])

    def _put_record(self, number: int, modified: str, form: int | None = None) -> None:
        form = form or self.dice.choice(self._forms())
        data = {"A": "v0", "B": str(self.dice.randrange(9)), f"N{self.dice.randrange(4)}": self.dice.choice(("5", "x"))}
        self.server.lists["records"][number] = {
            "studyKey": STUDY, "recordId": number, "formId": form, "formKey": f"F{form}", "subjectKey": "1",
            "recordStatus": "open", "deleted": False, "dateCreated": modified, "dateModified": modified,
            "recordData": data,
        }  # fmt: skip
        self._revise(number)

    def _revise(self, record: int) -> None:
        number = self._number("record_revisions")
        self.server.lists["record_revisions"][number] = {
            "studyKey": STUDY, "recordRevisionId": number, "recordId": record, "recordRevision": number, "user": "ann",
            "reasonForChange": "why", "dateCreated": self.server.text,
        }  # fmt: skip

    def _some_record(self) -> Row | None:
        rows = list(self.server.lists["records"].values())
        return self.dice.choice(rows) if rows else None

    def _modified(self, row: Row) -> None:
        self._stamp(row)
        self._revise(row["recordId"])

    def _stamp(self, row: Row) -> None:
        row["dateModified"] = self.server.text

    def _add_form(self, form: int) -> None:
        self.server.lists["forms"][form] = {
            "studyKey": STUDY, "formId": form, "formKey": f"F{form}", "formName": f"Form {form}", "disabled": False,
            "dateCreated": self.server.text, "dateModified": self.server.text,
        }  # fmt: skip
        self._add_variable(form, "A")
        self._add_variable(form, "B")

    def _add_variable(self, form: int, name: str) -> None:
        rows = self.server.lists["variables"]
        if any((row["formId"], row["variableName"]) == (form, name) for row in rows.values()):
            return
        number = self._number("variables")
        rows[number] = {
            "studyKey": STUDY, "variableId": number, "variableName": name, "formId": form, "formKey": f"F{form}",
            "variableType": self.dice.choice(("TEXT", "NUMBER")), "label": name, "sequence": number, "blinded": False,
            "disabled": False, "dateCreated": self.server.text, "dateModified": self.server.text,
        }  # fmt: skip


_TIME = "%Y-%m-%d %H:%M:%S"
_STEPS = (
    "insert", "insert", "insert_unlisted", "reserve", "reserve", "appear_late", "appear_old", "edit", "edit", "edit",
    "edit_back", "edit_undated", "soft_delete", "hard_delete", "hard_delete", "hard_delete_many", "undelete", "burst",
    "add_variable", "retype_variable", "relabel_variable", "remove_variable", "add_form", "remove_form", "code", "code",
)  # fmt: skip


@contextmanager
def killed_at(step: int) -> Iterator[None]:
    """End the process, as it were, at one of the writes of a sync: before it, after it, or within a commit."""
    count = 0

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            tick()
            result = function(*args, **kwargs)
            tick()
            return result

        def tick() -> None:
            nonlocal count
            count += 1
            if count == step:
                raise Killed

        return call

    with (
        mock.patch.object(DeltaFolder, "_write", counted(DeltaFolder._write)),
        mock.patch.object(DeltaFolder, "_finish", counted(DeltaFolder._finish)),
        mock.patch.object(DeltaFolder, "sweep", counted(DeltaFolder.sweep)),
        mock.patch.object(CommitLog, "append", counted(CommitLog.append)),
        mock.patch.object(CommitLog, "compact", counted(CommitLog.compact)),
    ):
        yield


def canonical(row: Any) -> str:
    """A row as text that does not depend on the order of its members."""
    return json.dumps(row, sort_keys=True)


def rows_of(server: StudyServer, name: str) -> dict[str, str]:
    """The rows the server has, by their key in a mirror."""
    return {
        "/".join(map(str, key)) if isinstance(key, tuple) else str(key): canonical(row)
        for key, row in server.lists[name].items()
    }


def mirrored(mirror: Mirror, names: Sequence[str], number: int | None = None) -> dict[str, dict[str, str]]:
    """The rows of lists that a mirror has as of a snapshot."""
    found = {}
    with mirror.sdk(number) as sdk:
        for name in names:
            options = RESOURCES[name].wide
            facts = operation(f"list_{name}").page
            assert facts is not None
            rows = getattr(sdk, name).list(STUDY, raw=True, refresh=True, **options)
            found[name] = {"/".join(str(row[key]) for key in facts.key): canonical(row) for row in rows}
    return found


CHECKED = ("records", "record_revisions", "codings", "variables", "forms")


def synced(mirror: Mirror, sdk: ImednetSDK, reconcile: bool | None) -> SyncReport:
    """A sync; where it asks whether the rows of a list are really gone, they are."""
    try:
        return mirror.sync(sdk, STUDY, reconcile=reconcile)
    except MirrorError as refused:
        if "--accept-deletions" not in str(refused):
            raise
        return mirror.sync(sdk, STUDY, reconcile=reconcile, accept_deletions=True)


def live(seed: int, folder: Path, steps: int = 4) -> None:
    """Let a study live, sync its mirror after each step, and check what the mirror has each time and at the end."""
    history = History(seed)
    server, dice = history.server, history.dice
    mirror = Mirror(folder / f"m{seed}", retention=timedelta(0))
    seen: dict[int, dict[str, dict[str, str]]] = {}
    settled = False
    with server.sdk() as sdk, mock.patch.object(ListSource, "head_rows", SMALL_PAGE):
        for turn in range(steps):
            if turn:
                history.step()
            reconcile = True if history.reconciled else None
            commits = len(mirror.snapshots) if turn else 0
            if dice.random() < 0.4:
                try:
                    with killed_at(dice.randrange(1, 40)):
                        synced(mirror, sdk, reconcile)
                except Killed:
                    known = max(seen, default=0)
                    number = mirror.number() if known or mirror._log.load().number else 0
                    assert number in (known, known + 1), (seed, turn)  # the kill may have come after the commit
                    if number == known and known:
                        assert mirrored(mirror, ["records"])["records"] == seen[known]["records"], (seed, turn)
            report = synced(mirror, sdk, reconcile)
            if len(mirror.snapshots) > commits:
                settled = history.settled
            assert reconcile or not report.undated, (seed, turn, report)
            now = {name: rows_of(server, name) for name in CHECKED}
            held = mirrored(mirror, CHECKED)
            for name in CHECKED:
                assert held[name] == now[name], (seed, turn, name, report)
            if not seen or now != seen[max(seen)]:
                seen[mirror.number()] = now
            assert mirror.number() == max(seen), (seed, turn)
            if dice.random() < 0.5:
                continue
            before = len(server.requests), len(mirror.snapshots)
            again = mirror.sync(sdk, STUDY, reconcile=False)
            assert not again.changed, (seed, turn, again)
            assert len(mirror.snapshots) == before[1], (seed, turn)
            for name in LISTS:
                last = operation(f"list_{name}").path.rpartition("/")[2]
                asked = [path for path in server.requests[before[0] :] if path.partition("?")[0].endswith(f"/{last}")]
                assert len(asked) <= 1 or not settled, (seed, turn, name, asked)
    assert mirror.verify() == [], seed
    for number, rows in seen.items():
        held = mirrored(mirror, ["records", "variables"], number)
        for name, found in held.items():
            assert found == rows[name], (seed, number, name)
    _check_versions(mirror, seen, seed)


def _check_versions(mirror: Mirror, seen: dict[int, dict[str, dict[str, str]]], seed: int) -> None:
    """Every version of every record is there that a sync saw, in order, and no other."""
    expected: dict[str, list[tuple[int, str | None]]] = {}
    before: dict[str, str] = {}
    for number in sorted(seen):
        rows = seen[number]["records"]
        for key in {*before, *rows}:
            if before.get(key) != rows.get(key):
                expected.setdefault(key, []).append((number, rows.get(key)))
        before = rows
    found = _versions(mirror)
    assert found.keys() == expected.keys(), seed
    for key, versions in expected.items():
        own = [(number, row) for number, row in sorted(found[key].items())]
        distinct = [one for place, one in enumerate(own) if not place or one[1] != own[place - 1][1]]
        assert distinct == versions, (seed, key, distinct, versions)
    key = min(expected)
    told = {one.snapshot: None if one.row is None else canonical(one.row) for one in mirror.history(key)}
    assert told == found[key], (seed, key)


def _versions(mirror: Mirror) -> dict[str, dict[int, str | None]]:
    """Every version of every record; where a row went from one table to another, what it is in the other one."""
    state = mirror._load()
    found: dict[str, dict[int, str | None]] = {}
    with Versions(mirror.folder, state.tables) as versions:
        for table in record_tables(state):
            for batch in versions.query(f"select _key, _snapshot, _line from {versions.source(table)}"):
                for row in batch.to_pylist():
                    line = row["_line"]
                    known = found.setdefault(row["_key"], {})
                    if line is not None or row["_snapshot"] not in known:
                        known[row["_snapshot"]] = None if line is None else canonical(json.loads(line))
    return found
