"""DataFrames: one a form, with nullable types by design and labels in `frame.attrs`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..sdk import ImednetSDK
from ..validation.kinds import Kind
from ._optional import _require_optional_dep
from .run.export import export_study
from .run.report import ExportReport
from .sink import ExportSink
from .tables.batches import Batch
from .tables.layout import DICTIONARY, ISSUES, Shape, Table
from .tables.options import ExportOptions

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
    """Form key -> frame.

    Attributes:
        issues: a frame of the cells that are missing because they are not of their variable's kind.
        dictionary: a frame of all columns with variable, type and label.
        report: what was read, and why it counts as whole.
    """

    issues: pd.DataFrame
    dictionary: pd.DataFrame
    report: ExportReport


class FrameSink(ExportSink):
    """Collects frames in memory; `frames` holds them."""

    kind = "frames"
    shape = Shape(values="typed")

    def __init__(self) -> None:
        self._pandas = _require_optional_dep("pandas", "export")
        self.frames: dict[str, Any] = {}
        self._cells: list[list[Any]] = []

    def write_batch(self, batch: Batch) -> None:
        """Collect cells."""
        if batch.number == 0:
            self._cells = [[] for _ in batch.columns]
        for kept, cells in zip(self._cells, batch.columns, strict=True):
            kept.extend(cells)

    def end_table(self, table: Table) -> None:
        """Make the frame."""
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
        """Nothing: the frames are there."""

    def close(self) -> None:
        """Nothing to let go of."""


def study_frames(sdk: ImednetSDK, study_key: str, **options: Any) -> StudyFrames:
    """A study as DataFrames, proven whole.

    Args:
        sdk: the SDK to read with.
        study_key: the study.
        **options: as in `ExportOptions`, such as `forms=["AE"]`, `names="label"`, `deleted="drop"`.

    Returns:
        Form key -> frame: a row a record, the record's own fields, then a column a variable, nullable types by design
        (`Float64`, `datetime64[us]`, `string` ...). What is not of its type is missing and stands in `issues`.

    Raises:
        ImednetError: the study could not be read whole.

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
    found = StudyFrames({key: frame for key, frame in sink.frames.items() if key not in (ISSUES, DICTIONARY)})
    found.issues, found.dictionary, found.report = sink.frames[ISSUES], sink.frames[DICTIONARY], report
    return found


def records_to_dataframe(records: Iterable[Any], *, flatten: bool = True) -> pd.DataFrame:
    """Records at hand (typed or raw) as a DataFrame, nothing typed, nothing dropped.

    Args:
        records: what `sdk.records.list` gave.
        flatten: a column an answer, `data.` before the names of those that a field of the record has too; otherwise one
            column `recordData`.

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
