"""The C kernel is compiled once a processor; where it cannot be, its obstacle says why."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sparselab.benchmarking.break_even import random_groups
from sparselab.core.errors import UnavailableError
from sparselab.kernels import KERNELS
from sparselab.kernels.base import Work
from sparselab.kernels.native import compiler


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """An empty cache folder, and nothing loaded yet."""
    monkeypatch.setenv("SPARSELAB_CACHE", str(tmp_path / "cache"))
    compiler.library.cache_clear()
    yield
    compiler.library.cache_clear()


@pytest.fixture(scope="module")
def compiled() -> Path:
    """The compiled file in the cache of all runs."""
    return compiler._built()


@pytest.fixture
def kept(compiled: Path, tmp_path: Path) -> Path:
    """The same in the test's own cache, where compiling is not what is tested."""
    folder = tmp_path / "cache" / "compiled"
    folder.mkdir(mode=0o700, parents=True)
    return shutil.copy(compiled, folder / compiled.name)


def work() -> Work:
    return Work(random_groups(16, 32, 8, 0.5), np.ones((16, 32), np.float32), (32, 4))


def test_compiled_once_and_found_again(tmp_path: Path) -> None:
    compiler.library()
    folder = tmp_path / "cache" / "compiled"
    (path,) = folder.iterdir()
    before = path.stat().st_mtime_ns
    compiler.library.cache_clear()
    compiler.library()
    assert [entry.name for entry in folder.iterdir()] == [path.name]
    assert path.stat().st_mtime_ns == before


def test_a_file_cut_short_is_made_anew(kept: Path) -> None:
    """A disk that fills up or a machine that stops may leave one; loading it would end the process, not raise."""
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])
    assert not compiler.compiler_unsupported_reason()
    assert any(len(entry.read_bytes()) == len(whole) for entry in kept.parent.iterdir())


def test_a_compiler_that_does_not_run_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "cc"
    fake.write_bytes(b"\x7fELF no program")
    fake.chmod(0o755)
    monkeypatch.setenv("CC", str(fake))
    assert "to run; " in KERNELS["native-blocks"].unsupported_reason(work())


def test_two_processes_compile_at_once(tmp_path: Path) -> None:
    code = "from sparselab.kernels.native import compiler; compiler.library()"
    both = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    assert all(entry.suffix == ".so" for entry in (tmp_path / "cache" / "compiled").iterdir())


def test_without_a_compiler_the_obstacle_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "compiler", lambda: None)
    assert "C compiler" in KERNELS["native-blocks"].unsupported_reason(work())


def test_a_compiler_that_fails_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "cc"
    fake.write_text('#!/bin/sh\n[ "$1" = --version ] && exit 0\necho "error: no OpenMP here" >&2\nexit 1\n')
    fake.chmod(0o755)
    monkeypatch.setenv("CC", str(fake))
    assert "no OpenMP here" in KERNELS["native-blocks"].unsupported_reason(work())
    assert not list((tmp_path / "cache" / "compiled").iterdir()), "nothing half made is left"


def test_a_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPARSELAB_CACHE", str(tmp_path / "file"))
    with pytest.raises(UnavailableError, match="cache folder"):
        compiler.library()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="reads what Linux says of a process")
@pytest.mark.usefixtures("kept")
def test_threads_are_those_of_torch() -> None:
    """Two pools of threads would fight for the cores: the compiled code brings no OpenMP of its own."""
    code = (
        "import torch, numpy as np\n"
        "from sparselab.kernels.native import compiler\n"
        "compiler.library()\n"
        "maps = {line.split()[-1] for line in open('/proc/self/maps') if 'omp' in line.rsplit('/', 1)[-1].lower()}\n"
        "assert len(maps) == 1, maps\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners of folders here")
def test_a_cache_that_others_may_write_is_not_loaded(kept: Path) -> None:
    """A file planted there under the right name would run as this user."""
    compiler.library()
    kept.parent.chmod(0o777)
    compiler.library.cache_clear()
    assert "this user alone" in compiler.compiler_unsupported_reason()


def test_every_file_is_part_of_the_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A header that changed alone must not leave the code of before in use, were the compiled code the same."""

    def same(program: str, flags: list[str], folder: Path) -> Path:
        (folder / "same.so").write_bytes(b"the same code")
        return folder / "same.so"

    monkeypatch.setattr(compiler, "_compile", same)
    sources = tmp_path / "sources"
    shutil.copytree(compiler._FOLDER, sources)
    monkeypatch.setattr(compiler, "_FOLDER", sources)
    for name in ("blocks.c", "sparse.c", "positions.h"):
        before = compiler._built()
        with (sources / name).open("a") as file:
            file.write("/* changed */\n")
        assert compiler._built() != before, name
