"""The workbook in LibreOffice: it opens, and its cells are numbers, dates and texts as they were sent."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from pathlib import Path

from exporting import expected
from imednet import ImednetSDK
from imednet.integrations import export_to_excel
from imednet.sandbox import Sandbox
from support import PATIENCE, STUDY


def test_the_workbook_opens_with_its_numbers_and_dates(box: Sandbox, tmp_path: Path) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        export_to_excel(sdk, STUDY, tmp_path / "study.xlsx", forms=["VS"])
    office = shutil.which("soffice")
    assert office is not None
    every_sheet = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    subprocess.run(
        [office, "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to", every_sheet,
         "--outdir", str(tmp_path), str(tmp_path / "study.xlsx")],
        check=True, capture_output=True, timeout=PATIENCE, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    with (tmp_path / "study-VS.csv").open(encoding="utf-8", newline="") as file:
        names, labels, *rows = csv.reader(file)
    wanted = {str(row["field", "recordId"]): row for row in expected(box, "typed", {"VS"})["VS"]}
    assert labels[names.index("SYSBP1")] == "Systolic (mmHg)"
    assert len(rows) == len(wanted)
    at = {name: names.index(name) for name in ("recordId", "SYSBP1", "VSDAT", "dateCreated")}
    for row in rows:
        cells = wanted[row[at["recordId"]]]
        pressure, day = cells["answer", "SYSBP1"], cells["answer", "VSDAT"]
        if pressure is not None:
            assert float(row[at["SYSBP1"]]) == pressure
        if day is not None and day.year > 1900:
            assert row[at["VSDAT"]] == day.isoformat()
        assert row[at["dateCreated"]] == cells["field", "dateCreated"].strftime("%Y-%m-%d %H:%M:%S")
    with (tmp_path / "study-Contents.csv").open(encoding="utf-8", newline="") as file:
        assert next(row for row in csv.reader(file) if row[0] == "VS")[1:4] == ["VS", "Vital Signs", str(len(rows))]
