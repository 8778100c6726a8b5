"""The API reference: a page for the package itself and for each of its packages, made from the folders; nothing is listed by hand."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from docs.hooks.documents import mapped

ROOT = Path(__file__).resolve().parents[2]
_PLACE = "api/"
_NOT_A_LIBRARY = ("app", "cli")
"""Reached by pages and commands, and imported by nobody; docs/command_line.md has the commands."""


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages of the API, and put them where the navigation says `api/`."""
    for package in packages():
        files.append(File.generated(config, page_of(package), content=page_text(package)))
    files.append(File.generated(config, f"{_PLACE}index.md", content=overview()))
    config.nav = mapped(config.nav, lambda entry: navigation() if entry == _PLACE else entry)
    return files


def packages() -> list[str]:
    """Return the dotted names of the package and all packages in it, in the order of the alphabet."""
    found = [path.parent.relative_to(ROOT) for path in sorted((ROOT / "sparselab").rglob("__init__.py"))]
    return [".".join(path.parts) for path in found if path.parts[1:2] not in [(name,) for name in _NOT_A_LIBRARY]]


def page_of(package: str) -> str:
    """Return the page of a package.

    Example: >>> page_of("sparselab.kernels.native")
             'api/sparselab.kernels.native.md'
    """
    return f"{_PLACE}{package}.md"


def page_text(package: str) -> str:
    """Return the page: what the package itself offers, then its modules."""
    lines = [f"# {package}", "", f"::: {package}", "    options: {show_root_heading: false, show_root_toc_entry: false}", ""]
    for module in modules(package):
        lines += [f"::: {module}", ""]
    return "\n".join(lines)


def modules(package: str) -> list[str]:
    """Return the public modules that lie in a package itself."""
    folder = ROOT.joinpath(*package.split("."))
    return [f"{package}.{path.stem}" for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")]


def overview() -> str:
    """Return the page that lists the packages, each with the first sentence of what it says of itself."""
    lines = ["# API reference", "", "Made from the docstrings; [the architecture](../architecture.md) says how the packages"]
    lines += ["stand to each other.", "", "| package | what lies there |", "|---|---|"]
    for package in packages():
        lines.append(f"| [`{package}`]({package}.md) | {first_line(package)} |")
    return "\n".join(lines) + "\n"


def first_line(package: str) -> str:
    """Return the first line of a package's docstring, or nothing."""
    text = ROOT.joinpath(*package.split("."), "__init__.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]


def navigation() -> list[Any]:
    """Return the pages as a navigation: those of the rooms, and those of a room's own packages below it."""
    entries: list[Any] = [f"{_PLACE}index.md"]
    rooms: dict[str, list[str]] = {}
    for package in packages():
        rooms.setdefault(".".join(package.split(".")[:2]), []).append(package)
    for room, found in rooms.items():
        title = room.rpartition(".")[2]
        pages = [{package.removeprefix(f"{room}."): page_of(package)} for package in found]
        entries.append({title: [page_of(room), *pages[1:]] if len(found) > 1 else page_of(room)})
    return entries
