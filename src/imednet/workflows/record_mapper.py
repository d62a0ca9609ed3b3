"""`sdk.workflows.record_mapper`: records as DataFrames, one at a time or form by form, and as a tree.

Nothing is dropped: an answer that no variable declares has a column too, and what cannot be read raises. Columns are
named by variable or by label; `frame.attrs` says which variable each one holds. For typed columns see `study_frames`.

>>> from imednet import ImednetSDK
>>> from imednet.sandbox import Sandbox
>>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
...     frame = sdk.workflows.record_mapper.dataframe("TIDEWATER-201", "VS", use_labels_as_columns=True)
>>> "SYSTOLIC_MMHG" in frame.columns, frame.attrs["variables"]["SYSTOLIC_MMHG"]
(True, 'SYSBP1')
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Unpack

from imednet_api.models import Form, Record, Subject, Variable, Visit

from ..core.concurrency import async_gather, gather
from ..errors import ArgumentError
from ..integrations.tables.choices import Choices
from ..integrations.tables.frames import frame_of_rows
from ..utils.truth import is_true
from ..validation.dictionary import DataDictionary
from .base import AsyncWorkflow, Workflow
from .subject_data import ordered_records, ordered_visits

if TYPE_CHECKING:
    from pandas import DataFrame

    from ..endpoints.lists.typed import RecordListOptions


@dataclass(frozen=True)
class VisitNode:
    """A visit with its records by form; `visit` is `None` for records without one."""

    visit: Visit | None
    forms: Mapping[str, list[Record]] = field(repr=False)


@dataclass(frozen=True)
class SubjectNode:
    """A subject with its visits; `subject` is `None` for records of site forms."""

    subject: Subject | None
    visits: list[VisitNode] = field(repr=False)


def frame_of(
    form_key: str,
    records: Sequence[Record],
    variables: Iterable[Variable],
    *,
    labels: bool = False,
    choices: Mapping[tuple[str, str], Choices] | None = None,
) -> DataFrame:
    """Make a DataFrame from records of one form: a row per record, columns for its fields, then one per variable.

    Args:
        form_key: the form.
        records: the records.
        variables: the form's variables; each has a column of its type, even without any answer.
        labels: name columns by label.
        choices: `(form key, variable name)` -> text and code of each choice.

    Returns:
        The frame that `study_frames` gives; `frame.attrs` holds `labels`, `variables` (column -> variable), `choices`
        and `issues`, the values that fit no column.
    """
    frame: DataFrame = frame_of_rows(
        records, Record, variables=variables, form=form_key, labels=labels, choices=choices
    )
    return frame


def tree_of(subjects: Iterable[Subject], visits: Iterable[Visit], records: Iterable[Record]) -> list[SubjectNode]:
    """Subject -> visit -> form -> records; every record is in it once, those of site forms without a subject."""
    by_subject: dict[int | None, list[Record]] = {}
    for record in records:
        by_subject.setdefault(record.subject_id, []).append(record)
    visits_of: dict[int | None, list[Visit]] = {}
    for visit_row in visits:
        visits_of.setdefault(visit_row.subject_id, []).append(visit_row)
    tree = []
    listed: list[Subject | None] = list(subjects)
    subject_ids = {subject.subject_id for subject in listed if subject is not None}
    strays = [record for key, records in by_subject.items() if key not in subject_ids for record in records]
    for subject in [*listed, None]:
        own = strays if subject is None else by_subject.get(subject.subject_id, [])
        visits_here = visits_of.get(subject.subject_id, []) if subject is not None else []
        if subject is None and not own:
            continue
        ids = {own_visit.visit_id for own_visit in visits_here}
        nodes = []
        visits_or_none: list[Visit | None] = [*visits_here, None]
        for visit in visits_or_none:
            number = visit.visit_id if visit is not None else None
            of_visit = [record for record in own if (record.visit_id if record.visit_id in ids else None) == number]
            if visit is None and not of_visit:
                continue
            forms: dict[str, list[Record]] = {}
            for record in ordered_records(of_visit, visits_here):
                forms.setdefault(str(record.form_key), []).append(record)
            nodes.append(VisitNode(visit, forms))
        tree.append(SubjectNode(subject, nodes))
    return tree


class AsyncRecordMapperWorkflow(AsyncWorkflow):
    """Records as DataFrames and as a tree."""

    async def dataframe(
        self,
        /,
        study_key: str,
        form_key: str,
        *,
        use_labels_as_columns: bool = False,
        visit_key: int | None = None,
        dictionary: DataDictionary | None = None,
        **filters: Any,  # typed, they would hold `form_key` a second time
    ) -> DataFrame:
        """Read the records of one form as a DataFrame.

        Args:
            study_key: the study.
            form_key: the form.
            use_labels_as_columns: name columns by the labels of the variables.
            visit_key: only records of this visit.
            dictionary: the study's data dictionary, whose choices go into `frame.attrs["choices"]`.
            **filters: as `sdk.records.list` takes them.

        Raises:
            ArgumentError: the study has no such form.
        """
        forms, variables = await self._forms_and_variables(study_key)
        form = next((candidate for candidate in forms if candidate.form_key == form_key), None)
        if form is None:
            raise ArgumentError(f"study {study_key!r} has no form {form_key!r}. Next: imednet forms list {study_key}")
        records = await self._sdk.records.list(study_key, form_key=form_key, visit_id=visit_key, **filters)
        own = [variable for variable in variables if variable.form_id == form.form_id]
        return frame_of(form_key, records, own, labels=use_labels_as_columns, choices=_choices(dictionary))

    async def frames(
        self,
        study_key: str,
        *,
        forms: Sequence[str] | None = None,
        use_labels_as_columns: bool = False,
        dictionary: DataDictionary | None = None,
    ) -> AsyncIterator[tuple[str, DataFrame]]:
        """Yield `(form key, DataFrame)`, one form at a time, so that only one is in memory.

        Args:
            study_key: the study.
            forms: keys of the forms; all enabled ones where it is left out.
            use_labels_as_columns: name columns by label in place of the variable.
            dictionary: the study's data dictionary.
        """
        listed, variables = await self._forms_and_variables(study_key)
        chosen = [
            form for form in listed if (form.form_key in forms if forms is not None else not is_true(form.disabled))
        ]
        if forms is not None and len(chosen) < len(set(forms)):
            unknown = sorted(set(forms) - {str(form.form_key) for form in chosen})
            raise ArgumentError(f"study {study_key!r} has no form {unknown[0]!r}. Next: imednet forms list {study_key}")
        for form in chosen:
            records = await self._sdk.records.list(study_key, form_key=form.form_key)
            own = [variable for variable in variables if variable.form_id == form.form_id]
            frame = frame_of(
                str(form.form_key), records, own, labels=use_labels_as_columns, choices=_choices(dictionary)
            )
            yield str(form.form_key), frame

    async def hierarchy(self, /, study_key: str, **filters: Unpack[RecordListOptions]) -> list[SubjectNode]:
        """Read subjects with their visits, forms and records: a tree that holds every record once.

        Args:
            study_key: the study.
            **filters: as `sdk.records.list` takes them.
        """
        subjects, visits, intervals, records = await async_gather(
            lambda: self._sdk.subjects.list(study_key),
            lambda: self._sdk.visits.list(study_key),
            lambda: self._sdk.intervals.list(study_key),
            lambda: self._sdk.records.list(study_key, **filters),
        )
        return tree_of(subjects, ordered_visits(visits, intervals), records)

    async def _forms_and_variables(self, study_key: str) -> tuple[Sequence[Form], Sequence[Variable]]:
        return await async_gather(lambda: self._sdk.forms.list(study_key), lambda: self._sdk.variables.list(study_key))


def _choices(dictionary: DataDictionary | None) -> Mapping[tuple[str, str], Choices]:
    return dictionary.labels if dictionary is not None else {}


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class RecordMapperWorkflow(Workflow):
    """Records as DataFrames and as a tree."""

    def dataframe(
        self,
        /,
        study_key: str,
        form_key: str,
        *,
        use_labels_as_columns: bool = False,
        visit_key: int | None = None,
        dictionary: DataDictionary | None = None,
        **filters: Any,  # typed, they would hold `form_key` a second time
    ) -> DataFrame:
        """Read the records of one form as a DataFrame.

        Args:
            study_key: the study.
            form_key: the form.
            use_labels_as_columns: name columns by the labels of the variables.
            visit_key: only records of this visit.
            dictionary: the study's data dictionary, whose choices go into `frame.attrs["choices"]`.
            **filters: as `sdk.records.list` takes them.

        Raises:
            ArgumentError: the study has no such form.
        """
        forms, variables = self._forms_and_variables(study_key)
        form = next((candidate for candidate in forms if candidate.form_key == form_key), None)
        if form is None:
            raise ArgumentError(f"study {study_key!r} has no form {form_key!r}. Next: imednet forms list {study_key}")
        records = self._sdk.records.list(study_key, form_key=form_key, visit_id=visit_key, **filters)
        own = [variable for variable in variables if variable.form_id == form.form_id]
        return frame_of(form_key, records, own, labels=use_labels_as_columns, choices=_choices(dictionary))

    def frames(
        self,
        study_key: str,
        *,
        forms: Sequence[str] | None = None,
        use_labels_as_columns: bool = False,
        dictionary: DataDictionary | None = None,
    ) -> Iterator[tuple[str, DataFrame]]:
        """Yield `(form key, DataFrame)`, one form at a time, so that only one is in memory.

        Args:
            study_key: the study.
            forms: keys of the forms; all enabled ones where it is left out.
            use_labels_as_columns: name columns by label in place of the variable.
            dictionary: the study's data dictionary.
        """
        listed, variables = self._forms_and_variables(study_key)
        chosen = [
            form for form in listed if (form.form_key in forms if forms is not None else not is_true(form.disabled))
        ]
        if forms is not None and len(chosen) < len(set(forms)):
            unknown = sorted(set(forms) - {str(form.form_key) for form in chosen})
            raise ArgumentError(f"study {study_key!r} has no form {unknown[0]!r}. Next: imednet forms list {study_key}")
        for form in chosen:
            records = self._sdk.records.list(study_key, form_key=form.form_key)
            own = [variable for variable in variables if variable.form_id == form.form_id]
            frame = frame_of(
                str(form.form_key), records, own, labels=use_labels_as_columns, choices=_choices(dictionary)
            )
            yield str(form.form_key), frame

    def hierarchy(self, /, study_key: str, **filters: Unpack[RecordListOptions]) -> list[SubjectNode]:
        """Read subjects with their visits, forms and records: a tree that holds every record once.

        Args:
            study_key: the study.
            **filters: as `sdk.records.list` takes them.
        """
        subjects, visits, intervals, records = gather(
            lambda: self._sdk.subjects.list(study_key),
            lambda: self._sdk.visits.list(study_key),
            lambda: self._sdk.intervals.list(study_key),
            lambda: self._sdk.records.list(study_key, **filters),
        )
        return tree_of(subjects, ordered_visits(visits, intervals), records)

    def _forms_and_variables(self, study_key: str) -> tuple[Sequence[Form], Sequence[Variable]]:
        return gather(lambda: self._sdk.forms.list(study_key), lambda: self._sdk.variables.list(study_key))
