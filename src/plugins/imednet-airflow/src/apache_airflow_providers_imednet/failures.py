"""Errors of the SDK as Airflow knows them: those that a retry cannot mend end a task at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from imednet.errors import (
    ArgumentError,
    AuthenticationError,
    AuthorizationError,
    ConfigurationError,
    ExportConfigurationError,
    ImednetError,
    NotFoundError,
)

_FINAL = (
    ArgumentError, AuthenticationError, AuthorizationError, ConfigurationError, ExportConfigurationError, NotFoundError,
)  # fmt: skip


@contextmanager
def final_failures() -> Iterator[None]:
    """Raise AirflowFailException, which is not retried, for wrong keys, studies, settings and arguments.

    Other errors of the SDK go through: they name what to do next, and a retry goes on where the task stopped.
    """
    try:
        yield
    except _FINAL as error:
        raise AirflowFailException(told(error)) from None
    except AirflowNotFoundException as error:  # of a connection
        raise AirflowFailException(str(error)) from None


def is_final(error: ImednetError) -> bool:
    """Whether a retry cannot mend an error."""
    return isinstance(error, _FINAL)


def told(error: ImednetError) -> str:
    """The text of an error with its kind; it holds neither keys nor answers."""
    return f"{type(error).__name__}: {error}"
