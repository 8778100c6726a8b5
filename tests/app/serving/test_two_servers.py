"""Two servers of one user: they share what is stored, and the death of one is nothing to the other."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.visitor import Visitor
from tests.app.serving.test_forgetting import PATIENCE_SECONDS, ROOT
from tests.browsing import free_port, served, with_own_loop

LINK = "sample=vgg-digits-imp-90&layer=features.4.weight&refine=false"


@pytest.mark.timeout(300)
def test_two_servers_on_one_data_folder(tmp_path: Path) -> None:
    own = {"TMPDIR": tmp_path / "tmp", "SPARSELAB_DATA": tmp_path / "data", "SPARSELAB_CACHE": tmp_path / "cache"}
    own["TMPDIR"].mkdir()
    environment = os.environ | {name: str(path) for name, path in own.items()}
    command = [sys.executable, "-m", "sparselab.app.server", "run", "app.py", "--server.headless=true"]
    ports = [free_port(), free_port()]

    def folders() -> set[Path]:
        return {path for path in own["TMPDIR"].glob("sparselab-*/*") if path.is_dir()}

    async def look(port: int, *rows: int) -> None:
        async with Visitor(f"http://localhost:{port}", LINK) as visitor:
            await visitor.open(PATIENCE_SECONDS)
            for number in rows:
                await visitor.turn("Rows per group", number, PATIENCE_SECONDS)
            assert visitor.has_picture

    async def both() -> None:
        await asyncio.gather(*(look(port, 8) for port in ports))

    with ExitStack() as stack:
        first, _ = (
            stack.enter_context(
                served(
                    [*command, f"--server.port={port}"],
                    port,
                    cwd=ROOT,
                    environment=environment,
                    log=tmp_path / f"{port}",
                )
            )
            for port in ports
        )
        with_own_loop(asyncio.run, both())
        assert len(folders()) == 2
        first.kill()
        first.wait()
        with_own_loop(asyncio.run, look(ports[1], 8, 9))  # one that is stored, one that is new
        assert len(folders()) == 2, "what the dead one left is for the next that starts"
