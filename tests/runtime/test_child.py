"""Processes of our own import our package, and nothing of the folder in which they happen to start."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sparselab.core.data_files import PACKAGE_ROOT
from sparselab.runtime.child import python_command, python_environment
from sparselab.runtime.worker import Worker
from tests.runtime import tasks


@pytest.fixture
def strange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with a module in it that must not be imported."""
    (tmp_path / "numpy.py").write_text("raise RuntimeError('a module of the current folder was imported')")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_child_imports_this_package_and_no_module_of_the_current_folder(strange: Path) -> None:
    code = "import sparselab, numpy; print(sparselab.__path__[0])"
    done = subprocess.run(python_command("-c", code), env=python_environment(), capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == (str(PACKAGE_ROOT / "sparselab"), "")


def test_a_worker_starts_among_a_strangers_files(strange: Path) -> None:
    worker = Worker(imports=("numpy",))
    try:
        assert worker.submit(tasks.double, 21).result() == 42
    finally:
        worker.close()


def test_the_path_does_not_grow_from_child_to_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/somewhere", "", "/else"]))
    first = python_environment()["PYTHONPATH"]
    assert first.split(os.pathsep) == [str(PACKAGE_ROOT), "/somewhere", "/else"]
    monkeypatch.setenv("PYTHONPATH", first)
    assert python_environment()["PYTHONPATH"] == first
