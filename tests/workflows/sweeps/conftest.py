"""The main module as workers of Dask find it."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest


@pytest.fixture(autouse=True)
def _plain_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask's workers run the main module's file again, which is a page's script once AppTest has run one in this process."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
