"""The packages of sparselab, read from the imports: nothing reaches upward, nothing runs in a circle."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

PACKAGES: dict[str, frozenset[str]] = {
    "data": frozenset(),
    "core": frozenset(),
    "runtime": frozenset({"core"}),
    "analysis": frozenset({"core"}),
    "display": frozenset({"core", "runtime", "analysis"}),
    "pruning": frozenset({"core"}),
    "kernels": frozenset({"core"}),
    "grouping": frozenset({"core", "runtime", "analysis"}),
    "formats": frozenset({"core", "runtime"}),
    "auditing": frozenset({"core", "runtime", "analysis", "formats"}),
    "nn": frozenset({"core", "kernels"}),
    "transforms": frozenset({"core", "runtime", "analysis", "pruning", "grouping"}),
    "benchmarking": frozenset({"core", "runtime", "analysis", "transforms", "kernels", "formats", "nn"}),
    "diagnosis": frozenset({"core", "runtime", "analysis", "transforms", "kernels", "formats", "nn", "benchmarking"}),
    "training": frozenset({"core", "runtime", "pruning", "grouping", "transforms", "formats"}),
    "workflows": frozenset(
        {
            *("core", "runtime", "analysis", "grouping", "transforms", "kernels", "formats"),
            *("benchmarking", "training"),
        }
    ),
    "tuning": frozenset({"core", "runtime", "transforms", "kernels", "formats", "nn", "benchmarking", "training"}),
    "lessons": frozenset(
        {
            *("core", "runtime", "analysis", "grouping", "transforms", "kernels", "formats", "workflows"),
            *("benchmarking", "training"),
        }
    ),
    "cli": frozenset(
        {
            *("core", "runtime", "analysis", "auditing", "transforms", "kernels", "nn", "formats"),
            *("benchmarking", "training", "workflows", "lessons", "tuning", "diagnosis"),
        }
    ),
    "app": frozenset(
        {
            *("core", "runtime", "analysis", "display", "grouping", "transforms", "kernels", "formats"),
            *("auditing", "benchmarking", "training", "workflows", "lessons", "diagnosis"),
        }
    ),
}
"""Every package below sparselab, lowest first, and the packages it may import from."""

ORDER: dict[str, tuple[frozenset[str], ...]] = {
    "grouping": (frozenset({"*"}), frozenset({"refine"})),
    "transforms": (
        frozenset({"contender", "base", "cells", "check", "refining"}),
        frozenset({"*"}),  # a file or folder per transform
        frozenset({"__init__"}),
    ),
    "kernels": (
        frozenset({"steps"}),
        frozenset({"base"}),
        frozenset({"support"}),
        frozenset({"torch_ops", "native", "triton_blocks"}),
        frozenset({"__init__"}),
    ),
    "formats": (
        frozenset({"options", "names", "base", "containers", "merging"}),
        frozenset({"parsing"}),
        frozenset({"readers", "combiners"}),
        frozenset({"kinds"}),
        frozenset({"*"}),
        frozenset({"writing"}),
    ),
    "diagnosis": (
        frozenset({"evidence", "inputs", "checkpoint"}),
        frozenset({"gathering", "causes"}),
        frozenset({"report", "stated"}),
        frozenset({"*"}),
    ),
    "training": (
        frozenset(
            {"tasks", "models", "own_code", "seeds", "setting_text", "branches", "methods", "before", "paper_results"}
        ),
        frozenset({"settings"}),
        frozenset({"*"}),
        frozenset({"updaters"}),
        frozenset({"engine"}),
        frozenset({"runs"}),
    ),
    "lessons": (
        frozenset({"reading", "words", "phrases", "svg"}),
        frozenset({"views"}),
        frozenset({"*"}),
    ),
    "app": (
        frozenset({"looks"}),
        frozenset({"mask_view", "motion_view", "film_view", "panes_view", "toy_view", "wall_view", "charts"}),
        frozenset({"shell"}),
        frozenset({"inputs"}),
        frozenset({"jobs"}),
        frozenset({"*"}),  # a folder or file per page
    ),
}
"""Within a package, lowest first: its folders and loose files ("*": those not named). A level imports from itself and from lower ones; a
folder imports from no other folder of its own level."""

ONLY = {"streamlit": "app", "plotly": "app", "click": "cli", "triton": "kernels"}
"""Libraries that one package alone may use."""


def files() -> list[Path]:
    return sorted((ROOT / "sparselab").rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in files()}


def package_of(path: Path) -> str:
    """The package a file lies in; "" for the public face: the files at the top."""
    parts = path.relative_to(ROOT / "sparselab").parts
    return parts[0] if len(parts) > 1 else ""


def part_of(path: Path) -> str:
    """The folder or loose file of its package that a file belongs to."""
    return path.relative_to(ROOT / "sparselab").with_suffix("").parts[1]


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, wherever the statement stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module
            whole = (f"{node.module}.{alias.name}" for alias in node.names)
            names.update(name if name in MODULES else node.module for name in whole)
    return names


def test_every_package_has_its_place() -> None:
    packages = {package_of(path) for path in files()} - {""}
    assert packages <= PACKAGES.keys(), "give a new package its place in PACKAGES and in docs/architecture.md"
    loose = [path for path in (ROOT / "sparselab").iterdir() if path.is_file()]
    assert len(PACKAGES) <= 20
    assert len(loose) <= 8


@pytest.mark.parametrize("name", MODULES)
def test_imports_run_downward(name: str) -> None:
    here = package_of(MODULES[name])
    for target in imports_of(MODULES[name]):
        guest = target.split(".")[0]
        if guest in ONLY:
            assert here == ONLY[guest], f"{name} imports {target}"
        if target not in MODULES:
            continue
        there = package_of(MODULES[target])
        if here == "":
            continue  # the public face stands on everything
        assert there != "", f"{name} imports the package's own face, which imports everything"
        if here == there:
            assert_lower_place(MODULES[name], MODULES[target])
        else:
            assert there in PACKAGES[here], f"{name} ({here}) imports {target} ({there})"


def assert_lower_place(path: Path, target: Path) -> None:
    package = package_of(path)
    if package not in ORDER:
        return
    here, there = place_of(package, part_of(path)), place_of(package, part_of(target))
    assert there <= here, f"{module_of(path)} (place {here} of {package}) imports {module_of(target)} (place {there})"
    if there == here and part_of(path) != part_of(target):
        folders = [file for file in (path, target) if file.parent.name != package]
        assert not folders, f"{module_of(path)} imports {module_of(target)}, its neighbour in {package}"


def place_of(package: str, part: str) -> int:
    places = ORDER[package]
    named = [index for index, parts in enumerate(places) if part in parts]
    rest = [index for index, parts in enumerate(places) if "*" in parts]
    if part == "__init__" and not named:
        return len(places)
    assert named or rest, f"{package}: {part} has no place"
    return (named or rest)[0]


def test_the_plan_of_the_rooms_has_no_circle() -> None:
    done: set[str] = set()
    for package, below in PACKAGES.items():
        assert below <= done, f"{package} stands above {sorted(below - done)}, which come later"
        done.add(package)


def test_no_circles_between_files() -> None:
    arrows = {name: {t for t in imports_of(path) if t in MODULES and t != name} for name, path in MODULES.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name not in done:
            for target in arrows[name]:
                visit(target, (*trail, name))
            done.add(name)

    for name in arrows:
        visit(name, ())


def test_no_class_name_means_two_things() -> None:
    owners = defaultdict(list)
    for name, path in MODULES.items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                owners[node.name].append(name)
    assert not {cls: modules for cls, modules in owners.items() if len(modules) > 1}


def test_folders_and_files_stay_small() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "sparselab", "tests"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    code = [path for path in tracked if "/fixtures/" not in path and not path.startswith("sparselab/data/")]
    folders = Counter(str(Path(path).parent) for path in code)
    assert not {folder: count for folder, count in folders.items() if count > 20}
    lines = {
        path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in code if (ROOT / path).is_file()
    }
    for path, count in lines.items():
        if path.endswith(".py"):
            assert count <= (400 if path.startswith("tests/") else 270), f"{path}: {count} lines; split it"
    own = sorted(count for path, count in lines.items() if path.startswith("sparselab/") and path.endswith(".py"))
    assert own[len(own) // 2] <= 90


@pytest.mark.parametrize("path", [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))], ids=lambda path: path.name)
def test_the_doors_only_call_the_package(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.If | ast.For)]
    assert {name.split(".")[0] for name in imports_of(path)} == {"sparselab"}
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 8


def test_importing_the_engine_is_cheap_and_needs_no_guests() -> None:
    code = (
        "import sys, sparselab.transforms, sparselab.formats, sparselab.analysis.metrics, sparselab.display, sparselab.cli\n"
        "heavy = {'torch', 'sklearn', 'streamlit', 'plotly', 'pymetis', 'mtkahypar', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
