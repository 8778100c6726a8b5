"""What all tests share: where real layers may lie, how Hypothesis behaves, which markers skip."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from sparselab.core.paths import cache_folder

pytest.register_assert_rewrite("tests.browsing")  # what a page complained of is said

from tests.browsing import browser, page  # noqa: E402

__all__ = ["browser", "page"]

ROOT = Path(__file__).resolve().parent.parent
DLMC = ROOT.parent / "shared" / "dlmc"

# Deterministic, so that a red run can be run again; no deadline, because machines differ.
settings.register_profile("sparselab", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sparselab")


def pytest_configure() -> None:
    """Before torch is loaded: OpenMP's threads sleep while they wait, and the processes of pytest-xdist share the cores.

    By default they spin, and take the core from those they wait for. Each process keeps two threads, or what is promised of
    several would be tried with one.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if processes := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
        os.environ.setdefault("OMP_NUM_THREADS", str(max(2, (os.cpu_count() or 1) // int(processes))))


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests measure, train and remember belongs to nobody's results, and is nobody's."""
    compiled = cache_folder("compiled")  # for all runs: it is kept under its own checksum, and takes seconds to make
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SPARSELAB_DATA", "SPARSELAB_CACHE"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        with suppress(OSError):  # where links may not be made
            compiled.mkdir(parents=True, exist_ok=True)
            cache_folder("compiled").symlink_to(compiled, target_is_directory=True)
        yield


@pytest.fixture(scope="session")
def dlmc() -> Path:
    """The folder of real pruned layers (DLMC); tests that need it skip where it is absent."""
    if not DLMC.is_dir():
        pytest.skip("the DLMC layers are not here")
    return DLMC


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "gpu" in item.keywords and not _cuda():
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


def _cuda() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.fixture(scope="session")
def in_ci() -> bool:
    return bool(os.environ.get("CI"))
