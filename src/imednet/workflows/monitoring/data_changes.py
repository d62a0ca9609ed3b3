"""Data changes: saved states of records by user, role, reason, site or form, from the record revisions."""

from __future__ import annotations

from collections import Counter
from typing import Final

from .groupings import ChangesBy
from .study_data import ListName, StudyData
from .table import Cell, Chart, Column, MonitoringTable, Row, percent

LISTS: Final[tuple[ListName, ...]] = ("sites", "subjects", "users", "record_revisions")

_HEADINGS: Final = {
    "user": ("user", "User"), "role": ("role", "Role"), "reason": ("reason", "Reason"), "site": ("siteId", "Site"),
    "form": ("formKey", "Form"),
}  # fmt: skip


def data_changes(data: StudyData, *, by: ChangesBy = "role") -> MonitoringTable:
    """Saved states of records; each one after the first of a record is a change.

    Args:
        data: the study; its users with those who are not active.
        by: what a row is.
    """
    data.need(*LISTS)
    states: Counter[Cell] = Counter()
    changes: Counter[Cell] = Counter()
    for revision in data.record_revisions or ():
        site = revision.site_id if revision.site_id is not None else data.site_of(revision.subject_id)
        value: Cell = {
            "user": revision.user, "role": revision.role, "reason": revision.reason_for_change or None,
            "site": site, "form": revision.form_key,
        }[by]  # fmt: skip
        states[value] += 1
        changes[value] += (revision.record_revision or 1) > 1
    active = {user.login: user.user_active_in_study for user in data.users or ()}
    name, title = _HEADINGS[by]
    rows: list[Row] = []
    for value, count in states.most_common():
        extra: Row = {}
        if by == "user":
            known = active.get(str(value)) if value is not None else None
            extra = {"listed": value in active, "active": known if isinstance(known, bool) else None}
        elif by == "site":
            extra = {"siteName": data.site_name(value if type(value) is int else None)}
        rows.append(
            {name: value, **extra, "states": count, "changes": changes[value],
             "percent": percent(count, states.total())}
        )  # fmt: skip
    extras = {
        "user": (Column("listed", "Listed", "yes"), Column("active", "Active", "yes", minor=True)),
        "site": (Column("siteName", "Name", minor=True),),
    }.get(by, ())
    return MonitoringTable(
        f"data changes by {by}",
        f"Data changes by {title.lower()}",
        "Saved states of records, deleted ones too; every state after the first of its record is a change. The reason "
        "is empty for what needs none.",
        (
            Column(name, title, "number" if by == "site" else "text", urgent=True),
            *extras,
            Column("states", "Saved states", "count", urgent=True),
            Column("changes", "Changes", "count", urgent=True),
            Column("percent", "Share", "percent"),
        ),
        rows,
        chart=Chart("bar", "states", name),
        notes=data.notes,
    ).with_total({"siteName": "all sites"} if by == "site" else {name: "all"},
                 percent=percent(states.total(), states.total()))  # fmt: skip
