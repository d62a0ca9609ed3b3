"""Layout of an export's tables: their columns, which come from the study's design alone, never from the values.

A form's table has the record's own fields, every variable of the form in form order (even if no record answers it), the
three answers that the server adds to every record, and a column `undeclared` with anything else as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from imednet_api.api import operation
from imednet_api.models import Form, Record, Variable
from imednet_api.types import Model

from ...errors import ExportConfigurationError
from ...utils.text import whole
from ...utils.truth import is_true, may_be_true
from ...validation.kinds import CAST, Kind, earliest, field_kinds, kind_of, latest, letters_of, precision
from ..sql_names import NameRules
from .blinded_terms import BlindedTerms, blinded_terms, blinded_variables
from .choices import Choices, Coding
from .naming import Namer, from_label, table_keys, unknown_names
from .options import ENTITIES, ExportOptions, Values

UNASSIGNED: Final = "_unassigned"
"""Table for records of forms that the study does not list."""
ISSUES: Final = "_issues"
DICTIONARY: Final = "_dictionary"
CONTEXT: Final = tuple(name for name in Record.FIELDS if name != "recordData")
"""Fields of the record itself, as the server spells them."""
SYSTEM: Final = ("unvnum", "dateCreated", "dateModified")
"""Answers that the server adds to those of the form (API description, `RecordData`)."""
OTHER: Final = "undeclared"

CONTEXT_LISTS: Final = {
    "intervalName": ("intervals", "intervalId", Kind.TEXT),
    "visitDate": ("visits", "visitId", Kind.DATE),
    "siteName": ("sites", "siteId", Kind.TEXT),
    "subjectStatus": ("subjects", "subjectId", Kind.TEXT),
}
"""What the option `context` adds to each record -> the list it is in, the field by which it is found, and its kind."""

Part = Literal["field", "context", "answer", "raw", "derived", "other"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        name: its name in the target.
        source: the field or variable it comes from, as the server spells it.
        part: `field` of the record, `context` from another list, `answer`, `raw` text of an answer, `derived` from an
            answer, or `other` for everything undeclared.
        kind: type of its cells.
        checked: for a text column, the type its texts should have; a text that does not fit is listed as an issue.
        label: the question's text.
        variable_id, variable_type, blinded: facts of the variable.
        choices: text and code of each choice, if a data dictionary was given.
        coded: whether its cells are codes of the choices.
        convert: turns the text of an answer into a cell, or raises Misfit; by default the conversion of `kind`.
        reported: whether texts that cannot be converted are listed as issues.
        lenient: whether such a text stays in the column.
    """

    name: str
    source: str
    part: Part
    kind: Kind
    label: str | None = None
    variable_id: int | None = None
    variable_type: str | None = None
    blinded: bool = False
    checked: Kind | None = None
    choices: Choices = ()
    coded: bool = False
    convert: Callable[[str], Any] | None = field(default=None, compare=False, repr=False)
    reported: bool = True
    lenient: bool = False

    @property
    def converted(self) -> bool:
        """Whether its cells are made from texts, and are not the texts themselves."""
        return self.convert is not None or (self.part != "raw" and self.kind in CAST)


@dataclass(frozen=True)
class Table:
    """One table: a form's records, or another list of the study.

    Attributes:
        key: the form's key, or the name of the list with a leading underscore; unique in a study. A form's key that
            begins with an underscore is prefixed with `form`; of forms that share a key, all but the first have their
            form id behind it.
        columns: its columns, in order.
        identity: names of the columns that identify a row.
        title: the form's name.
        form_id, form_type, disabled: facts of the form; `form_id` is `None` for other lists.
        form_key: key by which the server is asked for its records; `None` if two forms share it, so that `form_id` is
            used.
        hidden: answers that are left out, because they are blinded or were not asked for.
        blinded: those of them that are blinded.
        model: the resource; `None` for tables that the export adds.
        lookups: source of a column of context -> the field by which it is found, and the cell for each value of it.
    """

    key: str
    columns: tuple[Column, ...]
    identity: tuple[str, ...]
    title: str | None = None
    form_id: int | None = None
    form_key: str | None = None
    form_type: str | None = None
    disabled: bool = False
    hidden: tuple[str, ...] = ()
    blinded: tuple[str, ...] = ()
    model: type[Model] | None = None
    lookups: Mapping[str, tuple[str, Mapping[Any, Any]]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_form(self) -> bool:
        """Whether its rows are records."""
        return self.model is Record

    @property
    def names(self) -> list[str]:
        """Names of the columns, in order."""
        return [column.name for column in self.columns]

    @property
    def answers(self) -> tuple[str, ...]:
        """Names of the answers that have a column, in order."""
        parts = ("answer", "raw", "derived")
        return tuple(dict.fromkeys(column.source for column in self.columns if column.part in parts))


@dataclass(frozen=True)
class StudyTables:
    """All tables of one export.

    Attributes:
        study_key: the study.
        forms: tables of the exported forms, ordered by form id.
        left_out: forms that are not exported, such as disabled ones: key -> form id.
        unassigned: the table for records of unlisted forms.
        entities: tables of other lists.
        listed: keys of the tables of all forms the study has, exported or not, ordered by form id.
        blinded_terms: what codings must not tell, unless the reason for unblinding was given.
        limited: keys of tables that may lack columns which the study has and an earlier run wrote: variables were
            chosen, or the options that lay out a table were others.
        mapping: column names by `formId.variableId`, with which the next run names the columns alike.
    """

    study_key: str
    forms: tuple[Table, ...]
    left_out: Mapping[str, int | None]
    unassigned: Table
    entities: tuple[Table, ...]
    listed: tuple[str, ...]
    mapping: Mapping[str, str]
    blinded_terms: BlindedTerms = field(default_factory=dict)
    limited: frozenset[str] = frozenset()

    @property
    def blinded(self) -> list[str]:
        """`FORM.VARIABLE` of all variables left out because they are blinded."""
        return [f"{table.key}.{name}" for table in (*self.forms, self.unassigned) for name in table.blinded]

    @property
    def keys(self) -> list[str]:
        """Keys of all tables that this export may write."""
        return [*(table.key for table in self.data), DICTIONARY, ISSUES]

    @property
    def all_keys(self) -> list[str]:
        """Keys of all tables that any export of the study may write, so that each has the same name in every run."""
        lists = [f"_{name}" for name in ENTITIES]
        return list(dict.fromkeys([*self.listed, UNASSIGNED, *lists, DICTIONARY, ISSUES, *self.keys]))

    @property
    def data(self) -> tuple[Table, ...]:
        """All tables whose rows are read from the server."""
        return (*self.forms, self.unassigned, *self.entities)


@dataclass(frozen=True)
class Shape:
    """Limits of a target, and its rules for column names.

    Attributes:
        values: the default of the option `values`.
        context: the default of the option `context`.
        lenient: whether a text that does not fit its column stays in it, beside typed cells.
        longest_name: maximum bytes of a column name.
        clean_names: whether names must be identifiers.
        upper_names, lower_names: whether names are in upper or lower case.
        most_columns: maximum columns of a table.
        most_rows: maximum rows of a table.
        rules: name rules of a SQL database.
        reserved: reserved words of the target, which cannot be names.
    """

    values: Values = "both"
    context: bool = False
    lenient: bool = False
    longest_name: int | None = None
    clean_names: bool = False
    upper_names: bool = False
    lower_names: bool = False
    most_columns: int | None = None
    most_rows: int | None = None
    rules: NameRules | None = None
    reserved: tuple[str, ...] = ()

    def namer(self, kept: Mapping[str, str] | None = None) -> Namer:
        """A source of unique names that the target can hold; `kept` are those of an earlier run."""
        return Namer(
            self.longest_name, self.clean_names, self.upper_names, kept or {}, self.rules, self.reserved,
            self.lower_names,
        )  # fmt: skip


def study_tables(
    study_key: str,
    forms: Iterable[Form],
    variables: Iterable[Variable],
    options: ExportOptions,
    shape: Shape,
    kept: Mapping[str, str] | None = None,
    ever_blinded: Iterable[tuple[str, str]] = (),
) -> StudyTables:
    """The tables of an export.

    Args:
        study_key: the study.
        forms, variables: its design.
        options: what is wanted.
        shape: what the target can hold.
        kept: the `mapping` of an earlier export.
        ever_blinded: `formId` and name, in lower case, of variables known to have been blinded. Without a reason to
            unblind, one stays hidden until the design says of it, by name, that it is not; in records of unlisted forms
            always.

    Raises:
        ExportConfigurationError: the study does not have a form or a variable that is asked for.
    """
    forms, variables = list(forms), list(variables)
    if missing := unknown_names(options.forms or (), [str(form.form_key) for form in forms]):
        raise ExportConfigurationError(
            f"study {study_key!r} has no form {missing[0]!r}. Next: imednet forms list {study_key}"
        )
    if (options.split_multi or options.values in ("code", "label")) and not options.choices:
        raise ExportConfigurationError(
            "codes, labels and split check boxes need the choices of the study, which the API does not have. "
            "Next: give the study's data dictionary with --dictionary (`choices` in Python)"
        )
    if missing := unknown_names(options.variables or (), [str(variable.variable_name) for variable in variables]):
        raise ExportConfigurationError(
            f"study {study_key!r} has no variable {missing[0]!r}. Next: imednet variables list {study_key}"
        )
    wanted = None if options.forms is None else {key.casefold() for key in options.forms}
    by_form: dict[Any, list[Variable]] = {}
    for variable in variables:
        by_form.setdefault(variable.form_id, []).append(variable)
    form_tables, left_out, mapping = [], {}, dict[str, str]()
    forms.sort(key=lambda form: (_order(form.form_id), str(form.form_key)))
    keys = [str(form.form_key or form.form_id) for form in forms]
    unique = table_keys([(key, form.form_id) for key, form in zip(keys, forms, strict=True)])
    for form, key, name in zip(forms, keys, unique, strict=True):
        if (key.casefold() not in wanted) if wanted is not None else (is_true(form.disabled) and not options.disabled):
            left_out[name] = form.form_id
            continue
        own = sorted(by_form.get(form.form_id, []), key=lambda one: (_order(one.sequence), _order(one.variable_id)))
        scope = name if form.form_id is None else str(form.form_id)
        table, names = form_table(key, own, options, shape, kept or {}, scope)
        mapping.update(names)
        form_tables.append(
            replace(
                table,
                key=name,
                title=None if form.form_name is None else whole(str(form.form_name)),
                form_id=form.form_id,
                form_key=form.form_key if keys.count(key) == 1 else None,
                form_type=form.form_type,
                disabled=is_true(form.disabled),
            )
        )
    ever = set() if options.unblind else set(ever_blinded)
    for place, table in enumerate(form_tables):
        more = _hidden_too(table, [name for at, name in ever if at == str(table.form_id)])
        form_tables[place] = replace(table, hidden=(*table.hidden, *more), blinded=(*table.blinded, *more))
    listed = {form.form_id for form in forms}
    unlisted = [variable for variable in variables if variable.form_id not in listed and may_be_true(variable.blinded)]
    unassigned, _ = form_table(UNASSIGNED, unlisted, options, shape, {}, "unassigned")
    return StudyTables(
        study_key=study_key,
        forms=tuple(form_tables),
        left_out=left_out,
        unassigned=replace(
            unassigned, hidden=(*unassigned.hidden, *_hidden_too(unassigned, [name for _, name in ever]))
        ),
        entities=tuple(entity_table(name, shape, options.values) for name in options.lists),
        listed=tuple(unique),
        mapping=mapping,
        blinded_terms={} if options.unblind else _blinded_terms(forms, variables, ever),
    )


def _hidden_too(table: Table, names: Iterable[str]) -> list[str]:
    """Those of the names whose answers a table has no column for, and does not hide yet."""
    return sorted(set(names) - {name.casefold() for name in (*table.answers, *table.hidden)})


def _blinded_terms(
    forms: Sequence[Form], variables: Sequence[Variable], ever: Collection[tuple[str, str]]
) -> BlindedTerms:
    """What codings must not tell: of listed forms what the design hides, of others what was ever blinded, too."""
    blinded = blinded_variables(variables)
    named = {(str(one.form_id), str(one.variable_name).casefold()) for one in variables}
    now = blinded | {pair for pair in ever if pair not in named}
    return {
        **blinded_terms([form.form_id for form in forms], now), "": blinded_terms((), now.union(ever))[""],
    }  # fmt: skip


def form_table(
    key: str,
    variables: Iterable[Variable],
    options: ExportOptions,
    shape: Shape,
    kept: Mapping[str, str] | None = None,
    scope: str = "",
) -> tuple[Table, dict[str, str]]:
    """The table of one form, and its column names by `scope.variableId`, where `scope` stands for the form."""
    values = options.values or shape.values
    prefix = f"{scope}."
    kept_here = {key[len(prefix) :]: name for key, name in (kept or {}).items() if key.startswith(prefix)}
    namer = shape.namer(kept_here)
    fields = field_kinds(Record)
    typed = values != "text"
    columns = [_field_column(namer, name, fields[name], typed) for name in CONTEXT]
    if options.context if options.context is not None else shape.context:
        columns += [
            Column(namer.fixed(name), name, "context", kind if typed else Kind.TEXT)
            for name, (_, _, kind) in CONTEXT_LISTS.items()
        ]
    chosen = None if options.variables is None else {name.casefold() for name in options.variables}
    named = [variable for variable in variables if variable.variable_name]
    blinded = dict.fromkeys(str(variable.variable_name) for variable in named if may_be_true(variable.blinded))
    left_out = () if options.unblind else tuple(blinded)
    hidden = list(left_out)
    shown: dict[str, Variable] = {}
    for variable in named:
        name = str(variable.variable_name)
        if chosen is not None and name.casefold() not in chosen:
            hidden.append(name)
        elif name not in hidden:
            shown.setdefault(name, variable)
    for name, variable in shown.items():
        wanted = (from_label(variable.label or "") if options.names == "label" else name) or name
        pairs = (options.choices or {}).get((key, name), ())
        choices = tuple((whole(text), None if code is None else whole(code)) for text, code in pairs)
        place = str(variable.variable_id or name)
        columns += _answer_columns(name, wanted, variable, values, namer, place, choices, options)
    for name in SYSTEM:
        if name not in shown and name not in hidden:
            kind = Kind.INSTANT if typed and name in Record.TIMES else Kind.TEXT
            columns.append(Column(namer.name(name, _prefixed(name)), name, "answer", kind))
    columns.append(Column(namer.name(OTHER, OTHER), OTHER, "other", Kind.JSON))
    if shape.lenient:
        columns = [replace(column, lenient=column.part in ("field", "answer")) for column in columns]
    table = Table(
        key, tuple(columns), (columns[CONTEXT.index("recordId")].name,), hidden=tuple(dict.fromkeys(hidden)),
        blinded=left_out, model=Record,
    )  # fmt: skip
    return table, {prefix + key: name for key, name in namer.given.items()}


def _answer_columns(
    source: str,
    wanted: str,
    variable: Variable,
    values: Values,
    namer: Namer,
    key: str,
    choices: Choices,
    options: ExportOptions,
) -> list[Column]:
    design = kind_of(variable.variable_type)
    kind = Kind.TEXT if values == "text" else design
    coding = Coding(choices) if choices and design is Kind.TEXT else None
    facts: dict[str, Any] = {
        "label": None if variable.label is None else whole(str(variable.label)),
        "variable_id": variable.variable_id,
        "variable_type": variable.variable_type,
        "blinded": may_be_true(variable.blinded),
        "choices": choices,
        "checked": design if design in CAST and kind is Kind.TEXT else None,
    }
    name = namer.name(key, _prefixed(wanted))
    columns = [Column(name, source, "answer", kind, **facts)]
    if coding is not None and values == "code":
        columns = [replace(columns[0], convert=coding.code, coded=True)]
    elif coding is not None and values == "label":
        columns = [replace(columns[0], convert=coding.label)]
    if values == "both" and kind in CAST:
        columns.append(Column(namer.name(f"{key}.raw", f"{name}_raw"), source, "raw", Kind.TEXT, **facts))
    derived = {**facts, "part": "derived", "checked": None, "reported": False}

    def derive(suffix: str, kind: Kind, convert: Callable[[str], Any], **more: Any) -> None:
        unique = namer.name(f"{key}.{suffix}", f"{name}_{suffix}")
        columns.append(Column(unique, source, kind=kind, convert=convert, **{**derived, **more}))

    if kind is Kind.PARTIAL:
        derive("min", Kind.DATE, earliest)
        derive("max", Kind.DATE, latest)
        derive("precision", Kind.TEXT, precision)
    if coding is not None and options.values == "both":
        derive("code", Kind.TEXT, coding.code, coded=True, reported=True)
        derive("label", Kind.TEXT, coding.label)
    if coding is not None and options.split_multi and letters_of(variable.variable_type) == "checkbox":
        for place, (text, code) in enumerate(choices):
            of_choice = {"label": f"{facts['label'] or source}: {text}", "choices": (), "reported": place == 0}
            derive(f"_{code or place + 1}", Kind.BOOLEAN, coding.is_chosen(place), **of_choice)
    return columns


def _field_column(namer: Namer, name: str, kind: Kind, typed: bool) -> Column:
    """The column of a field of a row; in a target of texts, one that should be a date is checked to be one."""
    if typed or kind not in CAST:
        return Column(namer.fixed(name), name, "field", kind)
    return Column(namer.fixed(name), name, "field", Kind.TEXT, checked=kind)


def _prefixed(name: str) -> str:
    """The name of an answer, prefixed with `data.` if a field of the record has the same name."""
    return f"data.{name}" if name.casefold() in _CONTEXT_NAMES else name


_CONTEXT_NAMES = frozenset(name.casefold() for name in CONTEXT)


def model_table(key: str, model: type[Model], shape: Shape, values: Values | None = None) -> Table:
    """A table of rows of a resource other than records; `values` as in the options of an export."""
    typed = (values or shape.values) != "text"
    namer = shape.namer()
    columns = [_field_column(namer, name, kind, typed) for name, kind in field_kinds(model).items()]
    columns.append(Column(namer.name(OTHER, OTHER), OTHER, "other", Kind.JSON))
    if shape.lenient:
        columns = [replace(column, lenient=True) for column in columns]
    return Table(key, tuple(columns), (), model=model)


def entity_table(name: str, shape: Shape, values: Values | None = None) -> Table:
    """The table of another list of the study; `values` as in the options of an export."""
    listing = operation(f"list_{name}")
    assert listing.page is not None
    table = model_table(f"_{name}", listing.item, shape, values)
    fields = list(listing.item.FIELDS)
    identity = tuple(table.columns[fields.index(key)].name for key in listing.page.key)
    return replace(table, identity=identity, title=listing.tag)


def model_of(key: str) -> type[Model]:
    """The resource that the rows of a table are of, by its key."""
    return operation(f"list_{key[1:]}").item if key[1:] in ENTITIES and key.startswith("_") else Record


def own_table(key: str, columns: Mapping[str, Kind], identity: tuple[str, ...], shape: Shape) -> Table:
    """A table that the export adds, such as the dictionary."""
    namer = shape.namer()
    named = tuple(Column(namer.fixed(name), name, "field", kind) for name, kind in columns.items())
    return Table(key, named, tuple(column.name for column in named if column.source in identity))


def _order(value: Any) -> int:
    return value if isinstance(value, int) else 0
