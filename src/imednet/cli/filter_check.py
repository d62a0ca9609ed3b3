"""Filters and names as people type them, looked at before anything is sent: a slip gets the nearest name.

A name that is near nothing known is sent all the same: the server may know more than the description of its API.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from imednet_api.types import Operation

from ..errors import ArgumentError
from ..resources import RESOURCES
from .output import print_message

if TYPE_CHECKING:
    from ..sdk import ImednetSDK

_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'")
_COMPARISON: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_.]*)\s*(==|!=|<=|>=|=~|<|>|=)")


def check_filter(operation: Operation, expression: str | None) -> None:
    """Check the attributes and operators of an expression for `--filter`.

    Raises ArgumentError for a single `=`, and for a name that is nearly one of the list's fields.
    """
    assert operation.page is not None
    check_expression(expression, [*operation.item.FIELDS, *operation.page.filterable], operation.tag, "--filter")


def check_expression(expression: str | None, known: Iterable[str], of: str, option: str) -> None:
    """Check names and operators of an expression; `known` are the names it may have, `of` is what has them."""
    known = list(known)
    for name, operator in _COMPARISON.findall(_QUOTED.sub('""', expression or "")):
        if operator == "=":
            raise ArgumentError(f"{option}: {name}= is no comparison. Next: write {name}== for equal")
        if known and name not in known:
            near = nearest(name, known)
            if near is not None:
                raise ArgumentError(f"{option}: {of} have no {name!r}. Did you mean {near!r}?")
            print_message(f"{option}: {of} have no {name!r} that is known here; it is sent as it is")


def known_name(given: str, known: Iterable[str], of: str, step: str) -> str:
    """A name as the study spells it. Raises ArgumentError with the nearest one if there is no such name.

    >>> known_name("ae", ["AE", "VS"], "form", "imednet forms list")
    'AE'
    """
    known = list(known)
    if given in known:
        return given
    same = [name for name in known if name.casefold() == given.casefold()]
    if len(same) == 1:
        return same[0]
    near = nearest(given, known)
    hint = f" Did you mean {near!r}?" if near is not None else ""
    raise ArgumentError(f"the study has no {of} {given!r}.{hint} Next: {step}")


_NAMED: Final = {
    "form_key": ("forms", "form"), "form_id": ("forms", "form"), "site_name": ("sites", "site"),
    "site_id": ("sites", "site"), "interval_name": ("intervals", "interval"), "interval_id": ("intervals", "interval"),
    "subject_key": ("subjects", "subject"), "subject_id": ("subjects", "subject"), "login": ("users", "user"),
    "record_id": ("records", "record"),
}  # fmt: skip
"""Attribute -> the list of the study that has it, and what a row of it is called."""


def refuse_unknown(sdk: ImednetSDK, study_key: str, wanted: Mapping[str, Any]) -> None:
    """Look for names that no row of the study has, where nothing was found by them.

    Args:
        sdk: reads the lists of the study.
        study_key: the study.
        wanted: attribute -> the value that was asked for, or `None`.

    Raises:
        ArgumentError: the study has no such form, site, interval, subject, user or record; it names the nearest.
    """
    for attribute, value in wanted.items():
        name, of = _NAMED.get(attribute, ("", ""))
        if not name or value is None:
            continue
        if name == "records":
            if not sdk.records.count(study_key, record_id=value):
                raise ArgumentError(f"the study has no {of} {value}. Next: imednet records list {study_key}")
            continue
        rows = getattr(sdk, name).list(study_key, **RESOURCES[name].wide)
        step = f"imednet {name} list {study_key}"
        spelled = known_name(str(value), [str(getattr(row, attribute)) for row in rows], of, step)
        if spelled != str(value):
            raise ArgumentError(f"the study has no {of} {value!r}. Did you mean {spelled!r}? Next: {step}")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like another one; `None` if none is.

    >>> nearest("formkey", ["formId", "formKey"]), nearest("AEE", ["AE", "VS"]), nearest("x", ["formKey"])
    ('formKey', 'AE', None)
    """
    by_case = {one.casefold(): one for one in known}
    if name.casefold() in by_case:
        return by_case[name.casefold()]
    found = difflib.get_close_matches(name.casefold(), by_case, n=1, cutoff=0.6)
    return by_case[found[0]] if found else None
