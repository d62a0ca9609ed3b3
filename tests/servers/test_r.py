"""The CSV files and `read.R` in R itself: cells equal those of pandas and DuckDB, types and labels are the design's."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from exporting import expected, variables_of
from imednet import ImednetSDK
from imednet.integrations import export_to_csv, export_to_sav, export_to_xpt
from imednet.sandbox import Sandbox
from support import STUDY

TEXTS = """
args <- commandArgs(TRUE)
source(file.path(args[1], "read.R"), encoding = "UTF-8")
for (file in list.files(args[1], pattern = "csv$")) {
  frame <- .read_text(file.path(args[1], file))
  frame[is.na(frame)] <- ""
  out <- file(file.path(args[2], file), "wb")
  for (name in names(frame)) writeBin(c(charToRaw(enc2utf8(name)), as.raw(0x1e)), out)
  writeBin(as.raw(0x1d), out)
  for (i in seq_len(nrow(frame))) {
    for (cell in frame[i, ]) writeBin(c(charToRaw(enc2utf8(cell)), as.raw(0x1e)), out)
    writeBin(as.raw(0x1d), out)
  }
  close(out)
}
study <- read_study(args[1])
out <- file(file.path(args[2], "facts.tsv"), "w", encoding = "UTF-8")
for (form in names(study)) for (name in names(study[[form]])) {
  column <- study[[form]][[name]]
  label <- attr(column, "label")
  text <- c(form, name, class(column)[1], sum(!is.na(column)), if (is.null(label)) "" else label)
  writeLines(paste(gsub("[\\t\\n\\r]", " ", text), collapse = "\\t"), out, useBytes = TRUE)
}
close(out)
"""


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sandbox, Path, Path]:
    """The study as CSV, and what R made of it."""
    folder = tmp_path_factory.mktemp("r")
    (folder / "out").mkdir()
    (folder / "texts.R").write_text(TEXTS)
    with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
        export_to_csv(sdk, STUDY, folder / "csv")
        command = ["Rscript", "--vanilla", str(folder / "texts.R"), str(folder / "csv"), str(folder / "out")]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
        )
        assert done.returncode == 0, done.stderr
    return box, folder / "csv", folder / "out"


def test_r_pandas_and_duckdb_read_equal_cells(read: tuple[Sandbox, Path, Path]) -> None:
    _, folder, out = read
    files = sorted(folder.glob("*.csv"))
    assert len(files) == 30
    for path in files:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        in_r = [
            [cell.decode() for cell in line.split(b"\x1e")[:-1]]
            for line in (out / path.name).read_bytes().split(b"\x1d")[:-1]
        ]
        assert in_r == rows, path.name
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        assert [list(frame.columns), *frame.values.tolist()] == rows, path.name
        with duckdb.connect(config={"autoinstall_known_extensions": False}) as db:
            found = db.execute(
                "select * from read_csv(?, all_varchar=true, header=true, delim=',', quote='\"', escape='\"',"
                " nullstr='', max_line_size=10000000, strict_mode=true)",
                [str(path)],
            ).fetchall()
        assert [["" if cell is None else cell for cell in row] for row in found] == rows[1:], path.name


def test_types_and_labels_are_those_of_the_design(read: tuple[Sandbox, Path, Path]) -> None:
    box, _, out = read
    facts: dict[tuple[str, str], Any] = {}
    for line in (out / "facts.tsv").read_text("utf-8").splitlines():
        form, name, kind, count, label = line.split("\t")
        facts[form, name] = (kind, int(count), label)
    classes = {"NUMBER": "numeric", "CALC": "numeric", "DATE": "Date", "DATETIME": "POSIXct"}
    labels = {(v["formKey"], v["variableName"]): v["label"] for v in box.studies[STUDY].rows("variables")}
    typed = expected(box, "typed")
    checked = 0
    for form, variables in variables_of(box).items():
        for name, kind in variables.items():
            if form not in typed:
                continue
            found = facts[form, name]
            assert found[0] == classes.get(kind, "character"), (form, name)
            assert found[1] == sum(row["answer", name] is not None for row in typed[form]), (form, name)
            assert found[2] == " ".join(labels[form, name].replace("\n", " ").split("\t")), (form, name)
            checked += 1
    assert checked == 275 - len(["RANDARM"]) - len(["OVDAT", "OVSYS", "OVDIA"])


HAVEN = """
args <- commandArgs(TRUE)
library(haven)
reader <- if (args[3] == "sav") read_sav else read_xpt
for (file in list.files(args[1], pattern = paste0("[.]", args[3], "$"))) {
  frame <- reader(file.path(args[1], file))
  out <- file(file.path(args[2], paste0(file, ".tsv")), "w", encoding = "UTF-8")
  for (name in names(frame)) {
    column <- frame[[name]]
    label <- attr(column, "label")
    text <- if (inherits(column, c("Date", "POSIXct"))) format(column) else as.character(column)
    number <- is.numeric(column) && !inherits(column, c("Date", "POSIXct"))
    total <- if (number) sprintf("%.6f", sum(column, na.rm = TRUE)) else ""
    found <- c(name, nrow(frame), sum(!is.na(text) & text != ""), total, if (is.null(label)) "" else label)
    writeLines(paste(gsub("[\\t\\n\\r]", " ", found), collapse = "\\t"), out, useBytes = TRUE)
  }
  close(out)
}
"""


@pytest.mark.parametrize("kind", ["sav", "xpt", "xpt8"])
def test_haven_reads_what_pyreadstat_reads(box: Sandbox, tmp_path: Path, kind: str) -> None:
    """Names, rows, answered cells, sums and labels of every form in SPSS and both versions of SAS transport."""
    import pyreadstat

    ending = kind[:3]
    (tmp_path / "r").mkdir()
    (tmp_path / "haven.R").write_text(HAVEN)
    with ImednetSDK(**box.credentials) as sdk:
        if ending == "sav":
            export_to_sav(sdk, STUDY, tmp_path / "x")
        else:
            export_to_xpt(sdk, STUDY, tmp_path / "x", version=8 if kind == "xpt8" else 5)
    command = ["Rscript", "--vanilla", str(tmp_path / "haven.R"), str(tmp_path / "x"), str(tmp_path / "r"), ending]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    )
    assert done.returncode == 0, done.stderr
    files = sorted((tmp_path / "x").glob(f"*.{ending}"))
    assert len(files) > 28
    for file in files:
        reader = pyreadstat.read_sav if ending == "sav" else pyreadstat.read_xport
        frame, facts = reader(file, disable_datetime_conversion=True)
        lines = (tmp_path / "r" / f"{file.name}.tsv").read_text("utf-8").splitlines()
        assert len(lines) == len(frame.columns), file.name
        for line, name in zip(lines, frame.columns, strict=True):
            found, rows, answered, total, label = line.split("\t")
            assert (found, int(rows)) == (name, len(frame))
            assert label == " ".join(str(facts.column_names_to_labels[name] or "").split()) or len(label) > 100
            cells = [cell for cell in frame[name] if cell == cell and cell not in (None, "")]
            assert int(answered) == len(cells), (file.name, name)
            if total and total != "NA":
                assert float(total) == pytest.approx(sum(cells), rel=1e-9, abs=1e-5)
