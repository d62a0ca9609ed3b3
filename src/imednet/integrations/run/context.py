"""What the option `context` adds to records, looked up in other lists of the study, which are read whole."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...core.reading.proof import Proof
from ...errors import NotFoundError
from ...resources import RESOURCES
from ...sdk import ImednetSDK
from ...validation.kinds import CAST, Caster, Kind
from ..tables.batches import as_json
from ..tables.layout import CONTEXT_LISTS, StudyTables

_log = logging.getLogger("imednet")


def with_context(sdk: ImednetSDK, tables: StudyTables) -> tuple[StudyTables, dict[str, Proof]]:
    """The tables with what their columns of context are looked up in, and the proof of each list that was read.

    A list that the server does not have leaves its column empty, with a warning in the log.
    """
    columns = [column for table in tables.forms for column in table.columns if column.part == "context"]
    proofs: dict[str, Proof] = {}
    found: dict[str, tuple[str, Mapping[Any, Any]]] = {}
    for source, kind in {column.source: column.kind for column in columns}.items():
        name, key, _ = CONTEXT_LISTS[source]
        try:
            texts, proofs[name] = _texts(sdk, tables.study_key, name, key, source)
        except NotFoundError:
            texts = {}
            _log.warning("%s: the server has no list of %s, so %s is empty", tables.study_key, name, source)
        found[source] = (key, _converted(kind, texts))
    forms = tuple(replace(table, lookups=found) for table in tables.forms)
    return replace(tables, forms=forms, unassigned=replace(tables.unassigned, lookups=found)), proofs


def _texts(sdk: ImednetSDK, study_key: str, name: str, key: str, source: str) -> tuple[dict[Any, str], Proof]:
    """A field of every row of a list by another field."""
    pages = getattr(sdk, name).line_pages(study_key, fields=(key, source), **RESOURCES[name].wide)
    texts: dict[Any, str] = {}
    for page in pages:
        for _, identity, cell in page.rows:
            if isinstance(identity, int) and cell not in (None, ""):
                texts[identity] = cell if isinstance(cell, str) else as_json(cell)
    return texts, pages.proof


def _converted(kind: Kind, texts: dict[Any, str]) -> dict[Any, Any]:
    """The cells of a column of a kind; what does not fit is left out."""
    if kind not in CAST:
        return texts
    caster = Caster.of(kind)
    unfit = caster.unfit(texts.values())
    return {key: caster.values([text])[0] for key, text in texts.items() if text not in unfit}
