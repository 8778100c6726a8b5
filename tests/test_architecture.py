"""The floors of the house, read from the imports: nothing reaches upward, nothing runs in a circle."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# A room (folder) or a file of its own, and the floor it stands on. A file imports from lower floors, or from its own room.
FLOORS = {
    "sparselab": 0,
    "sparselab.errors": 0,
    "sparselab.atomic_files": 0,
    "sparselab.mask": 0,
    "sparselab.device": 0,
    "sparselab.torch_private": 0,
    "sparselab.wire": 0,
    "sparselab.monitor": 0,
    "sparselab.settings": 0,
    "sparselab.folders": 0,
    "sparselab.data_files": 0,
    "sparselab.csv_text": 0,
    "sparselab.isolate": 0,
    "sparselab.contender": 1,
    "sparselab.similarity": 1,
    "sparselab.hypergraph": 1,
    "sparselab.permutation": 0,
    "sparselab.layout": 1,
    "sparselab.im2col": 1,
    "sparselab.pyramid": 1,
    "sparselab.scores": 1,
    "sparselab.published": 1,
    "sparselab.transform": 2,
    "sparselab.grouping": 2,
    "sparselab.refine": 2,
    "sparselab.picture": 2,
    "sparselab.dynamic": 2,
    "sparselab.kernel_eye": 2,
    "sparselab.transforms": 3,
    "sparselab.metrics": 3,
    "sparselab.features": 3,
    "sparselab.invariants": 3,
    "sparselab.ticket": 3,
    "sparselab.kernels": 3,
    "sparselab.nn": 4,
    "sparselab.latency": 5,
    "sparselab.training": 5,
    "sparselab.formats": 4,
    "sparselab.explore": 5,
    "sparselab.compare": 5,
    "sparselab.crew": 5,
    "sparselab.model": 6,
    "sparselab.jobs": 5,
    "sparselab.cli": 7,
    "sparselab.ui": 7,
    "sparselab.__main__": 8,
    "app": 8,
    "pages": 8,
}
ROOMS = {
    "sparselab.isolate",
    "sparselab.grouping",
    "sparselab.refine",
    "sparselab.transforms",
    "sparselab.kernels",
    "sparselab.formats",
    "sparselab.nn",
    "sparselab.latency",
    "sparselab.training",
    "sparselab.cli",
    "sparselab.ui",
    "pages",
}
# On the ground floor a file imports only those before it.
GROUND = [
    "errors",
    "atomic_files",
    "mask",
    "permutation",
    "device",
    "torch_private",
    "wire",
    "monitor",
    "settings",
    "data_files",
    "folders",
    "csv_text",
    "isolate",
]
ONLY = {"streamlit": ("sparselab.ui", "app", "pages"), "plotly": ("sparselab.ui",), "triton": ("sparselab.kernels",)}


def files() -> list[Path]:
    return [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py")), *sorted((ROOT / "sparselab").rglob("*.py"))]


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def place_of(module: str) -> str:
    """The room or file in FLOORS that a module belongs to."""
    room = next((room for room in ROOMS if module == room or module.startswith(room + ".")), None)
    return room or module


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            names.update({node.module} | {name for name in whole if name in FLOORS})
    return names


@pytest.mark.parametrize("path", files(), ids=module_of)
def test_every_file_has_a_floor_and_imports_only_downward(path: Path) -> None:
    here = place_of(module_of(path))
    assert here in FLOORS, f"{here} has no floor: give it one here and in docs/architecture.md"
    for name in imports_of(path):
        if name.split(".")[0] not in ("sparselab", "pages", "app"):
            continue
        there = place_of(name)
        if there in (here, "sparselab"):
            continue
        lower = FLOORS[there] < FLOORS[here]
        if FLOORS[here] == FLOORS[there] == 0:
            lower = GROUND.index(there.split(".")[1]) < GROUND.index(here.split(".")[1])
        assert lower, f"{here} (floor {FLOORS[here]}) imports {there} (floor {FLOORS[there]})"


@pytest.mark.parametrize("path", files(), ids=module_of)
def test_guests_stay_in_their_rooms(path: Path) -> None:
    here = place_of(module_of(path))
    for name in imports_of(path):
        allowed = ONLY.get(name.split(".")[0])
        assert allowed is None or here in allowed, f"{here} imports {name}"


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


OWN_NAMES = set[str]().union(*(own_names(ast.parse(path.read_text(encoding="utf-8"))) for path in files()))


@pytest.mark.parametrize("path", [path for path in files() if path.stem != "torch_private"], ids=module_of)
def test_private_names_of_torch_are_read_in_one_file_alone(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    below = {name for name in torch_names(tree) if re.search(r"\._(?!_)", name) or name.startswith("torch.ops")}
    assert not below, f"{sorted(below)}: give it a function in sparselab/torch_private.py"
    foreign = private_names(tree) - OWN_NAMES
    assert not foreign, f"{sorted(foreign)}: private names of somebody else's"


def test_no_circles() -> None:
    modules = {module_of(path): path for path in files()}
    arrows = {name: {t for t in imports_of(path) if t in modules and t != name} for name, path in modules.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name not in done:
            for target in arrows[name]:
                visit(target, (*trail, name))
            done.add(name)

    for name in arrows:
        visit(name, ())


def test_importing_the_engine_is_cheap_and_needs_no_guests() -> None:
    code = (
        "import sys, sparselab.transforms, sparselab.formats, sparselab.metrics, sparselab.cli\n"
        "heavy = {'torch', 'sklearn', 'streamlit', 'plotly', 'pymetis', 'mtkahypar', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
