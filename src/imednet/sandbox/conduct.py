"""What grows around records: users, revisions, queries and codings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from .answers import written
from .design import Design
from .dice import Dice
from .plan import NOW, Entry, Subject
from .words import FIRST_NAMES, LAST_NAMES, TERMS, WORDS

Row = dict[str, Any]

REASONS = (
    "Data entry error",
    "Source corrected",
    "Late information",
    "Query response",
    "Unit corrected",
    "Monitor request",
)
CODED = {"AETERM": (0.93, "MedDRA", ("26.1", "27.0")), "MHTERM": (0.90, "MedDRA", ("26.1", "27.0")),
         "CMTRT": (0.95, "WHODrug", ("2023-09", "2024-03"))}  # fmt: skip
PREFIXES = ("Auto Query", "Monitor Query", "Data Management Query", "Coding Query")


def users(design: Design, dice: Dice, study_id: int, count: int) -> list[Row]:
    """Users with their roles; 12 % are inactive in the study."""
    rows = []
    for place in range(count):
        first = FIRST_NAMES[place % len(FIRST_NAMES)]
        last = LAST_NAMES[(place * 5 + place // 16) % len(LAST_NAMES)]
        login = f"{first[0]}{last}".lower().encode("ascii", "ignore").decode() + str(place + 1)
        u = dice.below(100, "user", place, "roles")
        roles = [] if u == 0 and place > 2 else [_role(design, dice, study_id, place, 0)]
        if roles and u > 91:
            roles.append(_role(design, dice, study_id, place, 1))
        rows.append(
            {
                "userId": dice.uuid("user", place),
                "login": login,
                "firstName": first,
                "lastName": last,
                "email": f"{login}@example.org",
                "userActiveInStudy": place % 8 != 7,
                "roles": roles,
            }
        )
    return sorted(rows, key=lambda row: (row["login"], row["userId"]))


def _role(design: Design, dice: Dice, study_id: int, place: int, time: int) -> Row:
    role = design.data["roles"][(place + 3 * time) % len(design.data["roles"])]
    made = [2024, 1 + place % 12, 1 + place % 28, 9, place % 60]
    changed = [*made, 2, 625000000] if place % 3 else made
    return {
        "dateCreated": made if place % 5 else [*made, 30],
        "dateModified": None if dice.chance(0.02, "role", place, time) else changed,
        "roleId": dice.uuid("role", role["name"]),
        "communityId": study_id,
        "name": role["name"],
        "description": role["does"],
        "level": role["level"],
        "type": role["type"],
        "inactive": False,
    }


def revision_count(design: Design, dice: Dice, entry: Entry) -> int:
    """How many revisions a record has."""
    if entry.retired:
        return 2
    u = dice.unit("revisions", entry.number)
    for count, share in design.data["revisionsPerRecord"].items():
        u -= share
        if u < 0:
            return int(count)
    return 6


def revisions(dice: Dice, study_key: str, records: list[Row], counts: list[int], logins: list[str]) -> list[Row]:
    """Saved states of all records; the last one agrees with its record."""
    rows: list[Row] = []
    for record, count in zip(records, counts, strict=True):
        number = record["recordId"]
        for revision in range(1, count + 1):
            last = revision == count
            corrected = 1 < revision < count or (revision == 2 and count > 2)
            reason = dice.pick(REASONS, "reason", number, revision) if corrected else None
            if last and record["deleted"]:
                reason = "Entered in error"
            rows.append(
                {
                    "studyKey": study_key,
                    "recordRevisionId": 0,
                    "recordId": number,
                    "recordOid": record["recordOid"],
                    "recordRevision": revision,
                    "dataRevision": max(1, min(revision, count - 1)),
                    "recordStatus": record["recordStatus"] if last else "Record Incomplete",
                    "subjectId": record["subjectId"],
                    "subjectOid": record["subjectOid"],
                    "subjectKey": record["subjectKey"],
                    "siteId": record["siteId"],
                    "formKey": record["formKey"],
                    "intervalId": record["intervalId"],
                    "role": "Site Coordinator" if revision == 1 else "Data Manager",
                    "user": dice.pick(logins, "who", number, revision),
                    "reasonForChange": reason,
                    "deleted": last and record["deleted"],
                    "dateCreated": record["dateModified"] if last else record["dateCreated"],
                }
            )
    return _numbered(dice, rows, "recordRevisionId", 9000001)


def queries(
    design: Design, dice: Dice, study_key: str, records: list[Row], forms: dict[str, Row], logins: list[str]
) -> list[Row]:
    """Queries on 6.5 % of the records, twice that for adverse events and laboratory."""
    rows: list[Row] = []
    chains = design.data["queryLifecycles"]
    for record in records:
        number = record["recordId"]
        rate = 0.118 if record["formKey"] in ("AE", "LAB") else 0.059
        if record["subjectId"] is None or record["subjectId"] == 20004 or not dice.chance(rate, "query", number):
            continue
        u = dice.unit("query", number, "life")
        life = chains[-1]
        for chain in chains:
            u -= chain["share"]
            if u < 0:
                life = chain
                break
        place = dice.below(100, "query", number, "place")
        where = "question" if place < 78 else "record" if place < 92 else "subject"
        prefix = PREFIXES[min(3, dice.below(100, "query", number, "class") // 45)]
        began = NOW - timedelta(days=1 + dice.below(120, "query", number, "age"))
        comments = [
            {
                "sequence": step,
                "annotationStatus": f"{prefix} {word}",
                "user": dice.pick(logins, "comment", number, step),
                "comment": " ".join(dice.pick(WORDS, "comment", number, step, word) for word in range(5)),
                "closed": word == "Closed",
                "date": written(began + timedelta(hours=5 * step)),
            }
            for step, word in enumerate(life["chain"], 1)
        ]
        variables = [variable["variableName"] for variable in forms[record["formKey"]]["variables"]]
        rows.append(
            {
                "studyKey": study_key,
                "subjectId": record["subjectId"],
                "subjectOid": record["subjectOid"],
                "annotationType": where,
                "annotationId": 0,
                "type": where if dice.chance(0.05, "query", number, "type") else None,
                "description": prefix,
                "recordId": None if where == "subject" else number,
                "variable": dice.pick(variables, "query", number, "variable") if where == "question" else None,
                "subjectKey": record["subjectKey"],
                "dateCreated": written(began),
                "dateModified": comments[-1]["date"] if comments else written(began),
                "queryComments": comments,
            }
        )
    return _numbered(dice, rows, "annotationId", 800001)


def codings(
    dice: Dice,
    study_key: str,
    records: list[Row],
    answers: Callable[[int], Row],
    forms: dict[str, Row],
    subjects: dict[int, Subject],
) -> list[Row]:
    """Coded terms; 8 % of them twice, the second time with a reason."""
    rows: list[Row] = []
    coding = 0
    for place, record in enumerate(records):
        form = forms[record["formKey"]]
        name = next((v["variableName"] for v in form["variables"] if v["variableName"] in CODED), None)
        if name is None:
            continue
        rate, dictionary, versions = CODED[name]
        number = record["recordId"]
        value = answers(place).get(name)
        if not value or not dice.chance(rate, "coded", number):
            continue
        coding_id = 40001 + 3 * coding + dice.below(3, "codingId", coding)
        coding += 1
        site = subjects[record["subjectId"]].site
        revisions = (1, 2) if dice.chance(0.08, "recoded", number) else (1,)
        rows += [
            {
                "studyKey": study_key,
                "siteName": site["siteName"],
                "siteId": site["siteId"],
                "subjectId": record["subjectId"],
                "subjectKey": record["subjectKey"],
                "formId": record["formId"],
                "formName": form["formName"],
                "formKey": record["formKey"],
                "revision": revision,
                "recordId": number,
                "variable": name,
                "value": value,
                "codingId": coding_id,
                "code": dice.pick(TERMS, "code", value) + (" NOS" if revision == 2 else ""),
                "codedBy": "Chris Coder",
                "reason": "Typo fix" if revision == 2 else None,
                "dictionaryName": dictionary,
                "dictionaryVersion": versions[revision - 1],
                "dateCoded": record["dateModified"],
            }
            for revision in revisions
        ]
    return rows


def _numbered(dice: Dice, rows: list[Row], field: str, first: int) -> list[Row]:
    """Give rows growing numbers with gaps, in an order by time."""
    rows.sort(key=lambda row: (row["dateCreated"], row.get("recordId") or 0, row.get("recordRevision", 0)))
    for rank, row in enumerate(rows):
        row[field] = first + 3 * rank + dice.below(3, field, rank)
    return rows
