"""Our docstrings as Markdown: they are plain text, with `Returns:`, `Raises:`, `Source:` and `Example: >>>` on the line itself."""

from __future__ import annotations

import re
from typing import Any

import griffe

_LABEL = re.compile(r"(?:^|(?<=[.;)] ))(Args|Returns|Yields|Raises|Source|Example): ", re.MULTILINE)
_CODE = re.compile(r"(`[^`]*`)")
_MARKUP = re.compile(r"[\\*_\[\]<]")


class Docstrings(griffe.Extension):
    """Rewrites every docstring before mkdocstrings renders it."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(text: str) -> str:
    """Return a docstring as Markdown: a paragraph a label, examples and indented lines as code, signs of markup escaped.

    Example: >>> as_markdown("Return x * y. Raises: ValueError for 0.")
             'Return x \\\\* y.\\n\\n**Raises** ValueError for 0.'
    """
    parts = _LABEL.split(text)
    paragraphs = [_prose(parts[0])]
    for label, body in zip(parts[1::2], parts[2::2], strict=True):
        paragraphs.append(_example(body) if body.startswith(">>>") else f"**{label}** {_prose(body)}")
    return "\n\n".join(paragraph.strip("\n ") for paragraph in paragraphs)


def _example(body: str) -> str:
    column = len("Example: ")
    lines = [line[column:] if line[:column].isspace() else line for line in body.rstrip().split("\n")]
    return "**Example**\n\n```pycon\n" + "\n".join(lines) + "\n```"


def _prose(text: str) -> str:
    """Return text with its markup escaped; blocks of four spaces and more stay as they are, and so become code."""
    blocks = re.split(r"\n\s*\n", text)
    return "\n\n".join(block if block.startswith("    ") else _escaped(block) for block in blocks)


def _escaped(block: str) -> str:
    pieces = _CODE.split(block)
    for place in range(0, len(pieces), 2):
        pieces[place] = re.sub(r"^(\s*)\\([*]) ", r"\1\2 ", _MARKUP.sub(r"\\\g<0>", pieces[place]), flags=re.MULTILINE)
    return "".join(pieces)
