"""The study of calls that name none, set for each thread or task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token

from ..errors import ConfigurationError

_study: ContextVar[str | None] = ContextVar("imednet_study", default=None)


def set_study_context(study_key: str) -> Token[str | None]:
    """Set the study of this thread or task; the token undoes it with `reset_study_context`."""
    return _study.set(study_key)


def reset_study_context(token: Token[str | None]) -> None:
    """Undo one `set_study_context`."""
    _study.reset(token)


def clear_study_context() -> None:
    """Forget the study of this thread or task."""
    _study.set(None)


def get_study_context() -> str | None:
    """The study of this thread or task, or `None`."""
    return _study.get()


def get_current_study() -> str:
    """The study of this thread or task.

    Raises:
        ConfigurationError: none is set.
    """
    study_key = _study.get()
    if study_key is None:
        raise ConfigurationError("no study: pass study_key='ABC-01', or call inside `with study_context('ABC-01')`")
    return study_key


@contextmanager
def study_context(study_key: str) -> Iterator[None]:
    """Set the study of this thread or task for the length of a block.

    >>> with study_context("ABC-01"):
    ...     get_current_study()
    'ABC-01'
    """
    token = set_study_context(study_key)
    try:
        yield
    finally:
        reset_study_context(token)


class Context:
    """The functions of this module as an object."""

    @property
    def default_study_key(self) -> str | None:
        """The study of this thread or task, or `None`."""
        return get_study_context()

    def set_default_study_key(self, study_key: str) -> None:
        """Set the study of this thread or task."""
        set_study_context(study_key)

    def clear_default_study_key(self) -> None:
        """Forget the study of this thread or task."""
        clear_study_context()
