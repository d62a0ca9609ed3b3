"""A study as pandas DataFrames, one for each form: nullable types, labels in `frame.attrs`.

Column types come from the study's design, never from the values. `records_to_dataframe` is for records already read.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from ..sdk import ImednetSDK
from ..validation.kinds import Kind
from ._optional import _require_optional_dep
from .run.export import export_study
from .run.report import ExportReport
from .sink import ExportSink
from .tables.batches import Batch
from .tables.layout import DICTIONARY, ISSUES, Shape, Table
from .tables.options import ExportKeywords, ExportOptions

if TYPE_CHECKING:
    import pandas as pd

_TYPES = {
    Kind.INTEGER: "Int64",
    Kind.BOOLEAN: "boolean",
    Kind.NUMBER: "Float64",
    Kind.DATE: "datetime64[us]",
    Kind.DATETIME: "datetime64[us]",
    Kind.TIME: "object",
}


class StudyFrames(dict[str, "pd.DataFrame"]):
    """DataFrames of one study by form key.

    Attributes:
        issues: a frame of the cells that are missing because their text does not fit the variable's type.
        dictionary: a frame of all columns with variable, type and label.
        report: what was read, and the proof that it is complete.
    """

    issues: pd.DataFrame
    dictionary: pd.DataFrame
    report: ExportReport


class FrameSink(ExportSink):
    """A sink that builds frames in memory and keeps them in `frames`."""

    kind = "frames"
    shape = Shape(values="typed")

    def __init__(self) -> None:
        self._pandas = _require_optional_dep("pandas", "export")
        self.frames: dict[str, Any] = {}
        self._cells: list[list[Any]] = []

    def write_batch(self, batch: Batch) -> None:
        """Collect the cells of a batch."""
        if batch.number == 0:
            self._cells = [[] for _ in batch.columns]
        for collected, cells in zip(self._cells, batch.columns, strict=True):
            collected.extend(cells)

    def end_table(self, table: Table) -> None:
        """Build the frame of a table."""
        pandas = self._pandas
        columns = {
            column.name: pandas.Series(cells, dtype=_TYPES.get(column.kind, "string"))
            for column, cells in zip(table.columns, self._cells, strict=True)
        }
        frame = pandas.DataFrame(columns)
        frame.attrs["labels"] = {column.name: column.label for column in table.columns if column.label}
        frame.attrs["choices"] = {column.name: list(column.choices) for column in table.columns if column.choices}
        frame.attrs["form"] = table.key
        self.frames[table.key] = frame
        self._cells = []

    def flush(self) -> None:
        """Do nothing: the frames are complete."""

    def close(self) -> None:
        """Do nothing: no resource is held."""


def study_frames(sdk: ImednetSDK, study_key: str, **options: Unpack[ExportKeywords]) -> StudyFrames:
    """A study as DataFrames, verified complete.

    Args:
        sdk: the SDK to read with.
        study_key: the study.
        **options: as in `ExportOptions`, such as `forms=["AE"]`, `names="label"`, `deleted="drop"`.

    Returns:
        A frame for each form key: one row per record, the record's own fields first, then one column per variable, with
        nullable types by design (`Float64`, `datetime64[us]`, `string` ...). A value that does not fit its type is
        missing in the frame and listed in `issues`.

    Raises:
        ImednetError: the study could not be read completely.

    >>> from imednet import ImednetSDK
    >>> from imednet.sandbox import Sandbox
    >>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
    ...     frames = study_frames(sdk, "TIDEWATER-201", forms=["VS"])
    >>> frames["VS"]["SYSBP1"].dtype, frames["VS"].attrs["labels"]["SYSBP1"]
    (Float64Dtype(), 'Systolic (mmHg)')
    """
    sink = FrameSink()
    with tempfile.TemporaryDirectory() as folder:
        report = export_study(sdk, study_key, sink, home=Path(folder) / "frames", options=ExportOptions(**options))
    frames = StudyFrames({key: frame for key, frame in sink.frames.items() if key not in (ISSUES, DICTIONARY)})
    frames.issues, frames.dictionary, frames.report = sink.frames[ISSUES], sink.frames[DICTIONARY], report
    return frames


def records_to_dataframe(records: Iterable[Any], *, flatten: bool = True) -> pd.DataFrame:
    """Records that were already read (typed or raw) as a DataFrame: no values converted, none dropped.

    Args:
        records: the result of `sdk.records.list`.
        flatten: give each answer a column of its own, prefixed with `data.` where its name is also a field of the
            record; otherwise all answers stay in one column `recordData`.

    >>> records_to_dataframe([{"recordId": 1, "recordData": {"AETERM": "Cough", "recordId": "7"}}]).to_dict("records")
    [{'recordId': 1, 'AETERM': 'Cough', 'data.recordId': '7'}]
    """
    pandas = _require_optional_dep("pandas", "export")
    rows = []
    for record in records:
        row = dict(record) if isinstance(record, dict) else record.to_dict()
        answers = row.get("recordData")
        if flatten and isinstance(answers, dict):
            del row["recordData"]
            for name, value in answers.items():
                target = name
                while target in row:
                    target = f"data.{target}"
                row[target] = value
        rows.append(row)
    frame: pd.DataFrame = pandas.DataFrame(rows)
    return frame
