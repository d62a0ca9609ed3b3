"""SQL statements that contain arbitrary names.

In `sqlalchemy.text` a colon or percent sign in a name would be taken for a parameter or a format.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True)
class Name:
    """A name in a statement, quoted as the database requires; with its schema, if it has one."""

    text: str
    schema: str | None = None


@lru_cache(maxsize=1)
def _statement() -> Any:
    from sqlalchemy.ext.compiler import compiles
    from sqlalchemy.schema import ExecutableDDLElement

    class Statement(ExecutableDDLElement):
        inherit_cache = False

        def __init__(self, parts: tuple[str | Name, ...]) -> None:
            self.parts = parts

    @compiles(Statement)
    def compiled(element: Statement, compiler: Any, **_: Any) -> str:
        quote = compiler.preparer.quote_identifier
        texts = []
        for part in element.parts:
            if isinstance(part, str):
                texts.append(part)
            else:
                texts.append(".".join(quote(name) for name in (part.schema, part.text) if name is not None))
        return "".join(texts)

    return Statement


def statement(*parts: str | Name) -> Any:
    """An SQLAlchemy statement built from text and names."""
    return _statement()(parts)
