"""Private names of other libraries, torch's above all, are read in one file, where a new version is met."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.test_architecture import files, module_of


def private_names(tree: ast.AST) -> set[str]:
    """Private attributes that are read, less those of `self`, `cls` and the standard library's `os._exit`."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
        and ast.unparse(node) != "os._exit"
    }


def own_names(tree: ast.AST) -> set[str]:
    """Names of methods and of attributes that a file's classes set."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    methods = {part.name for node in classes for part in node.body if isinstance(part, ast.FunctionDef)}
    return methods | {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }


def torch_names(tree: ast.AST) -> set[str]:
    """Dotted names below torch, read or imported."""
    chains = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            chains |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            chains |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {chain for chain in chains if chain.startswith("torch.")}


@cache
def names_of_ours() -> frozenset[str]:
    """Of all files; not when the tests are collected, which every process does."""
    return frozenset().union(*(own_names(ast.parse(path.read_text(encoding="utf-8"))) for path in files()))


@pytest.mark.parametrize("path", [path for path in files() if path.stem != "torch_private"], ids=module_of)
def test_private_names_of_torch_are_read_in_one_file_alone(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    below = {name for name in torch_names(tree) if re.search(r"\._(?!_)", name) or name.startswith("torch.ops")}
    assert not below, f"{sorted(below)}: give it a function in sparselab/core/torch_private.py"
    foreign = private_names(tree) - names_of_ours()
    assert not foreign, f"{sorted(foreign)}: private names of somebody else's"
