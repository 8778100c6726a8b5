"""The public names: what stands in the table is what type checkers and editors see, and naming the package costs nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sparselab
from sparselab.transforms import TRANSFORMS
from tests.conftest import ROOT

LAZY = sorted(set(sparselab.__all__) - {"__version__"})
HEAVY = {"torch", "streamlit", "scipy", "sklearn", "plotly", "pymetis", "mtkahypar", "click", "safetensors"}


def in_a_new_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def declared() -> dict[str, str]:
    """The names under TYPE_CHECKING, with where they are imported from."""
    tree = ast.parse(Path(sparselab.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_the_table_the_type_checkers_and_all_say_the_same() -> None:
    assert {name: f"sparselab.{home}" for name, home in sparselab._HOMES.items()} == declared()
    assert sorted(declared()) == LAZY


def test_every_transform_has_a_public_name() -> None:
    for kind in TRANSFORMS.values():
        assert getattr(sparselab, kind.__name__) is kind


@pytest.mark.parametrize("name", LAZY)
def test_a_name_is_found_alone_and_is_listed(name: str) -> None:
    assert in_a_new_process(f"import sparselab; print({name!r} in dir(sparselab), callable(sparselab.{name}))") == (
        "True True\n"
    )


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'regruop'"):
        sparselab.regruop  # noqa: B018


def test_importing_the_package_loads_none_of_its_guests() -> None:
    loaded = in_a_new_process("import sys, sparselab; print(*{name.split('.')[0] for name in sys.modules})").split()
    assert "sparselab" in loaded
    assert not HEAVY & set(loaded)
    assert "numpy" not in loaded


def test_a_transform_can_be_named_without_what_it_computes_with() -> None:
    kinds = "; ".join(f"sparselab.{kind.__name__}" for kind in TRANSFORMS.values())
    loaded = in_a_new_process(f"import sys, sparselab; {kinds}; print(*sys.modules)").split()
    assert not HEAVY & set(loaded)
