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
    config.nav = mapped(config.nav, lambda entry: navigation() if entry == _PLACE else entry)
    return files


def packages() -> list[str]:
    """Return the dotted names of the package and all packages in it, in the order of the alphabet."""
    found = [path.parent.relative_to(ROOT).parts for path in sorted((ROOT / "sparselab").rglob("__init__.py"))]
    return [".".join(parts) for parts in found if not set(parts[1:2]) & set(_NOT_A_LIBRARY)]


def page_of(package: str) -> str:
    """Return the page of a package.

    Example: >>> page_of("sparselab"), page_of("sparselab.kernels.native")
             ('api/index.md', 'api/kernels/native/index.md')
    """
    return "/".join([_PLACE.rstrip("/"), *package.split(".")[1:], "index.md"])


def page_text(package: str) -> str:
    """Return the page: what the package itself offers, its modules, and the packages in it."""
    lines = [
        f"# {package}",
        "",
        f"::: {package}",
        "    options: {show_root_heading: false, show_root_toc_entry: false}",
        "",
    ]
    for module in modules(package):
        lines += [f"::: {module}", ""]
    inner = [name for name in packages() if name.startswith(f"{package}.")]
    if inner:
        lines += ["## Packages", "", "| package | what lies there |", "|---|---|"]
        depth = len(page_of(package)) - len("index.md")
        lines += [f"| [`{name}`]({page_of(name)[depth:]}) | {first_line(name)} |" for name in inner]
    return "\n".join(lines) + "\n"


def modules(package: str) -> list[str]:
    """Return the public modules that lie in a package itself."""
    folder = ROOT.joinpath(*package.split("."))
    return [f"{package}.{path.stem}" for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")]


def first_line(package: str) -> str:
    """Return the first line of a package's docstring, or nothing."""
    text = ROOT.joinpath(*package.split("."), "__init__.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]


def navigation(package: str = "sparselab") -> list[Any]:
    """Return the page of a package and, below it, those of the packages in it."""
    depth = package.count(".") + 1
    inner = [name for name in packages() if name.startswith(f"{package}.") and name.count(".") == depth]
    return [page_of(package), *({name.rpartition(".")[2]: navigation(name)} for name in inner)]
