"""The source: a mirror is brought up to date, and what changed in it since the last load goes on to the destination.

The mirror proves that what it read is whole, and finds what is gone. A load remembers the snapshot that it held; one
that finds another history than it remembers replaces the rows of its study.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from imednet_api.api import operation

from ..constants import DEFAULT_BASE_URL
from ..errors import ConfigurationError
from ..integrations.on_disk.folder import state_folder
from ..integrations.tables.arrow import pyarrow
from ..mirror import Mirror
from ..mirror.latest_rows import DELETED, KEY, LINE, SNAPSHOT, LatestRows
from ..sdk import ImednetSDK
from ..utils.optional_library import optional_library
from ..utils.url import normalise_base_url
from .names import column_name, own_name, retyped_name, snake, table_name

if TYPE_CHECKING:
    from dlt.extract import DltResource, DltSource

_OWN: Final = {KEY: "imednet_key", DELETED: "imednet_deleted", SNAPSHOT: "imednet_snapshot", LINE: "imednet_row"}
"""Columns of every table beside those of the design."""
_STUDY: Final = "imednet_study"
"""The study of a row: with its identity the primary key, so that one dataset may hold several studies."""


def imednet_source(
    study_key: str,
    *,
    mirror: str | Path | None = None,
    api_key: str | None = None,
    security_key: str | None = None,
    base_url: str | None = None,
    profile: str | None = None,
    unblind: str | None = None,
    accept_deletions: bool = False,
    table_format: Literal["delta", "iceberg"] | None = None,
) -> DltSource:
    """A source of dlt with a resource for each list and each form of a study.

    The mirror is synced when the source is made, which fails where the study cannot be read whole. The first load
    takes all rows, later ones take those that changed; rows that are gone are deleted in the destination.

    Args:
        study_key: the study.
        mirror: folder of the mirror; by default one for each study and server in your state folder. Keep it: a new one
            makes the next load replace all rows of the study.
        api_key, security_key, base_url: else those of `[sources.imednet]` in dlt's secrets, all from there, unless
            `profile` is given; else those of `imednet.config.load_config`.
        profile: a profile that `imednet login` made.
        unblind: the reason for holding blinded answers, each time and in the same words as when the mirror was new.
            Without it a mirror that holds them is refused.
        accept_deletions: believe it where most rows of a list are gone.
        table_format: for destinations of files, which merge only in these formats.

    Raises:
        ConfigurationError: the mirror holds blinded answers, and no reason is given; or dlt's secrets have one key
            alone. While it is loaded: the destination is one of plain files, or the mirror is another than that of the
            last load and `table_format` is given.
        ImednetError: the keys are refused, or the study could not be read whole; nothing is loaded then.

    Returns:
        A source named after the study. Tables are called as the lists are, and `form_ae` for a form `AE`; each has
        `imednet_study` and `imednet_key` (its primary key), `imednet_snapshot`, `imednet_deleted` (the hint for
        deletions) and `imednet_row`, the row as the server sent it.
    """
    keys = (api_key, security_key, base_url) if profile is not None else _keys(api_key, security_key, base_url)
    with ImednetSDK(*keys, profile=profile) as sdk:
        kind = "dlt" if unblind is None else "dlt-unblinded"
        server, home = sdk.client.base_url, sdk.config.state_home
        place = Path(mirror) if mirror is not None else state_folder(kind, study_key, server, profile_home=home)
        place.parent.mkdir(parents=True, exist_ok=True)
        held = Mirror(place)
        if unblind is None and place.exists() and held.holds_blinded():
            raise ConfigurationError(
                f"the mirror {place} holds blinded answers, and no reason to load them is given. Next: unblind=, or "
                "another mirror"
            )
        held.sync(sdk, study_key, unblind=unblind, accept_deletions=accept_deletions)
    return source_of(held, table_format)


def source_of(mirror: Mirror, table_format: Literal["delta", "iceberg"] | None = None) -> DltSource:
    """A source over a mirror as it is; each study has a schema of its own in dlt."""
    found: DltSource = _dlt().source(
        lambda: resources(mirror, table_format), name=f"imednet_{own_name(mirror.study_key)}", max_table_nesting=0
    )()
    return found


def _dlt() -> Any:
    """The library, which is loaded when a source is made."""
    return optional_library("dlt", "dlt")


def _keys(
    api_key: str | None, security_key: str | None, base_url: str | None
) -> tuple[str | None, str | None, str | None]:
    """Both keys and the address: as given, else all from dlt's secrets, else left to the SDK."""
    if api_key or security_key:
        return api_key, security_key, base_url
    found: list[Any] = [
        _dlt().secrets.get(f"sources.imednet.{name}") for name in ("api_key", "security_key", "base_url")
    ]
    if not any(found[:2]):
        return None, None, base_url
    if not all(found[:2]):
        raise ConfigurationError("the secrets of dlt hold one key of sources.imednet. Next: both, or neither")
    own = found[2] or DEFAULT_BASE_URL
    if base_url is not None and normalise_base_url(base_url) != normalise_base_url(own):
        raise ConfigurationError(
            f"the keys in dlt's secrets are for {own}, and base_url= is {base_url}. Next: give the keys of that "
            "server, or leave base_url out"
        )
    return found[0], found[1], own


def resources(mirror: Mirror, table_format: Literal["delta", "iceberg"] | None = None) -> list[DltResource]:
    """The resources of a mirror as it is."""
    number = mirror.number()
    return [_resource(table, mirror, number, table_format) for table in mirror.latest_rows(number)]


def _resource(
    table: LatestRows, mirror: Mirror, number: int, table_format: Literal["delta", "iceberg"] | None
) -> DltResource:
    study = mirror.study_key

    def rows() -> Iterator[Any]:
        _refuse_files(table_format)
        state = _dlt().current.resource_state()
        since = state.get("snapshot")
        if since is not None and not (mirror.digest(since) == state["digest"] and _is_held(table, study, since)):
            since = None
        if since is None and "snapshot" in state and table_format is not None:
            raise ConfigurationError(
                f"the mirror {mirror.folder} is not the one of the last load, so that nobody knows what is gone since, "
                f"and tables of {table_format} are only added to. Next: pipeline.run(..., refresh='drop_sources') "
                "loads the study anew, into tables of its own"
            )
        names = _columns(table, state.setdefault("types", {}))
        batches = table.since(since)
        first = next(batches, None)
        if first is None and since is not None:
            return  # nothing to load, and the snapshot that is held is as good as this one
        columns: Any = {
            _STUDY: {"data_type": "text", "nullable": False, "merge_key": since is None},  # said each time: it is kept
            _OWN[DELETED]: {"data_type": "bool", "hard_delete": True},
        }
        hints = _dlt().mark.make_hints(write_disposition="merge", columns=columns)
        start = table.schema.empty_table() if first is None else pyarrow().Table.from_batches([first])
        if since is None and table_format is None:
            start = pyarrow().concat_tables([_everything_goes(table.schema), start])
        yield _dlt().mark.with_hints(_named(start, names, study), hints)
        for batch in batches:
            yield _named(pyarrow().Table.from_batches([batch]), names, study)
        state["snapshot"], state["digest"] = number, mirror.digest(number)

    settings: dict[str, Any] = {} if table_format is None else {"table_format": table_format}
    made: DltResource = _dlt().resource(
        rows, name=table_name(table.key, is_form=table.is_form), write_disposition="merge",
        primary_key=(_STUDY, _OWN[KEY]), max_table_nesting=0, **settings,
    )  # fmt: skip
    return made


def _is_held(table: LatestRows, study: str, snapshot: int) -> bool:
    """Whether the destination has the rows of a snapshot, which dlt's memory of the last load only supposes.

    The destination may have been restored from a copy, emptied, or be another one than that of the last load. Each row
    names the snapshot it changed in, so that their number and the sum of those tell. Files are not asked.
    """
    pipeline: Any = _dlt().current.pipeline()
    if pipeline.destination.destination_type.endswith(".filesystem"):
        return True
    undefined = optional_library("dlt.destinations.exceptions", "dlt").DatabaseUndefinedRelation
    try:
        with pipeline.sql_client() as client:
            place = client.make_qualified_table_name(table_name(table.key, is_form=table.is_form))
            number, own = (client.escape_column_name(name) for name in (_OWN[SNAPSHOT], _STUDY))
            query = f"SELECT COUNT(*), COALESCE(SUM({number}), 0) FROM {place} WHERE {own} = %s"  # noqa: S608  (our own names)
            ((rows, total),) = client.execute_sql(query, study)
    except undefined:
        return table.held_at(snapshot) == (0, 0)
    return (int(rows), int(total)) == table.held_at(snapshot)


def _refuse_files(table_format: str | None) -> None:
    """Raise ConfigurationError for plain files, which would keep what is gone and repeat what changed."""
    pipeline: Any = _dlt().current.pipeline()
    if getattr(pipeline.destination, "destination_type", "").endswith(".filesystem") and table_format is None:
        raise ConfigurationError("files cannot merge. Next: table_format='delta' or 'iceberg', or a database")


def _everything_goes(schema: Any) -> Any:
    """A row that is gone and was never there.

    Of a study whose every row is loaded, all rows that the destination has go first, also where there is none to load:
    they are found by the study of what is loaded. So studies in one dataset leave each other alone.
    """
    cells = {KEY: "", DELETED: True, SNAPSHOT: 0}
    arrays = [pyarrow().array([cells.get(field.name)], field.type) for field in schema]
    return pyarrow().Table.from_arrays(arrays, schema=schema)


def _named(rows: Any, names: list[str], study: str) -> Any:
    """Rows under their names in the destination, and with their study."""
    arrow = pyarrow()
    field = arrow.field(_STUDY, arrow.string(), nullable=False)
    return rows.rename_columns(names).add_column(0, field, arrow.array([study] * len(rows), arrow.string()))


def _columns(table: LatestRows, types: dict[str, str]) -> list[str]:
    """Names of the columns in the destination. One that had another type there gets a second column of its type.

    Args:
        table: the table.
        types: column of the destination -> its type, of all that were ever loaded; new ones are added.
    """
    model = operation("list_records" if table.is_form else f"list_{table.key.lstrip('_')}").item
    fields = set(model.FIELDS)
    taken = {*map(snake, fields), *_OWN.values(), _STUDY}
    names = []
    for field in table.schema:
        name, kind = _OWN.get(field.name) or column_name(field.name, fields, taken), str(field.type)
        if types.get(name, kind) != kind:
            name = retyped_name(field.name, kind)
        types[name] = kind
        names.append(name)
    return names
