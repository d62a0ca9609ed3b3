"""Tables ready to analyse: dates, context, partial dates, choices, and one way to a frame."""

from __future__ import annotations

import asyncio
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest

from imednet import AsyncImednetSDK, ImednetSDK
from imednet.errors import ArgumentError, ExportConfigurationError
from imednet.integrations import (
    CsvSink,
    ExportOptions,
    ExportReport,
    export_study,
    export_study_async,
    export_to_parquet,
    study_frames,
)
from imednet.integrations.codebook import codebook
from imednet.sandbox import Sandbox
from imednet.validation import load_dictionary
from support import STUDY, Ways


@pytest.fixture(scope="module")
def dictionary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dictionary") / "dictionary.zip"
    with Sandbox() as box:
        path.write_bytes(box.data_dictionary())
    return path


def served(box: Sandbox, name: str) -> list[dict[str, Any]]:
    return box.studies[STUDY].rows(name)


def rows_of(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.ParquetFile(path).read().to_pylist()
    return found


@pytest.mark.parametrize("arrow", [True, False])
def test_context_is_what_the_other_lists_say(
    box: Sandbox, tmp_path: Path, arrow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Arrow's reader and without it."""
    if not arrow:
        from imednet.integrations.tables.arrow_reader import ArrowReader

        monkeypatch.setattr(ArrowReader, "_read", lambda *_: None)
    sites = {row["siteId"]: row["siteName"] for row in served(box, "sites")}
    visits = {row["visitId"]: row["visitDate"] for row in served(box, "visits")}
    subjects = {row["subjectId"]: row["subjectStatus"] for row in served(box, "subjects")}
    intervals = {row["intervalId"]: row["intervalName"] for row in served(box, "intervals")}
    with ImednetSDK(**box.credentials) as sdk:
        report = export_to_parquet(sdk, STUDY, tmp_path / "x", forms=["VS", "AE"], context=True)
    for form in ("VS", "AE"):
        for row in rows_of(tmp_path / "x" / f"{form}.parquet"):
            assert row["siteName"] == sites.get(row["siteId"])
            assert row["subjectStatus"] == subjects.get(row["subjectId"])
            assert row["intervalName"] == intervals.get(row["intervalId"])
            visited = visits.get(row["visitId"])
            assert row["visitDate"] == (date.fromisoformat(visited) if visited else None)
    assert report.manifest["endpoints"]["visits (context)"]["proof"] == "proven"


def test_dates_of_the_api_are_dates_in_lists_and_targets(box: Sandbox, tmp_path: Path) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        export_to_parquet(sdk, STUDY, tmp_path / "x", forms=["AE"], entities=("visits", "subjects"))
        frame = sdk.visits.list(STUDY).to_frame()
    schema = pq.read_schema(tmp_path / "x" / "AE.parquet")
    assert schema.field("dateCreated").type == pa.timestamp("us", "UTC")
    assert pq.read_schema(tmp_path / "x" / "_visits.parquet").field("visitDate").type == pa.date32()
    assert pq.read_schema(tmp_path / "x" / "_subjects.parquet").field("enrollmentStartDate").type == pa.timestamp(
        "us", "UTC"
    )
    assert str(frame["visitDate"].dtype) == str(frame["dateCreated"].dtype) == "datetime64[us]"


def test_a_time_that_is_none_stays_in_the_issues(own_box: Any, tmp_path: Path) -> None:
    box = own_box()
    number = box.studies[STUDY].records.change(3, dateModified="soon")["recordId"]
    with ImednetSDK(**box.credentials) as sdk:
        export_to_parquet(sdk, STUDY, tmp_path / "x")
    issues = {(row["recordId"], row["variable"]): row["value"] for row in rows_of(tmp_path / "x" / "_issues.parquet")}
    assert issues[number, "dateModified"] == "soon"


@pytest.mark.parametrize("form", [None, ["AE"]])
def test_a_time_that_comes_as_numbers_is_a_time(own_box: Any, tmp_path: Path, form: list[str] | None) -> None:
    box = own_box()
    place = box.studies[STUDY].records.find("formKey", "AE")
    number = box.studies[STUDY].records.change(place, dateCreated=[2025, 6, 5, 21, 12, 7, 0])["recordId"]
    with ImednetSDK(**box.credentials) as sdk:
        export_to_parquet(sdk, STUDY, tmp_path / "x", forms=form)
    (row,) = [row for row in rows_of(tmp_path / "x" / "AE.parquet") if row["recordId"] == number]
    assert row["dateCreated"].isoformat() == "2025-06-05T21:12:07+00:00"


def test_codes_labels_and_check_boxes(box: Sandbox, dictionary: Path, tmp_path: Path) -> None:
    choices = load_dictionary(dictionary).labels
    codes = dict(choices["AE", "AESEV"])
    with ImednetSDK(**box.credentials) as sdk:
        for values in ("code", "label", "both"):
            export_to_parquet(
                sdk, STUDY, tmp_path / values, forms=["AE"], values=values, choices=choices, split_multi=True
            )
        with pytest.raises(ExportConfigurationError, match=r"data dictionary.*--dictionary"):
            export_to_parquet(sdk, STUDY, tmp_path / "no", values="code")
    code, label, both = (rows_of(tmp_path / name / "AE.parquet") for name in ("code", "label", "both"))
    for coded, labelled, row in zip(code, label, both, strict=True):
        sent = row["AESEV"]
        known = sent in codes
        assert coded["AESEV"] == row["AESEV_code"] == (codes[sent] if known else None)
        assert row["AESEV_label"] == (sent if known else None)
        assert labelled["AESEV"] == (sent if known else None)
    boxes = [name for name in both[0] if name.startswith("AESERC__")]
    assert len(boxes) == len(choices["AE", "AESERC"])
    texts = [text for text, _ in choices["AE", "AESERC"]]
    for row in both:
        if row["AESERC"] in texts:
            assert [row[name] for name in boxes] == [text == row["AESERC"] for text in texts]


def test_frames_of_all_libraries_have_the_same_rows(box: Sandbox) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        pandas = study_frames(sdk, STUDY, forms=["VS"])
        polars = study_frames(sdk, STUDY, forms=["VS"], backend="polars")
        arrow = study_frames(sdk, STUDY, forms=["VS"], backend="arrow")
        with pytest.raises(ArgumentError, match="backend must be one of"):
            study_frames(sdk, STUDY, backend="dask")  # type: ignore[call-overload]
    assert isinstance(polars["VS"], pl.DataFrame)
    assert isinstance(arrow["VS"], pa.Table)
    assert (
        polars["VS"]["recordId"].to_list() == arrow["VS"]["recordId"].to_pylist() == pandas["VS"]["recordId"].tolist()
    )
    assert polars["VS"]["SYSBP1"].to_list() == [None if pd.isna(one) else one for one in pandas["VS"]["SYSBP1"]]


def test_one_function_makes_all_frames(box: Sandbox, door: Ways) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        frame = study_frames(sdk, STUDY, forms=["AE"], context=False)["AE"]
        variables = [one for one in sdk.variables.list(STUDY) if one.form_key == "AE"]
    records = door(box).call("records.list", STUDY, form_key="AE")
    mapped = door(box).call("workflows.record_mapper.dataframe", STUDY, "AE")
    for other in (records.to_frame(variables=variables), mapped):
        pd.testing.assert_frame_equal(other, frame, check_like=False)
    plain = records.to_frame()
    assert plain["AETERM"].tolist() == [one if pd.notna(one) else pd.NA for one in frame["AETERM"]] or len(plain)
    assert plain["recordId"].tolist() == frame["recordId"].tolist()


def test_statistics_packages_and_time_series_take_the_frames(box: Sandbox, dictionary: Path, tmp_path: Path) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        frames = study_frames(sdk, STUDY, choices=load_dictionary(dictionary).labels)
    for form, frame in frames.items():
        answered = frame.dropna(axis=1, how="all")  # Stata and pandas know no column of nothing
        with pytest.warns() if any("." in str(name) for name in answered) else _nothing():
            answered.to_stata(tmp_path / f"{form}.dta", version=118)
        assert len(pd.read_stata(tmp_path / f"{form}.dta", convert_categoricals=False)) == len(frame)
        texts = frame.astype({name: "string" for name, kind in frame.dtypes.items() if kind == "category"})
        pyreadstat.write_sav(texts, tmp_path / f"{form}.sav")
    monthly = frames["VS"].set_index("dateCreated").resample("ME")["SYSBP1"].mean()
    assert monthly.notna().sum() > 5
    severity = frames["AE"]["AESEV"]
    assert list(severity.cat.categories)[:3] == ["Mild", "Moderate", "Severe"]
    assert (severity > "Mild").any()


class _nothing:
    """A block that expects nothing."""

    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def test_long_lists_are_shown_short(box: Sandbox) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        records = sdk.records.list(STUDY, form_key="AE")
        frames = study_frames(sdk, STUDY, forms=["AE"])
    assert repr(records).endswith("... 67 rows, proven]")
    assert len(repr(records)) < 600
    assert repr(records[:2]) == repr(list(records[:2]))
    html = records._repr_html_()
    assert "67 rows, proven" in html
    assert str((records[0].record_data or {})["AETERM"]) not in html
    assert "67 of 67 counted" in records.proof._repr_html_()
    assert "<td>AE</td><td>67</td>" in frames._repr_html_()


def test_exports_from_an_event_loop(box: Sandbox, tmp_path: Path) -> None:
    home = tmp_path / "x"

    async def main() -> ExportReport:
        async with AsyncImednetSDK(**box.credentials) as sdk:
            with pytest.raises(ExportConfigurationError, match="await export_study_async"):
                export_study(sdk, STUDY, CsvSink(home), home=home)  # type: ignore[arg-type]
            return await export_study_async(sdk, STUDY, CsvSink(home), home=home, options=ExportOptions(forms=["AE"]))

    report = asyncio.run(main())
    assert report.complete
    assert report.rows == 67


def test_a_cancelled_export_ends_and_is_gone_on_with(box: Sandbox, tmp_path: Path) -> None:
    home, pages = tmp_path / "x", []
    options = ExportOptions(entities=("sites",))

    async def main() -> None:
        async with AsyncImednetSDK(**box.credentials) as sdk:
            progress = lambda *one: pages.append(one)  # noqa: E731
            task = asyncio.ensure_future(
                export_study_async(sdk, STUDY, CsvSink(home), home=home, options=options, progress=progress)
            )
            while len(pages) < 2:
                await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert not (home / "manifest.json").exists()
    with ImednetSDK(**box.credentials) as sdk:
        report = export_study(sdk, STUDY, CsvSink(home), home=home, options=options)
    assert report.complete
    assert report.resumed > 0


def test_a_codebook_counts_what_the_study_holds(box: Sandbox, dictionary: Path, tmp_path: Path) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        book = codebook(sdk, STUDY, choices=load_dictionary(dictionary).labels)
    records = box.studies[STUDY].rows("records", unblinded=False)
    for form in book.forms:
        own = [row["recordData"] or {} for row in records if row["formKey"] == form.key]
        assert form.records == len(own)
        for variable in form.variables:
            if variable.blinded:
                continue
            answered = sum(
                any(
                    name.casefold() == variable.name.casefold() and value not in (None, "")
                    for name, value in row.items()
                )
                for row in own
            )
            assert variable.answered == answered, (form.key, variable.name)
    severity = next(one for form in book.forms for one in form.variables if one.name == "AESEV")
    assert severity.cells()[3] == "1 = Mild; 2 = Moderate; 3 = Severe"
    for name in ("book.html", "book.md", "book.xlsx"):
        book.save(tmp_path / name)
    html = (tmp_path / "book.html").read_text("utf-8")
    terms = {str((row["recordData"] or {}).get("AETERM")) for row in records if row["formKey"] == "AE"}
    choices = {text for form in book.forms for one in form.variables for text, _ in one.choices}
    assert not [term for term in terms - choices if len(term) > 6 and f">{term}<" in html]
    assert "http" not in html.replace("http-equiv", "")
    with pytest.raises(ExportConfigurationError, match=r"not to '\.pdf'"):
        book.save(tmp_path / "book.pdf")


def test_the_dictionary_of_the_sandbox_is_the_design(dictionary: Path, box: Sandbox) -> None:
    found = load_dictionary(dictionary)
    assert found.warnings == ()
    with ImednetSDK(**box.credentials) as sdk:
        assert found.unknown(sdk.variables.list(STUDY)) == []
    assert found.choices["AE", "AESEV"] == ("Mild", "Moderate", "Severe")
    assert json.dumps(found.labels["AE", "AESEV"]) == '[["Mild", "1"], ["Moderate", "2"], ["Severe", "3"]]'
    assert datetime.fromisoformat(found.forms[0]["Date Modified"])
