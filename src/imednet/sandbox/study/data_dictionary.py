"""The study's data dictionary: the zip that the web application exports, which the API has no counterpart of.

Four CSV files with a byte order mark, headers in title case and dates written MM-DD-YYYY. Codes are the numbers of the
choices in their list.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence

from ..invent.design import load
from .study import Study

_WRITTEN = (2026, 11, 1, 0, 0, 0)
"""A fixed date of the files in the zip, so that the same study gives the same bytes."""
HEADERS = {
    "FORMS": ("Form Id", "Form Key", "Form Name", "Form Type", "Revision", "Date Created", "Date Modified"),
    "QUESTIONS": (
        "Form Key",
        "Variable Name",
        "Variable Type",
        "Question Text",
        "Sequence",
        "Blinded",
        "Date Modified",
    ),
    "CHOICES": ("Form Key", "Variable Name", "Choice Text", "Choice Value", "Sequence"),
    "BUSINESS_LOGIC": ("Form Key", "Variable Name", "Rule", "Message", "Date Modified"),
}


def data_dictionary(study: Study) -> bytes:
    """The zip of one study."""
    forms, variables = study.rows("forms"), study.rows("variables")
    lists = {
        (form["formKey"], variable["variableName"]): variable["codeList"]
        for form in load().data["forms"]
        for variable in form["variables"]
        if variable["codeList"]
    }
    rows: dict[str, Iterable[Sequence[object]]] = {
        "FORMS": [
            (form["formId"], form["formKey"], form["formName"], form["formType"], form["revision"],
             _day(form["dateCreated"]), _day(form["dateModified"]))
            for form in forms
        ],
        "QUESTIONS": [
            (one["formKey"], one["variableName"], one["variableType"], one["label"], one["sequence"],
             "Yes" if one.get("blinded") else "No", _day(one["dateModified"]))
            for one in variables
        ],
        "CHOICES": [
            (one["formKey"], one["variableName"], text, number, number)
            for one in variables
            if (name := lists.get((one["formKey"], one["variableName"])))
            for number, text in enumerate(load().codes(name), 1)
        ],
        "BUSINESS_LOGIC": [
            (one["formKey"], one["variableName"], "required", f"{one['variableName']} is required",
             _day(one["dateModified"]))
            for one in variables
            if one["sequence"] == 1
        ],
    }  # fmt: skip
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, header in HEADERS.items():
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\r\n")
            writer.writerow(header)
            writer.writerows(rows[name])
            archive.writestr(zipfile.ZipInfo(f"{name}.csv", _WRITTEN), text.getvalue().encode("utf-8-sig"))
    return packed.getvalue()


def _day(moment: str) -> str:
    year, month, day = moment[:10].split("-")
    return f"{month}-{day}-{year}"
