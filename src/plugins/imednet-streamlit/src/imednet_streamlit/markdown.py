r"""Texts of a study in places where Streamlit reads Markdown.

>>> plain("![x](http://h.org/p) :red[no]")
'\\!\\[x\\]\\(http\\://h\\.org/p\\) \\:red\\[no\\]'
"""

from __future__ import annotations

import re
from typing import Final

_SIGNS: Final = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$:<>&@^])")


def plain(text: object) -> str:
    """A text that Markdown shows as it is: no link, picture, colour, formula or tag comes alive."""
    return _SIGNS.sub(r"\\\1", " ".join(str(text).split()).encode("utf-8", "replace").decode())
