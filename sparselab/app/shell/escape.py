"""Text from strangers, shown as it is: most of Streamlit's elements read Markdown."""

from __future__ import annotations

import re

_SIGNS = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>$:<&])")


def literal(text: str) -> str:
    """Return Markdown that shows `text` letter by letter, on one line.

    Example: >>> literal("**a** :red[b]")
             '\\\\*\\\\*a\\\\*\\\\* \\\\:red\\\\[b\\\\]'
    """
    return _SIGNS.sub(r"\\\1", " ".join(text.split()))
