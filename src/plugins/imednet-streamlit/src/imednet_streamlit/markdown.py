r"""Texts of a study in places where Streamlit reads Markdown.

>>> plain("![x](http://h.org/p) :red[no]")
'\\!\\[x\\]\\(http\u2060\\://h\\.org/p\\) \\:red\\[no\\]'
"""

from __future__ import annotations

import re
from typing import Final

from imednet.utils.text import whole

_SIGNS: Final = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$:<>&@^])")
_ADDRESSES: Final = re.compile(r"(://|(?<=www)\.|@)", re.IGNORECASE)
_WORD_JOINER: Final = "\u2060"
"""Takes no room and ends what a reader of Markdown takes for an address, which no escape does."""


def plain(text: object) -> str:
    """A text that Markdown shows as it is: no link, picture, address, colour, formula or tag comes alive."""
    line = whole(" ".join(str(text).split()))
    return _SIGNS.sub(r"\\\1", _ADDRESSES.sub(rf"{_WORD_JOINER}\1", line))
