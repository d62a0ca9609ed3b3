"""`ImednetExportOperator`: a study to files or a database, proven whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from airflow.sdk import BaseHook, BaseOperator, Connection, Context

from imednet.errors import ArgumentError

from .. import export
from ..assets import tell_outlets
from ..failures import final_failures
from ..hooks import ImednetHook
from ..lineage import Named, lineage, study_dataset

FILES: Final = {
    "csv": export.export_to_csv,
    "duckdb": export.export_to_duckdb,
    "excel": export.export_to_excel,
    "hive_parquet": export.export_to_hive_parquet,
    "json": export.export_to_json,
    "parquet": export.export_to_parquet,
    "sav": export.export_to_sav,
    "xpt": export.export_to_xpt,
}
"""Targets that are files, by name."""
DATABASES: Final = {"sql": export.export_to_sql, "long_sql": export.export_to_long_sql}
"""Targets that are tables of a SQL database, by name."""
_DRIVERS: Final = {"postgres": "postgresql+psycopg", "mysql": "mysql+pymysql", "sqlite": "sqlite"}


_OF_AIRFLOW: Final = frozenset(
    {"iam", "redshift", "aws_conn_id", "cluster-identifier", "client", "sqlalchemy_scheme", "sqlalchemy_query"}
)
"""Extras that Airflow's own hooks of databases act upon."""
_WITHOUT_EFFECT: Final = frozenset({"cursor"})
"""Extras of those hooks that make no difference to what is written."""


class ImednetExportOperator(BaseOperator):
    """Exports a study to one of the tabular targets of `imednet.integrations`.

    A form that could not be read whole fails the task, and a retry reads only what failed. Wrong keys and settings fail
    it without a retry. Its XCom, and the extra of its asset events, say rows and proof, never answers.

    Args:
        study_key: the study; else that of the connection.
        target: one of `FILES` or `DATABASES`.
        path: file or folder of a target that is files.
        sql_conn_id: connection of the database, of type `postgres`, `mysql` or `sqlite`, for the others.
        home: folder of manifest and log of a database; must outlive the worker. By default in its user's state folder.
        forms: keys of forms; by default all forms.
        options: further keywords of the function of the target, such as `{"entities": ["all"]}`.
        imednet_conn_id: the connection.
    """

    template_fields: Sequence[str] = ("study_key", "target", "path", "sql_conn_id", "home", "forms", "options")
    ui_color = "#d7f0ea"

    def __init__(
        self,
        *,
        study_key: str | None = None,
        target: str = "parquet",
        path: str | None = None,
        sql_conn_id: str | None = None,
        home: str | None = None,
        forms: Sequence[str] | str | None = None,
        options: dict[str, Any] | None = None,
        imednet_conn_id: str = ImednetHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.study_key = study_key
        self.target = target
        self.path = path
        self.sql_conn_id = sql_conn_id
        self.home = home
        self.forms = forms
        self.options = options
        self.imednet_conn_id = imednet_conn_id
        self._written: tuple[Named, Named, int] | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Export, and return rows and proof."""
        hook = ImednetHook(self.imednet_conn_id)
        with final_failures():
            study_key = hook.study_key(self.study_key)
            work, place, more, name = self._place()
            forms = [self.forms] if isinstance(self.forms, str) else self.forms
            with hook.get_conn() as sdk:
                report = work(sdk, study_key, place, forms=forms, **{**(self.options or {}), **more})
                read = study_dataset(sdk.client.base_url, study_key)
        proofs = {entry["proof"] for entry in report.manifest["forms"] if _is_of_this_run(entry)}
        facts = {
            "study_key": study_key,
            "target": self.target,
            "rows": report.rows,
            "forms": {form.key: form.rows for form in report.forms if form.records},
            "proof": "proven" if proofs == {"proven"} else "unproven",
            "issues": report.issues,
        }
        self._written = (read, name, report.rows)
        tell_outlets(context, self.outlets, facts)
        self.log.info("%s: %s rows of study %s, %s", self.target, report.rows, study_key, facts["proof"])
        return facts

    def _place(self) -> tuple[Any, Any, dict[str, Any], Named]:
        """The function of the target, its place, its own keywords, and the place as OpenLineage names it."""
        if self.target in FILES:
            if not self.path:
                raise ArgumentError(f"the target {self.target!r} needs path=")
            Path(self.path).absolute().parent.mkdir(parents=True, exist_ok=True)
            return FILES[self.target], self.path, {}, ("file", str(Path(self.path).absolute()))
        if self.target in DATABASES:
            if not self.sql_conn_id:
                raise ArgumentError(f"the target {self.target!r} needs sql_conn_id=")
            connection = BaseHook.get_connection(self.sql_conn_id)
            url, name = database_url(connection), database_name(connection)
            return DATABASES[self.target], url, {"home": self.home} if self.home else {}, name
        raise ArgumentError(f"there is no target {self.target!r}; there are {', '.join([*FILES, *DATABASES])}")

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:  # noqa: ARG002  (the name and signature of Airflow)
        """The lineage of the task, for the provider of OpenLineage."""
        if self._written is None:
            return None
        read, written, rows = self._written
        return lineage([read], [written], rows)


def _is_of_this_run(entry: Mapping[str, Any]) -> bool:
    """Whether a table of a manifest was read by the run that wrote it, and not left by an earlier one."""
    return entry["status"] == "SUCCESS" and not entry.get("stale")


def database_url(connection: Connection) -> str:
    """The URL of a database for SQLAlchemy, with its password; extras of the connection go to the driver.

    Raises:
        ArgumentError: the connection is of another type, names no file, or has an extra that only Airflow's own hook
            understands, such as `iam`.
    """
    from sqlalchemy.engine import URL

    driver = _DRIVERS.get(connection.conn_type or "")
    if driver is None:
        raise ArgumentError(
            f"the connection {connection.conn_id!r} is of type {connection.conn_type!r}; sql_conn_id takes "
            f"{', '.join(_DRIVERS)}"
        )
    extra = {name: value for name, value in connection.extra_dejson.items() if name not in _WITHOUT_EFFECT}
    for name, value in extra.items():
        if name in _OF_AIRFLOW or not isinstance(value, (str, int, float)):
            raise ArgumentError(
                f"the extra {name!r} of the connection {connection.conn_id!r} is not understood here, and nothing is "
                "left out of a connection. Next: use a connection without it"
            )
    query = {name: str(value) for name, value in extra.items()}
    if driver == "sqlite":
        file = connection.host or connection.schema  # a URL has its path as the schema
        if not file:
            raise ArgumentError(f"the connection {connection.conn_id!r} names no file. Next: put its path into host")
        url = URL.create(driver, database=file, query=query)
    else:
        url = URL.create(
            driver, connection.login, connection.password, connection.host, connection.port, connection.schema or None,
            query,
        )  # fmt: skip
    return url.render_as_string(hide_password=False)


def database_name(connection: Connection) -> Named:
    """A database as OpenLineage names it, without its password."""
    port = f":{connection.port}" if connection.port else ""
    if connection.conn_type == "sqlite":
        return "file", str(connection.host or connection.schema)
    return f"{connection.conn_type}://{connection.host}{port}", str(connection.schema or connection.host)
