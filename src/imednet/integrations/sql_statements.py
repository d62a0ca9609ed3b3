"""SQL statements with names of any kind in them, which SQLAlchemy's own text would take for parameters and formats."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True)
class Name:
    """A name in a statement, to be quoted as the database wants it; with its schema, if it has one."""

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
                texts.append(".".join(quote(one) for one in (part.schema, part.text) if one is not None))
        return "".join(texts)

    return Statement


def statement(*parts: str | Name) -> Any:
    """A statement of SQLAlchemy, made of text and names."""
    return _statement()(parts)
