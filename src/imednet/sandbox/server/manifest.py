"""The manifest of a study: counts, hashes and figures that a correct extract must reproduce.

It is made from the rows alone, without any client. The ledger lists every defect, scripted or drawn; the other parts
answer common questions, such as records per site or open queries.
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
"""Version of the generator: studies of the same version, scale and seed have the same bytes."""

NEWER = {versions[1] for _, _, _, versions in CODED.values()}
"""Versions of dictionaries that were introduced while the study ran."""

Ledger = dict[str, list[list[Any]]]
"""Defect -> its cases, each a list of endpoint, number of the row, variable, and original answer."""


def canonical(row: Any) -> bytes:
    """A row as canonical JSON (sorted keys, no spaces), for hashes."""
    return json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def manifest_of(studies: dict[str, Study], clock: str = CLOCK, *, ledger: bool = True) -> Row:
    """The manifest of all studies of a sandbox in their present state.

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
    tally = _Tally(study, clock)
    lists = {}
    for name in KEYS:
        if name != "studies":
            lists[name] = _list(study, name, tally)
    tally.defects_of_people()
    return {
        "seed": study.seed,
        "scale": {"sites": study.scale.sites, "subjects": study.scale.subjects, "users": study.scale.users},
        "lists": lists,
        "records": tally.records(),
        "subjects": tally.subjects(),
        "queries": tally.queries(),
        "visits": tally.visits(),
        "codings": tally.codings(),
        "revisions": tally.revisions(),
        "answers": {"count": tally.answer_count, "sha256": tally.answer_hash.hexdigest()},
        "calendar": tally.calendar(),
        "defects": {name: len(cases) for name, cases in sorted(tally.ledger.items())},
        **({"ledger": dict(sorted(tally.ledger.items()))} if ledger else {}),
    }


def _list(study: Study, name: str, tally: _Tally) -> Row:
    """Count, hash and numbers of pages of a list in its default order; passes every row on to `tally`."""
    table = study.table(name)
    places: Iterable[int] = table.places()
    if DEFAULT_SORT[name] != KEYS[name][0]:
        values = list(table.values(DEFAULT_SORT[name]))
        places = sorted(places, key=values.__getitem__)
    digest = hashlib.sha256()
    for place in places:
        notes: list[Note] = []
        row = _record(study, place, notes) if name == "records" else table.row(place)
        digest.update(canonical(row) + b"\n")
        tally.count(name, place, row, notes)
    total = len(table)
    return {"count": total, "sha256": digest.hexdigest(), "pages": {"500": -(-total // 500), "25": -(-total // 25)}}


def _record(study: Study, place: int, notes: list[Note]) -> Row:
    """A record with its answers; `notes` collects the generated defects that are still in it."""
    row = study.records.full_row(place, notes=notes)
    if place < len(study.record_source) and study.records.is_changed(place):
        generated = study.record_source.full_row(place, notes)["recordData"]
        current = row["recordData"]
        if isinstance(generated, dict) and isinstance(current, dict):
            notes[:] = [
                note
                for note in notes
                if note[1] is None or generated.get(note[1], notes) == current.get(note[1], notes)
            ]
        elif generated != current:
            notes.clear()
    return row


class _Tally:
    """Counts for the manifest; every row is passed in once."""

    def __init__(self, study: Study, clock: str) -> None:
        self._study = study
        self._clock = clock
        self.ledger: Ledger = defaultdict(list)
        self.answer_hash = hashlib.sha256()
        self.answer_count = 0
        self._forms: dict[str, Counter[str]] = defaultdict(Counter)
        self._statuses: Counter[str] = Counter()
        self._sites: Counter[int] = Counter()
        self._records_by_day: dict[str, Row] = {}
        self._subject_counts: dict[int, Counter[str]] = defaultdict(Counter)
        self._enrolled_by_month: Counter[str] = Counter()
        self._query_counts: dict[int, Counter[str]] = defaultdict(Counter)
        self._oldest_open_query: dict[int, str] = {}
        self._visit_counts: dict[str, Counter[str]] = defaultdict(Counter)
        self._diary: dict[str, list[int]] = {}
        self._coding_counts: Counter[str] = Counter()
        self._coded_records: set[int] = set()
        self._recoded_codings: set[int] = set()
        self._records_with_terms: set[int] = set()
        self._parents: dict[int, int] = {}
        self._deleted_by_record: dict[int, bool] = {}
        self._diary_visits: dict[int, str] = {}
        self._revision_counts: dict[str, Counter[str]] = {"user": Counter(), "role": Counter(), "reason": Counter()}
        self._users = {row["login"]: row["userActiveInStudy"] for row in study.table("users").rows()}
        self._subject_rows = {row["subjectId"]: row for row in study.table("subjects").rows()}
        self._people = {subject.number: subject for subject in study.plan.subjects}
        self._orphaned: set[int] = set()
        self._deleted_visits = {row["visitId"] for row in study.table("visits").rows() if row["deleted"]}

    def count(self, name: str, place: int, row: Row, notes: list[Note]) -> None:
        """Count a row of a list; for a record, `notes` are the defects of its answers."""
        counter = getattr(self, f"_count_{name}", None)
        if counter is not None:
            counter(place, row)
        for defect, variable, original in notes:
            self.add_case(defect, "records", row["recordId"], variable, original)

    def add_case(
        self, defect: str, endpoint: str, number: Any, variable: str | None = None, original: Any = None
    ) -> None:
        """Add a case to the ledger."""
        self.ledger[defect].append([endpoint, number, variable, original])

    # ---- rows

    def _count_records(self, place: int, row: Row) -> None:
        number, study = row["recordId"], self._study
        self._forms[row["formKey"]]["deleted" if row["deleted"] else "live"] += 1
        self._statuses[row["recordStatus"]] += 1
        self._sites[row["siteId"]] += 1
        self._deleted_by_record[number] = row["deleted"]
        day = self._records_by_day.setdefault(row["dateModified"][:10], {"changed": [], "deleted": []})
        day["deleted" if row["deleted"] else "changed"].append(number)
        answers = row["recordData"] or {}
        for name, value in answers.items():
            if name not in ("dateCreated", "dateModified", "unvnum"):
                self.answer_hash.update(canonical([number, name, value]))
                self.answer_count += 1
        subject = self._people.get(row["subjectId"])
        if row["deleted"] and (subject is None or subject.gone != "D11"):
            self.add_case("D10", "records", number)
        if row["keywords"] is None:
            self.add_case("D34", "records", number)
        if row["dateModified"] < row["dateCreated"]:
            self.add_case("D35", "records", number)
        if row["dateModified"] == written(IMPORTED):
            self.add_case("D36", "records", number)
        if row["formKey"] in CODED and answers.get(CODED[row["formKey"]][0]):
            self._records_with_terms.add(number)
        if row["parentRecordId"] is not None:
            self._parents[number] = row["parentRecordId"]
        if row["visitId"] in self._deleted_visits and not row["deleted"]:
            self._orphaned.add(row["visitId"])
        if row["visitId"] in self._diary_visits and not row["deleted"]:
            self._diary[self._diary_visits[row["visitId"]]][0] += 1
        source = study.record_source
        if place < len(source) and study.plan.mark[source.shuffle.rank(place)] == TWICE:
            self.add_case("D14" if row["formKey"] == "AE" else "D15", "records", number)

    def _count_subjects(self, place: int, row: Row) -> None:
        self._subject_counts[row["siteId"]][row["subjectStatus"]] += 1
        if row["enrollmentStartDate"]:
            self._enrolled_by_month[row["enrollmentStartDate"][:7]] += 1

    def _count_queries(self, place: int, row: Row) -> None:
        site = self._subject_rows[row["subjectId"]]["siteId"]
        comments = row["queryComments"]
        state = "unknown"
        if comments:
            state = "closed" if max(comments, key=lambda comment: comment["sequence"])["closed"] else "open"
        self._query_counts[site][state] += 1
        if state == "open":
            opened = min(comment["date"] for comment in comments)
            self._oldest_open_query[site] = min(opened, self._oldest_open_query.get(site, opened))
        if not comments:
            self.add_case("D37", "queries", row["annotationId"])
        if self._deleted_by_record.get(row["recordId"]):
            self.add_case("D38", "queries", row["annotationId"])
        sequence = [comment["sequence"] for comment in comments]
        if sequence != sorted(sequence):
            self.add_case("D39", "queries", row["annotationId"])

    def _count_codings(self, place: int, row: Row) -> None:
        self._coding_counts[f"{row['dictionaryName']} {row['dictionaryVersion']}"] += 1
        self._coded_records.add(row["recordId"])
        if row["revision"] > 1:
            self._recoded_codings.add(row["codingId"])
        if row["revision"] > 1 or row["dictionaryVersion"] in NEWER:
            self.add_case("D42", "codings", row["codingId"])

    def _count_recordRevisions(self, place: int, row: Row) -> None:  # noqa: N802 - named like the list
        self._revision_counts["user"][row["user"]] += 1
        self._revision_counts["role"][row["role"]] += 1
        self._revision_counts["reason"][str(row["reasonForChange"])] += 1
        if not self._users.get(row["user"]):
            self.add_case("D40", "recordRevisions", row["recordRevisionId"])

    def _count_visits(self, place: int, row: Row) -> None:
        state = self.state_of(row)
        self._visit_counts[row["intervalName"]][state] += 1
        defect = {"late": "D06", "early": "D07", "missed": "D08"}.get(state)
        diary = row["intervalName"].startswith("Diary")
        if defect and not diary:
            self.add_case(defect, "visits", row["visitId"])
        if diary and state in ("in window", "missed"):
            self._diary.setdefault(row["subjectKey"], [0, 0])[1] += 1
            self._diary_visits[row["visitId"]] = row["subjectKey"]
            if state == "missed":
                self.add_case("D09", "visits", row["visitId"])

    def state_of(self, row: Row) -> str:
        """State of a visit: in window, late, early, missed, future, after exit, deleted, or no window."""
        if row["deleted"]:
            return "deleted"
        if not row["startDate"]:
            return "no window"
        if row["visitDate"]:
            if row["visitDate"] < row["startDate"]:
                return "early"
            return "late" if row["visitDate"] > row["endDate"] else "in window"
        subject = self._people.get(row["subjectId"])
        if subject is not None and _after_exit(subject, row):
            return "after exit"
        grace = next(
            (interval["eproGracePeriod"] or 0)
            for interval in self._study.design.intervals
            if interval["intervalId"] == row["intervalId"]
        )
        return "missed" if _days_later(row["endDate"], grace) < self._clock[:10] else "future"

    # ---- parts of the manifest

    def defects_of_people(self) -> None:
        """Add defects of subjects, parents and visits, which need all rows, to the ledger."""
        for subject in self._study.plan.subjects:
            if subject.gone:
                self.add_case(subject.gone, "subjects", subject.number)
            if subject.person != subject.number:
                self.add_case("D16", "subjects", subject.number, None, subject.person)
        for child, parent in self._parents.items():
            missing = parent not in self._deleted_by_record
            if missing or (self._deleted_by_record[parent] and not self._deleted_by_record[child]):
                self.add_case("D41", "records", child)
        for visit in sorted(self._orphaned):
            self.add_case("D13", "visits", visit)

    def records(self) -> Row:
        """Records per form (deleted ones separately), status and site."""
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
        """Subjects per site and status; enrolments per month."""
        return {
            "sites": {str(site): dict(sorted(counts.items())) for site, counts in sorted(self._subject_counts.items())},
            "statuses": dict(sorted(sum(self._subject_counts.values(), Counter()).items())),
            "enrolled": dict(sorted(self._enrolled_by_month.items())),
        }

    def queries(self) -> Row:
        """Open, closed and unknown queries per site, and the time of the oldest open one."""
        return {
            str(site): {state: counts[state] for state in ("open", "closed", "unknown")}
            | {"oldest": self._oldest_open_query.get(site)}
            for site, counts in sorted(self._query_counts.items())
        }

    def visits(self) -> Row:
        """Visits per interval and state; diary days filled in and due per subject."""
        return {
            "intervals": {name: dict(sorted(counts.items())) for name, counts in sorted(self._visit_counts.items())},
            "diary": {key: {"kept": kept, "due": due} for key, (kept, due) in sorted(self._diary.items())},
        }

    def codings(self) -> Row:
        """Codings per version of a dictionary; terms coded again, coded records, and terms without a coding."""
        return {
            "versions": dict(sorted(self._coding_counts.items())),
            "recoded": len(self._recoded_codings),
            "records": len(self._coded_records),
            "uncoded": len(self._records_with_terms - self._coded_records),
        }

    def revisions(self) -> Row:
        """Revisions per user, role and reason; logins that are not listed as users."""
        unknown = sorted(login for login in self._revision_counts["user"] if login not in self._users)
        return {
            **{name: dict(sorted(counts.items())) for name, counts in self._revision_counts.items()},
            "unknown": unknown,
        }

    def calendar(self) -> Row:
        """`recordId` of records changed and deleted on each of the last thirty days."""
        days = sorted(self._records_by_day, reverse=True)
        first = _days_later(self._clock[:10], -30)
        return {day: self._records_by_day[day] for day in sorted(day for day in days if day >= first)}


def _after_exit(subject: Subject, row: Row) -> bool:
    """Whether a visit was due after its subject had left the study."""
    if subject.exit is None or subject.story.silent:
        return False
    middle = row["dueDate"] or row["startDate"]
    return bool(middle > _day(subject.exit))


def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


def _days_later(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()
