"""What the server keeps of visitors who have gone."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.visitor import Visitor
from sparselab.app.server import ForgettingStorage
from tests.browsing import PATIENCE_S, free_port, served, with_own_loop

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = float(PATIENCE_S)


class _Session:
    """As much of a session as a storage looks at."""

    def __init__(self, name: str) -> None:
        self.id = name
        self.is_shut_down = False
        self.session_state = {"_session": object()}

    def shutdown(self) -> None:
        self.is_shut_down = True


def _info(session: _Session) -> Any:
    return SimpleNamespace(session=session)


def test_a_session_is_forgotten_after_its_time_and_not_before() -> None:
    gone, back = _Session("gone"), _Session("back")

    async def live() -> None:
        storage = ForgettingStorage(ttl_seconds=1)
        storage.save(_info(gone))
        storage.save(_info(back))
        assert storage.get("gone") is not None
        storage.delete("back")  # its visitor has come back
        while storage.list():
            await asyncio.sleep(0.05)
        assert storage.get("gone") is None

    with_own_loop(asyncio.run, live())
    assert gone.is_shut_down
    assert not gone.session_state
    assert back.session_state
    assert not back.is_shut_down


def test_strangers_who_come_and_go_do_not_fill_the_memory() -> None:
    sessions = [_Session(str(number)) for number in range(20)]

    async def live() -> list[str]:
        storage = ForgettingStorage(maxsize=5, ttl_seconds=3600)
        for session in sessions:
            storage.save(_info(session))
        return [info.session.id for info in storage.list()]

    assert with_own_loop(asyncio.run, live()) == [session.id for session in sessions[-5:]]
    assert [session.is_shut_down for session in sessions] == [True] * 15 + [False] * 5


@pytest.mark.timeout(300)
def test_nothing_is_left_of_the_last_visitors(tmp_path: Path) -> None:
    """Over the visitors' own protocol: pictures stand, all go, their folders go; at its end the server's folder goes."""
    port = free_port()
    own = {"TMPDIR": tmp_path / "tmp", "SPARSELAB_DATA": tmp_path / "data", "SPARSELAB_CACHE": tmp_path / "cache"}
    own["TMPDIR"].mkdir()
    command = [sys.executable, "-m", "sparselab.app.server", "run", "app.py", "--server.headless=true"]
    command += [f"--server.port={port}", "--server.disconnectedSessionTTL=1"]
    environment = os.environ | {name: str(path) for name, path in own.items()}

    async def come_and_go() -> int:
        link = f"http://localhost:{port}", "sample=planted&refine=false"
        async with Visitor(*link) as one, Visitor(*link) as other:
            await asyncio.gather(one.open(PATIENCE_SECONDS), other.open(PATIENCE_SECONDS))
            assert one.has_picture
            assert other.has_picture
            await one.turn("Rows per group", 64, PATIENCE_SECONDS)
            assert one.has_picture
            return len(folders())

    def folders() -> list[Path]:
        return [path for path in own["TMPDIR"].glob("sparselab-*/*/*") if path.is_dir()]

    with served(command, port, cwd=ROOT, environment=environment, log=tmp_path / "log.txt"):
        assert with_own_loop(asyncio.run, come_and_go()) == 2
        deadline = time.monotonic() + PATIENCE_SECONDS
        while folders() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not folders()
    assert not list(own["TMPDIR"].glob("sparselab-*/*"))
