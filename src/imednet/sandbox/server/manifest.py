"""What a build holds, counted and hashed: what a right extract must contain, without trusting any client.

The ledger names every planted and every drawn defect; the other parts answer the questions people bring to a study.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from ..invent.defects import Note
from ..invent.design import CLOCK, Row
from ..invent.people import Subject
from ..invent.plan import TWICE
from ..invent.record_life import IMPORTED, written
from ..study.queries_codings import CODED
from ..study.records import STATUSES
from ..study.study import Study, study_rows
from ..study.tables import DEFAULT_SORT, KEYS

VERSION = 1
"""Version of the generator: builds of one version and seed have the same bytes."""

NEWER = {versions[1] for _, _, _, versions in CODED.values()}
"""Versions of dictionaries that came in while the study ran."""

Ledger = dict[str, list[list[Any]]]


def canonical(row: Any) -> bytes:
    """A row as canonical JSON, for hashes."""
    return json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def manifest_of(studies: dict[str, Study], clock: str = CLOCK, *, ledger: bool = True) -> Row:
    """The manifest of all studies of a sandbox, as they are now.

    A hash is the SHA-256 over the rows of a list in default order, each as `canonical` writes it and followed by a line
    feed, in the documented dialect, with blinded answers and with inactive users.
    """
    return {
        "version": VERSION,
        "clock": clock,
        "studies": {
            "count": len(studies),
            "sha256": hashlib.sha256(b"".join(canonical(row) + b"\n" for row in study_rows(studies))).hexdigest(),
        },
        "study": {key: study_manifest(study, clock, ledger=ledger) for key, study in sorted(studies.items())},
    }


def study_manifest(study: Study, clock: str = CLOCK, *, ledger: bool = True) -> Row:
    """The manifest of one study."""
    found = _Count(study, clock)
    lists = {}
    for name in KEYS:
        if name != "studies":
            lists[name] = _list(study, name, found)
    found.defects_of_people()
    return {
        "seed": study.seed,
        "scale": {"sites": study.scale.sites, "subjects": study.scale.subjects, "users": study.scale.users},
        "lists": lists,
        "records": found.records(),
        "subjects": found.subjects(),
        "queries": found.queries(),
        "visits": found.visits(),
        "codings": found.codings(),
        "revisions": found.revisions(),
        "answers": {"count": found.answer_count, "sha256": found.answer_hash.hexdigest()},
        "calendar": found.calendar(),
        "defects": {name: len(cases) for name, cases in sorted(found.ledger.items())},
        **({"ledger": dict(sorted(found.ledger.items()))} if ledger else {}),
    }


def _list(study: Study, name: str, count: _Count) -> Row:
    """Hash and count of one list, in its default order."""
    table = study.table(name)
    places: Iterable[int] = table.places()
    if DEFAULT_SORT[name] != KEYS[name][0]:
        by = list(table.values(DEFAULT_SORT[name]))
        places = sorted(places, key=by.__getitem__)
    hashed = hashlib.sha256()
    for place in places:
        notes: list[Note] = []
        row = _record(study, place, notes) if name == "records" else table.row(place)
        hashed.update(canonical(row) + b"\n")
        count.see(name, place, row, notes)
    total = len(table)
    return {"count": total, "sha256": hashed.hexdigest(), "pages": {"500": -(-total // 500), "25": -(-total // 25)}}


def _record(study: Study, place: int, notes: list[Note]) -> Row:
    """A record, and those of the defects made at the start that are still in it."""
    row = study.records.whole(place, notes=notes)
    if place < len(study.record_source) and study.records.is_changed(place):
        made = study.record_source.whole(place, notes)["recordData"]
        now = row["recordData"]
        if isinstance(made, dict) and isinstance(now, dict):
            notes[:] = [
                note for note in notes if note[1] is None or made.get(note[1], notes) == now.get(note[1], notes)
            ]
        elif made != now:
            notes.clear()
    return row


class _Count:
    """Sees every row once and keeps what the manifest is made of."""

    def __init__(self, study: Study, clock: str) -> None:
        self._study = study
        self._clock = clock
        self.ledger: Ledger = defaultdict(list)
        self.answer_hash = hashlib.sha256()
        self.answer_count = 0
        self._forms: dict[str, Counter[str]] = defaultdict(Counter)
        self._statuses: Counter[str] = Counter()
        self._sites: Counter[int] = Counter()
        self._changed: dict[str, Row] = {}
        self._subject_counts: dict[int, Counter[str]] = defaultdict(Counter)
        self._enrolled: Counter[str] = Counter()
        self._query_counts: dict[int, Counter[str]] = defaultdict(Counter)
        self._oldest: dict[int, str] = {}
        self._visit_counts: dict[str, Counter[str]] = defaultdict(Counter)
        self._diary: dict[str, list[int]] = {}
        self._coding_counts: Counter[str] = Counter()
        self._coded: set[int] = set()
        self._recoded: set[int] = set()
        self._terms: set[int] = set()
        self._children: dict[int, int] = {}
        self._gone_records: dict[int, bool] = {}
        self._diary_days: dict[int, str] = {}
        self._revision_counts: dict[str, Counter[str]] = {"user": Counter(), "role": Counter(), "reason": Counter()}
        self._known = {row["login"]: row["userActiveInStudy"] for row in study.table("users").rows()}
        self._subject_rows = {row["subjectId"]: row for row in study.table("subjects").rows()}
        self._people = {subject.number: subject for subject in study.plan.subjects}
        self._orphaned: set[int] = set()
        self._gone_visits = {row["visitId"] for row in study.table("visits").rows() if row["deleted"]}

    def see(self, name: str, place: int, row: Row, notes: list[Note]) -> None:
        """One row of one list; of a record also what is wrong with its answers."""
        way = getattr(self, f"_see_{name}", None)
        if way is not None:
            way(place, row)
        for defect, variable, original in notes:
            self.put(defect, "records", row["recordId"], variable, original)

    def put(self, defect: str, endpoint: str, number: Any, variable: str | None = None, original: Any = None) -> None:
        """One case for the ledger."""
        self.ledger[defect].append([endpoint, number, variable, original])

    # ---- rows

    def _see_records(self, place: int, row: Row) -> None:
        number, study = row["recordId"], self._study
        self._forms[row["formKey"]]["deleted" if row["deleted"] else "live"] += 1
        self._statuses[row["recordStatus"]] += 1
        self._sites[row["siteId"]] += 1
        self._gone_records[number] = row["deleted"]
        day = self._changed.setdefault(row["dateModified"][:10], {"changed": [], "deleted": []})
        day["deleted" if row["deleted"] else "changed"].append(number)
        answers = row["recordData"] or {}
        for name, value in answers.items():
            if name not in ("dateCreated", "dateModified", "unvnum"):
                self.answer_hash.update(canonical([number, name, value]))
                self.answer_count += 1
        subject = self._people.get(row["subjectId"])
        if row["deleted"] and (subject is None or subject.gone != "D11"):
            self.put("D10", "records", number)
        if row["keywords"] is None:
            self.put("D34", "records", number)
        if row["dateModified"] < row["dateCreated"]:
            self.put("D35", "records", number)
        if row["dateModified"] == written(IMPORTED):
            self.put("D36", "records", number)
        if row["formKey"] in CODED and answers.get(CODED[row["formKey"]][0]):
            self._terms.add(number)
        if row["parentRecordId"] is not None:
            self._children[number] = row["parentRecordId"]
        if row["visitId"] in self._gone_visits and not row["deleted"]:
            self._orphaned.add(row["visitId"])
        if row["visitId"] in self._diary_days and not row["deleted"]:
            self._diary[self._diary_days[row["visitId"]]][0] += 1
        source = study.record_source
        if place < len(source) and study.plan.mark[source.shuffle.rank(place)] == TWICE:
            self.put("D14" if row["formKey"] == "AE" else "D15", "records", number)

    def _see_subjects(self, place: int, row: Row) -> None:
        self._subject_counts[row["siteId"]][row["subjectStatus"]] += 1
        if row["enrollmentStartDate"]:
            self._enrolled[row["enrollmentStartDate"][:7]] += 1

    def _see_queries(self, place: int, row: Row) -> None:
        site = self._subject_rows[row["subjectId"]]["siteId"]
        comments = row["queryComments"]
        state = "unknown"
        if comments:
            state = "closed" if max(comments, key=lambda one: one["sequence"])["closed"] else "open"
        self._query_counts[site][state] += 1
        if state == "open":
            began = min(one["date"] for one in comments)
            self._oldest[site] = min(began, self._oldest.get(site, began))
        if not comments:
            self.put("D37", "queries", row["annotationId"])
        if self._gone_records.get(row["recordId"]):
            self.put("D38", "queries", row["annotationId"])
        steps = [one["sequence"] for one in comments]
        if steps != sorted(steps):
            self.put("D39", "queries", row["annotationId"])

    def _see_codings(self, place: int, row: Row) -> None:
        self._coding_counts[f"{row['dictionaryName']} {row['dictionaryVersion']}"] += 1
        self._coded.add(row["recordId"])
        if row["revision"] > 1:
            self._recoded.add(row["codingId"])
        if row["revision"] > 1 or row["dictionaryVersion"] in NEWER:
            self.put("D42", "codings", row["codingId"])

    def _see_recordRevisions(self, place: int, row: Row) -> None:  # noqa: N802 - named like the list
        self._revision_counts["user"][row["user"]] += 1
        self._revision_counts["role"][row["role"]] += 1
        self._revision_counts["reason"][str(row["reasonForChange"])] += 1
        if not self._known.get(row["user"]):
            self.put("D40", "recordRevisions", row["recordRevisionId"])

    def _see_visits(self, place: int, row: Row) -> None:
        state = self.state_of(row)
        self._visit_counts[row["intervalName"]][state] += 1
        defect = {"late": "D06", "early": "D07", "missed": "D08"}.get(state)
        diary = row["intervalName"].startswith("Diary")
        if defect and not diary:
            self.put(defect, "visits", row["visitId"])
        if diary and state in ("in window", "missed"):
            self._diary.setdefault(row["subjectKey"], [0, 0])[1] += 1
            self._diary_days[row["visitId"]] = row["subjectKey"]
            if state == "missed":
                self.put("D09", "visits", row["visitId"])

    def state_of(self, row: Row) -> str:
        """In window, late, early, missed, future, after exit, deleted, or without a window."""
        if row["deleted"]:
            return "deleted"
        if not row["startDate"]:
            return "no window"
        if row["visitDate"]:
            if row["visitDate"] < row["startDate"]:
                return "early"
            return "late" if row["visitDate"] > row["endDate"] else "in window"
        subject = self._people.get(row["subjectId"])
        if subject is not None and _left(subject, row):
            return "after exit"
        grace = next(
            (one["eproGracePeriod"] or 0)
            for one in self._study.design.intervals
            if one["intervalId"] == row["intervalId"]
        )
        return "missed" if _after(row["endDate"], grace) < self._clock[:10] else "future"

    # ---- what comes of it

    def defects_of_people(self) -> None:
        """Defects that belong to subjects and visits."""
        for subject in self._study.plan.subjects:
            if subject.gone:
                self.put(subject.gone, "subjects", subject.number)
            if subject.person != subject.number:
                self.put("D16", "subjects", subject.number, None, subject.person)
        for child, parent in self._children.items():
            missing = parent not in self._gone_records
            if missing or (self._gone_records[parent] and not self._gone_records[child]):
                self.put("D41", "records", child)
        for visit in sorted(self._orphaned):
            self.put("D13", "visits", visit)

    def records(self) -> Row:
        """Records per form (deleted ones apart), status and site."""
        return {
            "forms": {
                form["formKey"]: {
                    "live": self._forms[form["formKey"]]["live"],
                    "deleted": self._forms[form["formKey"]]["deleted"],
                }
                for form in self._study.design.data["forms"]
            },
            "statuses": {status: self._statuses[status] for status in STATUSES},
            "sites": {str(site): count for site, count in sorted(self._sites.items())},
        }

    def subjects(self) -> Row:
        """Subjects per site and status; enrolled per month."""
        return {
            "sites": {str(site): dict(sorted(counts.items())) for site, counts in sorted(self._subject_counts.items())},
            "statuses": dict(sorted(sum(self._subject_counts.values(), Counter()).items())),
            "enrolled": dict(sorted(self._enrolled.items())),
        }

    def queries(self) -> Row:
        """Open, closed and unknown queries per site, with the first comment of the oldest open one."""
        return {
            str(site): {state: counts[state] for state in ("open", "closed", "unknown")}
            | {"oldest": self._oldest.get(site)}
            for site, counts in sorted(self._query_counts.items())
        }

    def visits(self) -> Row:
        """Visits per interval and state; diary days kept and due per subject."""
        return {
            "intervals": {name: dict(sorted(counts.items())) for name, counts in sorted(self._visit_counts.items())},
            "diary": {key: {"kept": kept, "due": due} for key, (kept, due) in sorted(self._diary.items())},
        }

    def codings(self) -> Row:
        """Coded terms per dictionary version, terms coded again, and terms not coded."""
        return {
            "versions": dict(sorted(self._coding_counts.items())),
            "recoded": len(self._recoded),
            "records": len(self._coded),
            "uncoded": len(self._terms - self._coded),
        }

    def revisions(self) -> Row:
        """Revisions per user, role and reason; logins that are in no list of users."""
        unknown = sorted(login for login in self._revision_counts["user"] if login not in self._known)
        return {
            **{name: dict(sorted(counts.items())) for name, counts in self._revision_counts.items()},
            "unknown": unknown,
        }

    def calendar(self) -> Row:
        """Numbers of the records changed and deleted on each of the last thirty days."""
        days = sorted(self._changed, reverse=True)
        first = _after(self._clock[:10], -30)
        return {day: self._changed[day] for day in sorted(day for day in days if day >= first)}


def _left(subject: Subject, row: Row) -> bool:
    """Whether a visit was due after its subject had left."""
    if subject.exit is None or subject.story.silent:
        return False
    middle = row["dueDate"] or row["startDate"]
    return bool(middle > _day(subject.exit))


def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


def _after(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()
