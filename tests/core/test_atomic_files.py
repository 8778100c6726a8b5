"""Files are whole or absent, and what a killed writer leaves is removed: nobody's file that is being written, nor a stranger's."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sparselab.core.atomic_files import DAY_SECONDS, atomic_path, is_temporary, sweep
from sparselab.core.layer import Layer
from sparselab.core.mask import Mask
from sparselab.core.paths import CACHE_VARIABLE, cache_folder
from sparselab.formats.writing import WRITERS, write_ticket
from sparselab.kernels.native import compiler
from sparselab.kernels.support import tuning_cache

ROOT = Path(__file__).resolve().parents[2]
STRANGERS = ("thesis.part", ".hidden", ".0123456789abcdef.part.txt", ".0123456789abcdef", "0123456789abcdef.part")


def left_by_a_killed_writer(folder: Path, *, age: float = 0.0) -> Path:
    """Kill a process that writes in `folder`; return what it leaves."""
    code = (
        "import sys; from pathlib import Path; from sparselab.core.atomic_files import atomic_path\n"
        "with atomic_path(Path(sys.argv[1])): print('writing', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(folder / "file")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    (left,) = filter(is_temporary, folder.iterdir())
    then = time.time() - age
    os.utime(left, (then, then))
    return left


def test_what_a_killed_writer_leaves_is_swept_and_a_strangers_file_is_not(tmp_path: Path) -> None:
    for name in STRANGERS:
        (tmp_path / name).touch()
    left_by_a_killed_writer(tmp_path)
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(STRANGERS)


def test_in_a_shared_folder_a_file_that_is_being_written_stays(tmp_path: Path) -> None:
    left_by_a_killed_writer(tmp_path, age=2 * DAY_SECONDS)
    with atomic_path(tmp_path / "file") as temporary:
        sweep(tmp_path, older_than=DAY_SECONDS)
        assert list(tmp_path.iterdir()) == [temporary]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_no_folder_is_nothing_to_sweep(tmp_path: Path) -> None:
    sweep(tmp_path / "nowhere")


def keep_a_choice(folder: Path) -> None:
    tuning_cache.keep({"of": "a test"}, {"side": 16})


def compile_kernel(folder: Path) -> None:
    if compiler.compiler() is None:
        pytest.skip("there is no C compiler here")
    compiler._built()


def export(folder: Path) -> None:
    write_ticket([Layer("a", Mask(np.eye(3, dtype=bool)))], None, folder / "ticket.npz", next(iter(WRITERS)))


@pytest.mark.parametrize(("kind", "write"), [("tuning", keep_a_choice), ("compiled", compile_kernel), ("out", export)])
def test_whoever_writes_a_shared_folder_removes_old_leftovers(
    kind: str, write: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    folder = cache_folder(kind)
    folder.mkdir()
    old = left_by_a_killed_writer(folder, age=2 * DAY_SECONDS)
    with atomic_path(folder / "new") as young:
        write(folder)
        assert not old.exists()
        assert young.exists()
        assert [path for path in folder.iterdir() if path.is_dir() or is_temporary(path)] == [young]


def test_nobody_else_makes_temporary_files() -> None:
    """A name that `sweep` does not know would outlive a kill: files are renamed, and named for a while, in one place."""
    other_ways = {"mkstemp", "NamedTemporaryFile", "save_file"}
    found = [
        f"{path.name}: {name}"
        for path in sorted((ROOT / "sparselab").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (name := node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")) in other_ways
        or (isinstance(node, ast.Attribute) and name == "replace" and getattr(node.value, "id", "") == "os")
    ]
    # The upload's folder is the session's, and goes with it; its own temporary folder holds what the worker writes.
    assert found == ["atomic_files.py: replace", "untrusted.py: replace"]
