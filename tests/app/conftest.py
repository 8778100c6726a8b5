"""The app, started once for all browser tests of its pages."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browsing import PATIENCE_MS, free_port, served

__all__ = ["PATIENCE_MS"]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the app, as `make app` serves it."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "sparselab.app.server",
        "run",
        "app.py",
        "--server.headless=true",
        f"--server.port={port}",
    ]
    # What is measured in a test belongs to nobody's results.
    own = {**os.environ, "SPARSELAB_DATA": str(tmp_path_factory.mktemp("data"))}
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with served(command, port, cwd=ROOT, environment=own, log=log):
        yield f"http://localhost:{port}"
