"""Our docstrings as Markdown: they are plain text, with `Returns:`, `Raises:`, `Source:` and `Example: >>>` on the line itself."""

from __future__ import annotations

import ast
import re
from typing import Any

import griffe

_LABEL = re.compile(r"(?:^|(?<=[.;)] ))(Args|Returns|Yields|Raises|Source|Example): ", re.MULTILINE)
_CODE = re.compile(r"(`[^`]*`)")
_MARKUP = re.compile(r"[\\*_\[\]]")


class Docstrings(griffe.Extension):
    """Rewrites every docstring before mkdocstrings renders it; a field's `Doc` becomes its docstring, and leaves its type alone."""

    def on_attribute(self, *, attr: griffe.Attribute, **_: Any) -> None:
        kind, text = plain(attr.annotation)
        attr.annotation = kind
        if attr.docstring is None and text:
            attr.docstring = griffe.Docstring(as_markdown(text), parent=attr)

    def on_function(self, *, func: griffe.Function, **_: Any) -> None:
        for parameter in func.parameters:
            parameter.annotation, _text = plain(parameter.annotation)

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)


def plain(annotation: Any) -> tuple[Any, str]:
    """Return a type without the marks of `Annotated`, and the text of the `Doc("...")` among them."""
    match annotation:
        case griffe.ExprSubscript(canonical_name="Annotated", slice=griffe.ExprTuple(elements=[kind, *marks])):
            return kind, "".join(map(_documented, marks))
    return annotation, ""


def _documented(mark: Any) -> str:
    match mark:
        case griffe.ExprCall(canonical_path=path, arguments=[str(text)]) if path.endswith("Doc"):
            return str(ast.literal_eval(text))
    return ""


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
        pieces[place] = re.sub(
            r"^(\s*)\\([*]) ", r"\1\2 ", _MARKUP.sub(r"\\\g<0>", pieces[place].replace("<", "&lt;")), flags=re.MULTILINE
        )
    return "".join(pieces)
