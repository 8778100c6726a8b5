"""A real server and a real Chromium: one browser for all tests, one fresh visitor a test."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Download, Locator, Page, Request, expect, sync_playwright

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
PATIENCE_S = PATIENCE_MS // 1000
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
    """A port that nobody uses, for a server that is about to start: none of those that systems give to whoever connects meanwhile."""
    while True:
        port = 11_000 + secrets.randbelow(20_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
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


def until(page: Page, holds: Callable[[], object]) -> None:
    """Ask again and again until what was done has had its effect. Saved pages forbid the scripts with which Playwright itself would wait."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, f"it never came to be so, at {page.url}"
        page.wait_for_timeout(50)


def fits(page: Page) -> None:
    """Wait until nothing hangs over the right edge: charts and tables take their new width after the window has."""
    until(page, lambda: page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0)


def at_rest(page: Page) -> None:
    """Wait until the app's page has drawn itself and its script has ended; it may begin anew by itself, when what it waited for is there.

    True also before a run that was asked for has begun: first wait for what only that run shows.
    """
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)  # what draws an element is fetched when first needed


def downloaded(page: Page, button: Locator) -> Download:
    """What a button of the app's page gives. It is pressed at rest: a run's end forgets what the buttons of the run before would make."""
    at_rest(page)
    with page.expect_download() as found:
        button.click()
    return found.value


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
        # A file of a run is gone when a later run has ended: who looks at it later, for his browser is busy, is told 404. A download is
        # made when it is asked for.
        if re.match(r"http://[^/]+/media/", request.url) and request.resource_type == "image":
            complaints.append(f"a picture that a later run takes away: {request.url}")

    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", asked)
    page.set_default_timeout(PATIENCE_MS)
    yield page
    context.close()
    assert not complaints
