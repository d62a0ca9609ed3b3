"""Export a whole study, one file a form, from one proven pass over its records.

Pages of bytes become rows of texts by form, rows wait in a spool, and each form becomes a file once the read is proven.
No objects are made on this way. The target appears whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imednet_api.models import Record
from imednet_api.types import SPEC_VERSION

from .._version import distribution, version
from ..core.json_text import texts
from ..core.proof import Proof
from ..core.reading import Consistency
from ..errors import ExportConfigurationError, ExportError, IncompleteReadError
from ..sdk import ImednetSDK
from ..utils.url import check_path_part
from .layout import CONTEXT, FormTable, file_names, tables, unassigned
from .spool import Row, Spool
from .target import TargetFolder, sha256, write_manifest
from .writers import WRITERS, Cells, TableWriter, context_cells

Progress = Callable[[int, int], None]
"""Called with records read so far, and records the server has."""

_ROWS_A_BATCH = 20_000
_FORM_ID = list(Record.FIELDS).index("formId")
_FORM_KEY = list(Record.FIELDS).index("formKey")
_RECORD_ID = list(Record.FIELDS).index("recordId")


@dataclass(frozen=True)
class ExportedForm:
    """One form of an export; `file` is `None` where the form has no records."""

    key: str
    form_id: int | None
    name: str | None
    rows: int
    file: str | None


@dataclass(frozen=True)
class ExportReport:
    """What an export wrote.

    Attributes:
        study_key: the study.
        folder: where the files are.
        forms: all forms of the study, and `_unassigned` where records of unlisted forms were met.
        proof: why the read of the records counts as whole.
        blinded: `FORM.VARIABLE` of the variables that were left out because they are blinded.
        manifest: what `manifest.json` holds.
    """

    study_key: str
    folder: Path
    forms: list[ExportedForm]
    proof: Proof
    blinded: list[str]
    manifest: dict[str, Any] = field(repr=False)

    @property
    def rows(self) -> int:
        """Records in all files together."""
        return sum(form.rows for form in self.forms)


def export_to_parquet(
    sdk: ImednetSDK,
    study_key: str,
    target: str | os.PathLike[str],
    *,
    progress: Progress | None = None,
    consistency: Consistency = "repair",
) -> ExportReport:
    """Write a study as Parquet, one file a form, with a `manifest.json` beside them.

    Args:
        sdk: the SDK to read with.
        study_key: the study.
        target: a folder that does not exist, is empty, or holds an earlier export, which is replaced.
        progress: called as records come in.
        consistency: what to do when records go while they are read: `repair` reads again what moved, `strict` raises,
            `off` trusts the server.

    Raises:
        ExportConfigurationError: the target or pyarrow is not there; nothing was read or written.
        ImednetError: the study could not be read whole; the target is as it was.
    """
    return export_study(sdk, study_key, target, "parquet", progress=progress, consistency=consistency)


def export_to_csv(
    sdk: ImednetSDK,
    study_key: str,
    target: str | os.PathLike[str],
    *,
    progress: Progress | None = None,
    consistency: Consistency = "repair",
) -> ExportReport:
    """Write a study as CSV, one file a form; see `export_to_parquet`."""
    return export_study(sdk, study_key, target, "csv", progress=progress, consistency=consistency)


def export_study(
    sdk: ImednetSDK,
    study_key: str,
    target: str | os.PathLike[str],
    file_format: str,
    *,
    progress: Progress | None = None,
    sandbox: bool = False,
    consistency: Consistency = "repair",
) -> ExportReport:
    """Write a study in one of the formats `parquet` and `csv`; `sandbox` marks the manifest of invented data."""
    if file_format not in WRITERS:
        raise ExportConfigurationError(f"there is no format {file_format!r}: choose one of {', '.join(WRITERS)}")
    check_path_part("study_key", study_key)
    writer: TableWriter = WRITERS[file_format]()
    with TargetFolder(target) as folder:
        try:
            return _export(sdk, study_key, folder, writer, file_format, progress, sandbox, consistency)
        except OSError as error:
            raise ExportError(
                f"the files could not be written ({error.strerror}); {folder.target} is as it was. "
                "Next: make room, or choose another folder"
            ) from error
        except UnicodeEncodeError:
            raise ExportError("a name in the study's design holds half a character, which no file can hold") from None


def _export(
    sdk: ImednetSDK,
    study_key: str,
    folder: TargetFolder,
    writer: TableWriter,
    file_format: str,
    progress: Progress | None,
    sandbox: bool,
    consistency: Consistency,
) -> ExportReport:
    forms = sdk.forms.list(study_key, refresh=True)
    variables = sdk.variables.list(study_key, refresh=True)
    layout = tables(forms, variables)
    spool_folder = folder.path / ".spool"
    with Spool(spool_folder) as spool:
        strays = unassigned(forms, variables, [table.key for table in layout])
        proof = _read(sdk, study_key, layout, strays, spool, progress, consistency)
        met = [table for table in layout if table.rows]
        names = dict(zip(map(id, met), file_names([table.key for table in met], writer.ending), strict=True))
        for table in met:
            _write(table, spool, writer, folder.path / names[id(table)])
    _remove(spool_folder)
    files = [
        {
            "form": table.key,
            "formId": table.form_id,
            "file": names[id(table)],
            "rows": table.rows,
            "sha256": sha256(folder.path / names[id(table)]),
            "undeclaredAnswers": {name: table.undeclared[name] for name in table.further},
            "caseVariants": dict(sorted(table.case_variants.items())),
        }
        for table in met
    ]
    blinded = [f"{table.key}.{name}" for table in layout for name in table.blinded]
    manifest = {
        "study": study_key,
        "format": file_format,
        **({"sandbox": True} if sandbox else {}),
        "package": {"distribution": distribution(), "version": version()},
        "specVersion": SPEC_VERSION,
        "serverTime": {"from": forms.proof.server_from, "to": proof.server_to},
        "endpoints": {"forms": _facts(forms.proof), "variables": _facts(variables.proof), "records": _facts(proof)},
        "blindedVariablesLeftOut": blinded,
        "forms": [
            {
                "form": table.key,
                "formId": table.form_id,
                "name": table.name,
                "type": table.form_type,
                "disabled": table.disabled,
                "rows": table.rows,
            }
            for table in layout
        ],
        "files": files,
    }
    write_manifest(folder.path, manifest)
    folder.commit()
    return ExportReport(
        study_key=study_key,
        folder=folder.target,
        forms=[ExportedForm(t.key, t.form_id, t.name, t.rows, names.get(id(t))) for t in layout],
        proof=proof,
        blinded=blinded,
        manifest=manifest,
    )


def _read(
    sdk: ImednetSDK,
    study_key: str,
    layout: list[FormTable],
    strays: FormTable,
    spool: Spool,
    progress: Progress | None,
    consistency: Consistency,
) -> Proof:
    """One pass over the records into the spool. Unlisted forms get a table at the end of the layout."""
    by_id = {table.form_id: table for table in layout if table.form_id is not None}
    by_key = {table.key: table for table in layout}
    pages = sdk.records.value_pages(study_key, consistency=consistency)
    read = 0
    for page in pages:
        rows: dict[int, tuple[FormTable, list[Row]]] = {}
        for values in page.rows:
            table = by_id.get(_plain(values[_FORM_ID])) or by_key.get(_plain(values[_FORM_KEY])) or strays
            cells, further = table.row(texts(values[-1]))
            line = (context_cells(list(values[:-1])), cells, further)
            rows.setdefault(id(table), (table, []))[1].append(line)
        for place, (table, lines) in rows.items():
            try:
                spool.append(place, lines)
            except UnicodeEncodeError:
                first, last = (line[0][_RECORD_ID] for line in (lines[0], lines[-1]))
                raise ExportError(
                    f"form {table.key}: an answer among records {first} to {last} "
                    "holds half a character (a lone surrogate), which no file can hold. Next: have it corrected there"
                ) from None
        read += len(page.rows)
        if progress is not None:
            progress(read, max(read, page.total))
    proof = pages.proof
    if strays.rows:
        layout.append(strays)
    if proof is None or proof.rows != sum(table.rows for table in layout):
        raise IncompleteReadError("the rows of all forms do not sum up to the rows read; nothing was written")
    return proof


def _plain(value: Any) -> Any:
    """A value that can be looked up; a list or object names no form."""
    return None if isinstance(value, (list, dict)) else value


def _write(table: FormTable, spool: Spool, writer: TableWriter, path: Path) -> None:
    further = table.further

    def batches() -> Iterator[list[Cells]]:
        for batch in spool.batches(id(table), _ROWS_A_BATCH):
            yield [[*context, *answers, *[more.get(name) for name in further]] for context, answers, more in batch]

    writer.write(path, table.columns(), batches())


def _remove(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def _facts(proof: Proof) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "serverTotal": proof.total,
        "rows": proof.rows,
        "growth": proof.growth,
        "vanished": proof.vanished,
        "drifts": proof.drifts,
        "requests": proof.requests,
        "proof": proof.status,
        "rule": proof.rule,
    }
    if proof.reason is not None:
        facts["reason"] = proof.reason
    if proof.undeclared:
        facts["undeclaredFields"] = list(proof.undeclared)
    return facts


assert tuple(Record.FIELDS)[:-1] == CONTEXT, "answers are the last field of a record"
