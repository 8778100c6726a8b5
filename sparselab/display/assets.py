"""The files of the mask view and of the reordering as text: scripts as one, markup, styles, and the page that stands alone."""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import dirname, join, normpath

_HERE = Path(__file__).resolve().parent
_IMPORT = re.compile(r'^import [^;]*? from "(\.{1,2}/[\w/]+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default )", re.MULTILINE)
_DEFAULT = re.compile(r"^export default ", re.MULTILINE)

VIEW = "mask_view/mask_view"
WALL = "wall/wall"
PANES = "panes/panes"
MOTION = "motion/motion"
TOY = "toy/toy"
FILM = "film/film"


def bundle(*entries: str) -> str:
    """Return ES modules as the one script that Streamlit takes: each after those it imports, in one scope.

    Args:
        entries: modules by their paths below this folder, without ".js"; the default export of the last one is the script's.
    Imports and exports are written on lines of their own; no two modules may declare the same name.
    """
    texts: dict[str, str] = {}

    def add(name: str) -> None:
        if name not in texts:
            text = read(f"{name}.js")
            for needed in _IMPORT.findall(text):
                add(normpath(join(dirname(name), needed)))
            text = _EXPORT.sub("", _IMPORT.sub("", text))
            texts[name] = text if name == entries[-1] else _DEFAULT.sub("", text)

    for entry in entries:
        add(entry)
    return "\n".join(texts.values())


def markup(entry: str, height: int) -> str:
    """Return the HTML that belongs to an entry, with pictures of `height` CSS pixels."""
    return read(f"{entry}.html").replace("{{height}}", str(int(height)))


def styles(*entries: str) -> str:
    """Return the CSS of entries, after what all share. Its colours and its font are the variables --st-*, which the host sets."""
    return "\n".join([read("controls.css"), *(read(f"{entry}.css") for entry in entries)])


def read(name: str) -> str:
    """Return the text of a file of this folder."""
    return (_HERE / name).read_text(encoding="utf-8")
