"""What all tests share: where real layers may lie, how Hypothesis behaves, which markers skip."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.browsing import browser, page

__all__ = ["browser", "page"]

ROOT = Path(__file__).resolve().parent.parent
DLMC = ROOT.parent / "shared" / "dlmc"

# Deterministic, so that a red run can be run again; no deadline, because machines differ.
settings.register_profile("sparselab", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sparselab")


@pytest.fixture(scope="session", autouse=True)
def _own_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests measure and train belongs to nobody's results."""
    before = os.environ.get("SPARSELAB_DATA")
    os.environ["SPARSELAB_DATA"] = str(tmp_path_factory.mktemp("data"))
    yield
    del os.environ["SPARSELAB_DATA"]
    if before is not None:
        os.environ["SPARSELAB_DATA"] = before


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
