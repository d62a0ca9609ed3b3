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
from imednet.integrations import export_to_csv
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
