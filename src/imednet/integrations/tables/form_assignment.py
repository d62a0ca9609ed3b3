"""Which table a record belongs to: one rule for exports and mirrors."""

from __future__ import annotations

from typing import Any

from .layout import StudyTables


class FormAssignment:
    """Finds the table of a record by the form it names.

    The form's id decides. A record without an id, or with one of no listed form, belongs to the form of its key, as the
    server's own filter `formKey==` has it; one with neither is unassigned.
    """

    def __init__(self, tables: StudyTables) -> None:
        self._unassigned = tables.unassigned.key
        self._by_id = {str(form_id): key for key, form_id in tables.left_out.items() if form_id is not None}
        self._by_id.update({str(table.form_id): table.key for table in tables.forms if table.form_id is not None})
        self._by_key = {key: key for key in tables.left_out}
        self._by_key.update({table.form_key: table.key for table in tables.forms if table.form_key is not None})

    def key(self, form_id: Any, form_key: Any) -> str:
        """The key of the record's table, or of the form in `left_out` that it is of.

        Args:
            form_id, form_key: what the record says, of any type.
        """
        by_id = None if form_id in (None, "") else self._by_id.get(str(form_id))
        return by_id or (None if form_key is None else self._by_key.get(str(form_key))) or self._unassigned
