"""The files of the mask view as text: its scripts as one, its markup, its styles, and the page that stands alone."""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import dirname, join, normpath

_HERE = Path(__file__).resolve().parent
_IMPORT = re.compile(r'^import [^;]*? from "(\.{1,2}/[\w/]+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default )", re.MULTILINE)


def bundle(entry: str = "mask_view") -> str:
    """Return the view's ES modules as the one script that Streamlit takes: each after those it imports, in one scope.

    Imports and exports are written on lines of their own; no two modules may declare the same name.
    """
    texts: dict[str, str] = {}

    def add(name: str) -> None:
        if name not in texts:
            text = read(f"mask_view/{name}.js")
            for needed in _IMPORT.findall(text):
                add(normpath(join(dirname(name), needed)))
            texts[name] = _EXPORT.sub("", _IMPORT.sub("", text))

    add(entry)
    return "\n".join(texts.values())


def markup(height: int) -> str:
    """Return the view's HTML with pictures of `height` CSS pixels."""
    return read("mask_view/mask_view.html").replace("{{height}}", str(int(height)))


def styles() -> str:
    """Return the view's CSS. Its colours and its font are the variables --st-*, which the host sets."""
    return read("mask_view/mask_view.css")


def read(name: str) -> str:
    """Return the text of a file of this folder."""
    return (_HERE / name).read_text(encoding="utf-8")
