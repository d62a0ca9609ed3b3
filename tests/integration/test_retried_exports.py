"""A run that goes on with what an incomplete one has read takes nothing over that it would not read itself."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from imednet.errors import ExportIncompleteError
from imednet.integrations import CsvSink
from imednet.integrations.run.export import export_study
from imednet.integrations.run.report import ExportReport
from imednet.integrations.tables.options import ExportOptions
from mirroring import STUDY, StudyServer
from small_study import coding, record, touch


class FailingServer(StudyServer):
    """Its answers of one form fail until it is `mended`."""

    mended = False

    def answer(self, request: httpx.Request) -> httpx.Response:
        if not self.mended and "AE" in str(request.url.params.get("filter")):
            return httpx.Response(500, json={"metadata": {"status": "ERROR", "error": {"code": "9001"}}})
        return super().answer(request)


@pytest.fixture
def failing(server: StudyServer) -> FailingServer:
    """The small study; one record more, so that the study has a list of its last changes."""
    made = FailingServer(page=500)
    made.lists, made.now = server.lists, server.now
    record(made, 900, 2, "VS", TERM="q")
    return made


def export(server: StudyServer, target: Path, **options: object) -> ExportReport:
    chosen = ExportOptions(**options)  # type: ignore[arg-type]
    with server.sdk() as sdk:
        return export_study(sdk, STUDY, CsvSink(target), home=target, options=chosen)


def test_terms_that_are_blinded_since_are_not_written(failing: FailingServer, tmp_path: Path) -> None:
    coding(failing, 1, 2, "TERM", "HEADACHE")
    with pytest.raises(ExportIncompleteError):
        export(failing, tmp_path, entities=("codings",))
    failing.mended = True
    variable = next(
        key for key, row in failing.lists["variables"].items() if (row["formId"], row["variableName"]) == (2, "TERM")
    )
    touch(failing, "variables", variable, blinded=True)
    report = export(failing, tmp_path, entities=("codings",))
    assert report.complete
    assert "HEADACHE" not in (tmp_path / "_codings.csv").read_text()


def test_lists_that_were_not_compared_are_read_again_by_a_run_that_compares(
    failing: FailingServer, tmp_path: Path
) -> None:
    with pytest.raises(ExportIncompleteError):
        export(failing, tmp_path, consistency="off")
    failing.mended = True
    report = export(failing, tmp_path)
    assert report.resumed == 0
    assert {entry["proof"] for entry in report.manifest["forms"]} == {"proven"}
