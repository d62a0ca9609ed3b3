# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
"""All operations by name, each imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from ..types import Operation

MODULES: Final = {
    "list_studies": ".studies.list_studies",
    "list_sites": ".sites.list_sites",
    "list_forms": ".forms.list_forms",
    "list_intervals": ".intervals.list_intervals",
    "list_variables": ".variables.list_variables",
    "list_subjects": ".subjects.list_subjects",
    "list_visits": ".visits.list_visits",
    "list_records": ".records.list_records",
    "create_records": ".records.create_records",
    "list_record_revisions": ".record_revisions.list_record_revisions",
    "list_queries": ".queries.list_queries",
    "list_codings": ".codings.list_codings",
    "list_users": ".users.list_users",
    "get_job": ".jobs.get_job",
}


def operation(name: str) -> Operation:
    """The facts of one operation. Raises KeyError when the API has none of that name."""
    found: Operation = import_module(MODULES[name], __name__).OPERATION
    return found


def operations() -> dict[str, Operation]:
    """The facts of all operations."""
    return {name: operation(name) for name in MODULES}
