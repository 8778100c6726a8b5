"""The examples in the docstrings give what they say they give."""

from __future__ import annotations

import ast
import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest

from tests.test_architecture import ROOT, module_of

PROMPT = "Example: >>>"


def documented() -> list[tuple[Path, str, str]]:
    """Every docstring with an example, as (file, name, text)."""
    found = []
    for path in sorted((ROOT / "sparselab").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if ">>>" not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node) or ""
                if ">>>" in text:
                    found.append((path, getattr(node, "name", module_of(path)), text))
    return found


@pytest.mark.parametrize(
    ("path", "name", "text"), [pytest.param(*each, id=f"{module_of(each[0])}.{each[1]}") for each in documented()]
)
def test_example(path: Path, name: str, text: str) -> None:
    try:
        module = importlib.import_module(module_of(path))
    except ModuleNotFoundError as missing:
        if (missing.name or "sparselab").startswith("sparselab"):
            raise
        pytest.skip(f"{missing.name} is not installed")
    lined_up = text.replace(PROMPT, " " * (len(PROMPT) - 3) + ">>>")
    names = {"np": np, **vars(module)}
    examples = doctest.DocTestParser().get_doctest(lined_up, names, name, str(path), 0)
    assert len(examples.examples) == text.count(">>>"), "every prompt is read"
    said: list[str] = []
    doctest.DocTestRunner().run(examples, out=said.append)
    assert not said, "".join(said)
