"""The wheel holds what git tracks of the package and of the app's files, and asks for what the code imports."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

import sparselab
from tests.packaging.conftest import ROOT, tracked

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRA = {name_of for names in PROJECT["optional-dependencies"].values() for name_of in names}
INSTALLED_AS = {"sklearn": "scikit-learn", "PIL": "pillow", "triton": "torch"}  # a CUDA build of torch brings triton


def library(requirement: str) -> str:
    """The name of what a requirement asks for, as package registries compare names."""
    name = re.match(r"[\w.-]+", requirement)
    assert name
    return name[0].lower().replace("_", "-")


@pytest.fixture(scope="module")
def members(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_it_holds_every_tracked_file_of_the_package_and_the_app_and_no_other(members: set[str]) -> None:
    package = set(tracked("sparselab"))
    app = {f"sparselab/webapp/{path}" for path in tracked("app.py", "pages", "sample_masks", ".streamlit")}
    assert package
    assert app
    assert {path for path in members if ".dist-info/" not in path} == package | app


def test_it_says_that_its_types_are_written(members: set[str]) -> None:
    assert "sparselab/py.typed" in members


def test_its_version_is_the_one_in_the_code(wheel: Path, members: set[str]) -> None:
    (metadata,) = (path for path in members if path.endswith(".dist-info/METADATA"))
    with zipfile.ZipFile(wheel) as archive:
        assert message_from_bytes(archive.read(metadata))["Version"] == sparselab.__version__
    assert "version" in PROJECT["dynamic"]


def imported(folder: str) -> set[str]:
    """The libraries that the files of `folder` import, by the names under which they are installed."""
    modules = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module.split(".")[0])
    return {INSTALLED_AS.get(name, library(name)) for name in modules - {"sparselab", *sys.stdlib_module_names}}


def test_every_library_that_is_imported_is_asked_for_and_no_other() -> None:
    assert imported("sparselab") == {library(name) for name in (*PROJECT["dependencies"], *EXTRA)}


def test_the_gate_installs_what_the_wheel_asks_for() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = {library(line) for line in lines if line and not line.startswith("#")}
    assert pinned == {library(name) for name in (*PROJECT["dependencies"], *EXTRA)}
