"""A real server and a real Chromium: one browser for all tests, one fresh visitor a test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = [
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

P = ParamSpec("P")
T = TypeVar("T")

# A test says what happens, not how fast: a busy machine may take its time.
PATIENCE_MS = 240_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        # A user without Chromium still gets a green run; our own gate must not pass without having looked.
        if os.environ.get("CI"):
            pytest.fail("browser tests need Chromium, and CI has none")
        pytest.skip("no Chromium on this machine")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET, *sandbox])
        yield browser
        browser.close()


def with_own_loop(call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """What a call returns that runs a loop of asyncio: in a thread, for Playwright's runs in this one until the last test ends."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(call, *args, **named).result()


def free_port() -> int:
    """A port that nobody uses, for a server that is about to start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def served(
    command: Sequence[str], port: int, *, cwd: Path, environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The process of a Streamlit server that `command` starts, from when it answers at `port` to the end of the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=cwd, env=dict(environment), stdout=output, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:  # who hangs is ended by the limit of the test
                try:
                    with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1):
                        break
                except OSError:
                    time.sleep(0.1)
            assert process.poll() is None, log.read_text(encoding="utf-8", errors="replace")
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:  # Streamlit can wait for ever for a visitor who left in that moment
                process.kill()
                process.wait()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh visitor; the test fails if the page logs an error or asks anything of the outside."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, accept_downloads=True)
    page = context.new_page()
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        # Under a page's address Streamlit's own script first asks there for the server, and is told 404.
        if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
            complaints.append(f"{message.text} {message.location}")

    def asked(request: Request) -> None:
        if request.url.startswith("http") and "//localhost" not in request.url:
            complaints.append(request.url)

    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", asked)
    page.set_default_timeout(PATIENCE_MS)
    yield page
    context.close()
    assert not complaints
