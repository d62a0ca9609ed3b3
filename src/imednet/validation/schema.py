"""Schema of a study: what its forms accept, and the check of items before they are written.

The check needs no request; it covers what the design says, not edit checks or what the server stores.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, Literal

from ..errors import ValidationError
from ..utils.truth import is_true, truth
from .fields import FieldKind, UnfitValue, field_kind, wire_value

if TYPE_CHECKING:
    from imednet_api.models import Form, Interval, Variable

Action = Literal["register", "scheduled", "new", "existing"]

FORM: Final = ("formKey", "formId")
SITE: Final = ("siteName", "siteId")
SUBJECT: Final = ("subjectKey", "subjectId", "subjectOid")
INTERVAL: Final = ("intervalName", "intervalId")
RECORD: Final = ("recordId", "recordOid")
MEMBERS: Final = (*FORM, *SITE, *SUBJECT, *INTERVAL, *RECORD, "data")


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of an item that was to be written.

    Attributes:
        item: index of the item, from 0.
        where: the member at fault, such as `formKey` or `data.AESEV`.
        what: what is wrong, and what to type next; never quotes an answer.
        place: the item's position in its file, such as `line 4`, if it came from one.
    """

    item: int
    where: str
    what: str
    place: str | None = None

    def __str__(self) -> str:
        return f"{self.place or f'item {self.item}'}, {self.where}: {self.what}"


class ItemsRefusedError(ValidationError):
    """Items that were not sent, because the study would not accept them.

    Attributes:
        problems: all problems; the message names the first `most`.
    """

    def __init__(self, problems: Sequence[Problem], study_key: str | None = None, *, most: int = 5) -> None:
        self.problems = tuple(problems)
        shown = "; ".join(str(problem) for problem in self.problems[:most])
        more = f"; and {len(self.problems) - most} more" if len(self.problems) > most else ""
        super().__init__(None, message=f"nothing was sent: {shown}{more}", study_key=study_key)


@dataclass(frozen=True)
class FormSchema:
    """A form and its variables.

    Attributes:
        form: the form.
        variables: name -> variable, without deleted and disabled ones.
        gone: names of the deleted and disabled variables.
    """

    form: Form
    variables: Mapping[str, Variable]
    gone: frozenset[str] = frozenset()

    @property
    def accepts_records(self) -> bool:
        """Whether records of the form can be written, which system forms and disabled forms do not allow."""
        return not is_true(self.form.disabled) and truth(self.form.subject_record_report) is not False

    def kind(self, name: str) -> FieldKind:
        """The kind of the field with this variable name."""
        variable = self.variables.get(name)
        return field_kind(variable.variable_type if variable is not None else None)


@dataclass(frozen=True)
class StudySchema:
    """What a study's forms accept, as its design was when it was read.

    Attributes:
        study_key: the study.
        forms: all forms with their variables.
        intervals: all intervals.
        choices: `(form key, variable name)` -> choices, where they are known: the API has none, a data dictionary does.
    """

    study_key: str
    forms: tuple[FormSchema, ...]
    intervals: tuple[Interval, ...]
    choices: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        study_key: str,
        forms: Iterable[Form],
        variables: Iterable[Variable],
        intervals: Iterable[Interval],
        choices: Mapping[tuple[str, str], Sequence[str]] | None = None,
    ) -> StudySchema:
        """A schema from the lists of forms, variables and intervals."""
        by_form: dict[Any, list[Variable]] = {}
        for variable in variables:
            by_form.setdefault(variable.form_id, []).append(variable)
        form_schemas = []
        for form in forms:
            usable: dict[str, Variable] = {}
            off = set()
            for variable in by_form.get(form.form_id, []):
                if is_true(variable.deleted) or is_true(variable.disabled):
                    off.add(str(variable.variable_name))
                else:
                    usable[str(variable.variable_name)] = variable
            form_schemas.append(FormSchema(form, usable, frozenset(off - usable.keys())))
        return cls(study_key, tuple(form_schemas), tuple(intervals), choices or {})

    def form(self, form_key: Any = None, form_id: Any = None) -> FormSchema | None:
        """The form with this key or id; `None` if there is none."""
        for schema in self.forms:
            if (form_key is not None and schema.form.form_key == form_key) or (
                form_id is not None and schema.form.form_id == form_id
            ):
                return schema
        return None

    def check(self, items: Iterable[Mapping[str, Any]]) -> list[Problem]:
        """All problems of items that are to be written; an empty list if there are none."""
        return [problem for number, item in enumerate(items) for problem in self._item(number, item)]

    def prepared(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """An item that passed the check, as it is sent: without empty identifiers, values typed as their fields are."""
        form = self.form(item.get("formKey"), item.get("formId"))
        assert form is not None
        data = {
            name: wire_value(form.kind(name), value, self.choices.get((str(form.form.form_key), name)))
            for name, value in item["data"].items()
        }
        kept = {name: value for name, value in item.items() if name != "data" and value not in (None, "")}
        return {**kept, "data": data}

    # ---- one item

    def _item(self, number: int, item: Mapping[str, Any]) -> Iterable[Problem]:
        if not isinstance(item, Mapping):
            yield Problem(number, "item", "must be an object with identifiers and data")
            return
        for name in item:
            if name not in MEMBERS:
                hint = "answers are written under 'data'" if name == "recordData" else _suggestion(name, MEMBERS)
                yield Problem(number, str(name), f"is not a member of an item. Next: {hint}")
        yield from self._identifiers(number, item)
        yield from self._data(number, item)

    def _identifiers(self, number: int, item: Mapping[str, Any]) -> Iterable[Problem]:
        for name, value in item.items():
            if name == "data" or name not in MEMBERS or value in (None, ""):
                continue
            wanted = int if name.endswith("Id") else str
            if not isinstance(value, wanted) or isinstance(value, bool):
                yield Problem(number, name, f"must be {'a whole number' if wanted is int else 'text'}")
        action = action_of(item)
        if action is None:
            yield Problem(
                number, "subjectKey",
                "the item names neither a subject, nor a record, nor a site. Next: add subjectKey for a record of a "
                "subject, recordId for an existing record, or siteName to register a subject",
            )  # fmt: skip
        if action in ("new", "scheduled", "existing") and (site := _first_given(item, SITE)):
            yield Problem(
                number, site,
                "a site is named only to register a subject. Next: leave out the site, or the subject and record",
            )  # fmt: skip
        interval = _first_given(item, INTERVAL)
        if interval is not None and action == "register":
            yield Problem(number, interval, "a registration has no interval. Next: leave it out")
        if interval is not None and action == "scheduled":
            yield from self._interval(number, item, interval)

    def _interval(self, number: int, item: Mapping[str, Any], name: str) -> Iterable[Problem]:
        attribute = "interval_name" if name == "intervalName" else "interval_id"
        matching = [interval for interval in self.intervals if getattr(interval, attribute) == item[name]]
        if not matching:
            names = [str(interval.interval_name) for interval in self.intervals if not is_true(interval.disabled)]
            yield Problem(number, name, f"the study has no such interval. Next: {_suggestion(item[name], names)}")
            return
        form = self.form(item.get("formKey"), item.get("formId"))
        form_ids = {listed_form.form_id for listed_form in matching[0].forms or ()}
        if is_true(matching[0].disabled):
            yield Problem(number, name, "the interval is disabled")
        elif form is not None and form.form.form_id not in form_ids and not form.form.unscheduled_visit:
            yield Problem(number, name, f"form {form.form.form_key} does not belong to this interval")

    def _data(self, number: int, item: Mapping[str, Any]) -> Iterable[Problem]:
        named = _first_given(item, FORM)
        if named is None:
            yield Problem(number, "formKey", "is missing. Next: add formKey, as shown by imednet forms list")
            return
        form = self.form(item.get("formKey"), item.get("formId"))
        if form is None:
            known = [str(schema.form.form_key) for schema in self.forms if schema.accepts_records]
            yield Problem(number, named, f"the study has no such form. Next: {_suggestion(item[named], known)}")
            return
        key = str(form.form.form_key)
        if not form.accepts_records:
            disabled = is_true(form.form.disabled)
            reason = "is disabled" if disabled else "is a system form, whose records cannot be written"
            yield Problem(number, named, f"form {key} {reason}")
            return
        data = item.get("data")
        if not isinstance(data, Mapping) or not data:
            yield Problem(number, "data", "is missing or empty: it holds answers by variable name")
            return
        for name, value in data.items():
            where = f"data.{name}"
            if name not in form.variables:
                if name in form.gone:
                    yield Problem(number, where, f"the variable of form {key} is disabled or deleted")
                else:
                    hint = _suggestion(name, form.variables)
                    yield Problem(number, where, f"form {key} has no such variable. Next: {hint}")
                continue
            kind = form.kind(name)
            try:
                wire_value(kind, value, self.choices.get((key, name)))
            except UnfitValue as error:
                yield Problem(number, where, f"the value {error} ({kind} field)")


def action_of(item: Mapping[str, Any]) -> Action | None:
    """What the server does with an item, by the identifiers it gives; `None` if it could do nothing.

    >>> action_of({"formKey": "AE", "subjectKey": "301-001"}), action_of({"formKey": "REG", "siteId": 301})
    ('new', 'register')
    """
    if _first_given(item, RECORD):
        return "existing"
    if _first_given(item, SUBJECT):
        return "scheduled" if _first_given(item, INTERVAL) else "new"
    return "register" if _first_given(item, SITE) else None


def _first_given(item: Mapping[str, Any], names: Iterable[str]) -> str | None:
    return next((name for name in names if item.get(name) not in (None, "")), None)


def _suggestion(name: Any, known: Iterable[str]) -> str:
    names = list(known)
    folded = {candidate.casefold(): candidate for candidate in names}
    nearest = folded.get(str(name).casefold()) or next(
        (folded[match] for match in get_close_matches(str(name).casefold(), list(folded), 1)), None
    )
    if nearest is not None:
        return f"did you mean {nearest}?"
    return f"there are {', '.join(names[:12])}{' ...' if len(names) > 12 else ''}" if names else "there is none"
