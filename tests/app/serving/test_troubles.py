"""What may befall a server: a sentence for the visitor, the server alive, and a second try works."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from sparselab.app.shell.session import broker, server_folder
from sparselab.core.paths import CACHE_VARIABLE, DATA_VARIABLE
from tests.app.few import few_contenders
from tests.browsing import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
QUICK = {"sample": "vgg-digits-imp-90", "layer": "features.4.weight", "refine": "false"}


@pytest.fixture(autouse=True)
def _own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    few_contenders(monkeypatch)


def opened(page: str = "explore", **query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages" / f"{page}.py"), default_timeout=PATIENCE_S)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def answered(at: AppTest) -> bool:
    assert not at.exception
    return not at.error and any(metric.value != "–" for metric in at.metric)


def press(at: AppTest, label: str) -> AppTest:
    return next(button for button in at.button if button.label == label).click().run()


def said(at: AppTest) -> str:
    assert not at.exception
    return "\n".join(item.value for item in (*at.error, *at.info, *at.warning))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_a_worker_that_is_killed_or_stopped(number: signal.Signals) -> None:
    struck = threading.Event()

    def strike() -> None:
        while not struck.is_set():
            for work in broker()._running:
                if work.process_id is not None and '"refine_steps": 400' in work.request.key:
                    os.kill(work.process_id, number)
                    struck.set()
            time.sleep(0.001)

    thread = threading.Thread(target=strike, daemon=True)
    thread.start()
    at = opened(**QUICK | {"seed": str(int(number)), "refine": "true", "refine_steps": "400"})
    struck.set()
    assert "run it again" in said(at) or "ended unexpectedly" in said(at)
    assert answered(press(at, "Try again"))


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """A temporary folder that is full, or not any more: nothing can be written below the server's folder."""
    real = {name: getattr(Path, name) for name in ("mkdir", "write_bytes")}
    state = {"is_full": True}

    def guarded(name: str) -> Callable[..., Any]:
        def call(self: Path, *arguments: Any, **more: Any) -> Any:
            if state["is_full"] and self.is_relative_to(server_folder().path):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))
            return real[name](self, *arguments, **more)

        return call

    server_folder()
    for name in real:
        monkeypatch.setattr(Path, name, guarded(name))
    return lambda is_full: state.update(is_full=is_full)


@pytest.mark.parametrize("page", PAGES)
def test_a_full_temporary_folder_when_a_visitor_comes(page: str, full: Callable[[bool], None]) -> None:
    at = opened(page, **QUICK)
    assert "No space left" in said(at)
    full(False)
    assert "No space left" not in said(press(at, "Try again"))


def test_a_full_temporary_folder_when_a_file_comes(full: Callable[[bool], None]) -> None:
    full(False)
    content = io.BytesIO()
    np.savez(content, a=np.eye(8, dtype=np.float32))
    at = opened(source="Upload")
    full(True)
    at.file_uploader[0].set_value(("a.npz", content.getvalue(), "application/octet-stream")).run()
    assert "No space left" in said(at)
    full(False)
    at.file_uploader[0].set_value(("a.npz", content.getvalue(), "application/octet-stream")).run()
    assert answered(at)


def test_a_temporary_folder_that_is_cleared_asks_for_the_file_again() -> None:
    content = io.BytesIO()
    np.savez(content, a=np.eye(8, dtype=np.float32))
    at = opened(source="Upload")
    at.file_uploader[0].set_value(("a.npz", content.getvalue(), "application/octet-stream")).run()
    assert answered(at)
    shutil.rmtree(server_folder().path)
    at.run()
    assert "choose the file" in said(at)
    at.file_uploader[0].set_value(("a.npz", content.getvalue(), "application/octet-stream")).run()
    assert answered(at)
    assert not opened(**QUICK).exception, "and who comes anew finds room"


@pytest.mark.parametrize("page", PAGES)
def test_data_and_cache_folders_that_cannot_be_written(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    for variable in (DATA_VARIABLE, CACHE_VARIABLE):
        monkeypatch.setenv(variable, str(tmp_path / "file" / variable.lower()))
    at = opened(page, **QUICK)
    assert "Internal error" not in said(at)
    if page == "explore":
        assert answered(at), "what needs no folder is there"
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data"))
    assert "cannot be made" not in said(at.run())
