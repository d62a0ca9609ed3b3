"""Codings without the terms that tell the answer to a blinded variable: one rule for exports and mirrors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from imednet_api.models import Variable
from imednet_api.types import decode

from ...utils.truth import may_be_true

TERMS: Final = ("value", "code")
"""Fields of a coding that tell what was answered."""
BlindedTerms = Mapping[str, frozenset[str]]
"""`formId` of a form -> names of its blinded answers, in lower case; `""` -> those of codings of no listed form."""


def blinded_terms(form_ids: Iterable[Any], blinded: Iterable[tuple[str, str]]) -> BlindedTerms:
    """The blinded answers of each listed form; of a form that is not listed any may be.

    Args:
        form_ids: ids of the listed forms.
        blinded: `formId` and name, in lower case, of each blinded variable.
    """
    pairs = set(blinded)
    own = {str(form_id): frozenset(name for at, name in pairs if at == str(form_id)) for form_id in form_ids}
    return {**own, "": frozenset(name for _, name in pairs)}


def blinded_variables(variables: Iterable[Variable]) -> set[tuple[str, str]]:
    """`formId` and name, in lower case, of the blinded ones among variables; what is neither true nor false is."""
    return {
        (str(variable.form_id), str(variable.variable_name).casefold())
        for variable in variables
        if variable.variable_name and may_be_true(variable.blinded)
    }


def without_blinded_terms(line: bytes, blinded: BlindedTerms) -> bytes:
    """A coding without its terms, where it codes the answer to a blinded variable; a line of JSON, as it came."""
    row = decode(line)
    if not tells_blinded(row, blinded) or all(row.get(name) is None for name in TERMS):
        return line
    return json.dumps({**row, **dict.fromkeys(TERMS)}, separators=(",", ":")).encode()


def tells_blinded(coding: Mapping[str, Any], blinded: BlindedTerms) -> bool:
    """Whether a coding is of the answer to a blinded variable."""
    names = blinded.get(str(coding.get("formId")), blinded.get("", frozenset()))
    return str(coding.get("variable")).casefold() in names
