"""`ImednetHook`: SDKs with the keys and the address of a connection of Airflow."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseHook, Connection
from airflow.sdk.log import mask_secret

from imednet import AsyncImednetSDK, ImednetSDK
from imednet.constants import DEFAULT_BASE_URL
from imednet.errors import ConfigurationError, ImednetError
from imednet.utils.truth import is_true

from .failures import told


class ImednetHook(BaseHook):
    """Makes SDKs. It holds the name of the connection and never a key, so it may be pickled.

    A connection of type `imednet` has the base URL as host (empty: production), the API key as password, and in its
    extra `security_key_secret`, and if wanted `study_key`, `timeout` and `allow_http`. Airflow hides extras by words in
    their names, and `secret` is one of them.

    Args:
        imednet_conn_id: the connection.
    """

    conn_name_attr = "imednet_conn_id"
    default_conn_name = "imednet_default"
    conn_type = "imednet"
    hook_name = "iMednet"

    def __init__(self, imednet_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.imednet_conn_id = imednet_conn_id

    def get_conn(self) -> ImednetSDK:
        """An SDK, to be closed by the caller: `with hook.get_conn() as sdk`.

        Raises:
            ConfigurationError: the connection lacks a key, or cannot be used.
        """
        return ImednetSDK(**self._options(self.get_connection(self.imednet_conn_id)))

    async def get_async_conn(self) -> AsyncImednetSDK:
        """An asynchronous SDK, for triggers: `async with await hook.get_async_conn() as sdk`."""
        return AsyncImednetSDK(**self._options(await self.aget_connection(self.imednet_conn_id)))

    def study_key(self, given: str | None = None) -> str:
        """The study that was given, else that of the connection.

        Raises:
            ConfigurationError: neither names one, or what was given is empty, as of a template without its parameter.
        """
        if given is not None and not given.strip():
            raise ConfigurationError("study_key is empty. Next: look at its template, or leave it out")
        found = given or self.get_connection(self.imednet_conn_id).extra_dejson.get("study_key")
        if not found:
            raise ConfigurationError(f"no study_key: give one, or put it into the connection {self.imednet_conn_id!r}")
        return str(found)

    def test_connection(self) -> tuple[bool, str]:
        """Whether the server takes the keys, and how many studies they may read."""
        try:
            with self.get_conn() as sdk:
                studies = sdk.studies.list(refresh=True)
        except ImednetError as error:
            return False, told(error)
        return True, f"the keys may read {len(studies)} {'study' if len(studies) == 1 else 'studies'}"

    @property
    def description(self) -> str:
        """The connection in words, without its keys."""
        address = self.get_connection(self.imednet_conn_id).host or "production"
        return f"iMednet at {address} (connection {self.imednet_conn_id!r}, keys hidden)"

    def __repr__(self) -> str:
        return f"ImednetHook({self.imednet_conn_id!r})"

    @staticmethod
    def _options(connection: Connection) -> dict[str, Any]:
        """Arguments for an SDK; both keys are masked in whatever this process logs from now on."""
        extra = connection.extra_dejson
        if connection.port or connection.schema:
            raise ConfigurationError(
                f"the connection {connection.conn_id!r} has a port or a schema, which are not used. Next: put the "
                "whole address into its host, such as https://edc.example.org:8443"
            )
        if "security_key" in extra:
            raise ConfigurationError(
                "the extra of the connection names security_key, which Airflow shows in clear. Next: call it "
                "security_key_secret"
            )
        keys = {"api_key": connection.password, "security_key": extra.get("security_key_secret")}
        for name, key in keys.items():
            if not key:
                where = "the password" if name == "api_key" else "security_key_secret in the extra"
                raise ConfigurationError(f"the connection {connection.conn_id!r} has no {name}. Next: set {where}")
            mask_secret(key)
        options: dict[str, Any] = {
            **keys,
            "base_url": connection.host or DEFAULT_BASE_URL,  # whatever the environment of the worker names
            "allow_http": is_true(extra.get("allow_http")),  # a text, where the connection is a URL
        }
        if extra.get("timeout"):
            try:
                options["timeout"] = float(extra["timeout"])
            except (TypeError, ValueError):
                raise ConfigurationError("timeout in the extra of the connection must be a number of seconds") from None
        return options
