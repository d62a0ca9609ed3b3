"""A report: what was read, by which filters and with which proofs, and the tables made of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from .._version import distribution, version
from ..errors import ArgumentError
from ..utils.settings_file import no_such
from ..workflows.monitoring.study_data import ListName, StudyData
from ..workflows.monitoring.table import MonitoringTable
from ..workflows.monitoring.workflow import MonitoringWorkflow
from .sections import SECTIONS, ReportOptions

if TYPE_CHECKING:
    from ..resource_attributes import SDKProtocol

_WHOLE: Final = "none: the whole study"

__all__ = ["Report", "ReportOptions", "ReportSection", "report_of", "study_report"]


@dataclass(frozen=True)
class ReadLine:
    """One read on the cover: the list, whether it is proven whole, by which rule, and how many rows it has."""

    name: str
    status: str
    rule: str
    rows: int
    server_time: str


@dataclass(frozen=True)
class ReportSection:
    """A section with its tables."""

    name: str
    title: str
    tables: list[MonitoringTable] = field(repr=False)


@dataclass(frozen=True)
class Report:
    """A report of one study.

    Attributes:
        study_key, study_name: the study.
        server_time: the server's time when the last list had been read (UTC).
        made_by: this package and its version.
        filters: what the report was narrowed to and what it was told, as sentences.
        reads: each list that was read.
        sections: the sections, in their order.
        notes: what holds for all of it, such as how many deleted subjects are left out.
    """

    study_key: str
    study_name: str
    server_time: str
    made_by: str
    filters: tuple[str, ...]
    reads: tuple[ReadLine, ...]
    sections: tuple[ReportSection, ...] = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether every read is proven whole."""
        return all(read.status == "proven" for read in self.reads)

    def tables(self) -> Iterable[tuple[ReportSection, MonitoringTable]]:
        """All tables with their sections."""
        return ((section, table) for section in self.sections for table in section.tables)


def study_report(sdk: SDKProtocol, study_key: str, options: ReportOptions | None = None) -> Report:
    """Read a study and make a report of it; each list is read once.

    Args:
        sdk: an `ImednetSDK`, or that of a mirror.
        study_key: the study.
        options: sections, filters, and what the API does not know.

    Raises:
        ArgumentError: there is no such section, or one needs what the options do not hold.
        NotFoundError: the study has no such site or subject.
    """
    options = options or ReportOptions()
    names = options.sections or tuple(name for name, section in SECTIONS.items() if section.wanted(options))
    for name in names:
        if name not in SECTIONS:
            raise ArgumentError(no_such("section", name, SECTIONS))
        if not SECTIONS[name].wanted(options):
            needed = (
                "a configuration with mappings" if name == "events" else "settings of indicators, and the whole study"
            )
            raise ArgumentError(f"the section {name!r} needs {needed}")
    data = _read(sdk, study_key, names, options)
    sections = [ReportSection(name, SECTIONS[name].title, SECTIONS[name].tables(data, options)) for name in names]
    studies = sdk.studies.list()
    title = next((study.study_name for study in studies if study.study_key == study_key), None)
    return report_of(data, str(title or study_key), sections, _filters(options))


def report_of(
    data: StudyData, study_name: str, sections: Iterable[ReportSection], filters: tuple[str, ...] = ()
) -> Report:
    """A report of tables that are made already.

    Args:
        data: what the tables were made of.
        study_name: its heading.
        sections: the tables; a section without any is left out.
        filters: what the tables were narrowed to, as sentences.
    """
    return Report(
        data.study_key,
        study_name,
        data.moment.strftime("%Y-%m-%d %H:%M:%S"),
        f"{distribution()} {version()}",
        filters or (_WHOLE,),
        tuple(
            ReadLine(name.replace("_", " "), proof.status, proof.rule, proof.rows, str(proof.server_to or ""))
            for name, proof in sorted(data.proofs.items())
        ),
        tuple(section for section in sections if section.tables),
        data.notes,
    )


def _read(sdk: SDKProtocol, study_key: str, names: Iterable[str], options: ReportOptions) -> StudyData:
    workflow = MonitoringWorkflow(sdk)
    lists: set[ListName] = {one for name in names for one in SECTIONS[name].lists(options)}
    answers: list[str] = []
    if "events" in names:
        answers += [mapping.form for mapping in options.configuration.mappings.values()]
    if "kri" in names:
        answers += options.indicators.forms
    return workflow.read(
        study_key,
        lists,
        answers=answers,
        coded="coding" in names,
        points="kri" in names and "kri0008" in options.indicators.indicators,
        site=options.site,
        subject_key=options.subject_key,
        include_deleted=options.include_deleted,
        exit_date=options.exit_date,
    )


def _filters(options: ReportOptions) -> tuple[str, ...]:
    told = []
    if options.site is not None:
        told.append(f"only site {options.site}")
    if options.subject_key is not None:
        told.append(f"only subject {options.subject_key}")
    if options.include_deleted:
        told.append("deleted subjects are counted")
    if options.exit_date is not None:
        told.append(f"subjects left on the day of {options.exit_date}")
    if options.target is not None:
        told.append(
            f"target: {options.target:,} subjects" + (f" by {options.target_date}" if options.target_date else "")
        )
    return tuple(told)
