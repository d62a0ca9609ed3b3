"""A study as DataFrames, one for each form, and records already read as one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, Unpack, overload

from ..sdk import ImednetSDK
from ._optional import _require_optional_dep
from .run.export import export_study
from .run.report import ExportReport
from .sink import ExportSink
from .tables.batches import Batch
from .tables.frames import Backend, check_backend, frame
from .tables.layout import DICTIONARY, ISSUES, Shape, Table
from .tables.options import ExportKeywords, ExportOptions

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

Frame = TypeVar("Frame")


class StudyFrames(dict[str, Frame], Generic[Frame]):
    """Frames of one study by form key.

    Attributes:
        issues: a frame of the cells that are missing because their text does not fit the variable's type.
        dictionary: a frame of all columns with variable, type and label.
        report: what was read, and the proof that it is complete.
    """

    issues: Frame
    dictionary: Frame
    report: ExportReport

    def _repr_html_(self) -> str:
        """The forms with their rows and columns, for notebooks."""
        from ..utils.html import table

        rows = [(key, *getattr(one, "shape", ("", ""))) for key, one in self.items()]
        return table(("form", "rows", "columns"), rows, caption=f"{self.report.study_key}: {len(self)} forms")


class FrameSink(ExportSink):
    """A sink that builds frames in memory and keeps them in `frames`.

    Args:
        backend: the library that makes them.
    """

    kind = "frames"
    shape = Shape(values="typed", context=True)

    def __init__(self, backend: Backend = "pandas") -> None:
        check_backend(backend)
        name, extra = {"pandas": ("pandas", "export"), "polars": ("polars", "polars"), "arrow": ("pyarrow", "export")}[
            backend
        ]
        _require_optional_dep(name, extra)
        self._backend: Backend = backend
        self.arrow = backend != "pandas"  # type: ignore[misc]
        self.frames: dict[str, Any] = {}
        self._batches: list[Batch] = []

    def write_batch(self, batch: Batch) -> None:
        """Keep a batch."""
        if batch.number == 0:
            self._batches = []
        self._batches.append(batch)

    def end_table(self, table: Table) -> None:
        """Build the frame of a table."""
        self.frames[table.key] = frame(table, self._batches, self._backend)
        self._batches = []

    def flush(self) -> None:
        """Do nothing: the frames are complete."""

    def close(self) -> None:
        """Do nothing: no resource is held."""


@overload
def study_frames(
    sdk: ImednetSDK, study_key: str, *, backend: Literal["pandas"] = ..., **options: Unpack[ExportKeywords]
) -> StudyFrames[pd.DataFrame]: ...
@overload
def study_frames(
    sdk: ImednetSDK, study_key: str, *, backend: Literal["polars"], **options: Unpack[ExportKeywords]
) -> StudyFrames[pl.DataFrame]: ...
@overload
def study_frames(
    sdk: ImednetSDK, study_key: str, *, backend: Literal["arrow"], **options: Unpack[ExportKeywords]
) -> StudyFrames[pa.Table]: ...
def study_frames(
    sdk: ImednetSDK, study_key: str, *, backend: Backend = "pandas", **options: Unpack[ExportKeywords]
) -> StudyFrames[Any]:
    """A study as frames, verified complete.

    Args:
        sdk: the SDK to read with.
        study_key: the study.
        backend: `pandas`, `polars` or `arrow`.
        **options: as in `ExportOptions`, such as `forms=["AE"]`, `names="label"`, `deleted="drop"`; `context` is on.

    Returns:
        A frame for each form key: one row per record, the record's own fields first, then the names of interval and
        site, the date of the visit and the status of the subject, then one column per variable, with nullable types by
        design (`Float64`, `datetime64[us]`, `string` ...). Times of the server are in UTC, without a zone in pandas. A
        value that does not fit its type is missing in the frame and listed in `issues`.

    Raises:
        ImednetError: the study could not be read completely.

    >>> from imednet import ImednetSDK
    >>> from imednet.sandbox import Sandbox
    >>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
    ...     frames = study_frames(sdk, "TIDEWATER-201", forms=["VS"])
    >>> frames["VS"]["SYSBP1"].dtype, frames["VS"].attrs["labels"]["SYSBP1"]
    (Float64Dtype(), 'Systolic (mmHg)')
    """
    sink = FrameSink(backend)
    with tempfile.TemporaryDirectory() as folder:
        report = export_study(sdk, study_key, sink, home=Path(folder) / "frames", options=ExportOptions(**options))
    frames: StudyFrames[Any] = StudyFrames(
        {key: frame for key, frame in sink.frames.items() if key not in (ISSUES, DICTIONARY)}
    )
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
