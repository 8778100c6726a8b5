"""What a person waits for, measured in a real Chromium against the app as `make app` serves it.

    python -m benchmarks.app

first picture   page opened on a fresh server -> sample before and after painted
knob            a knob of Regroup on 512 x 4608, similarity cached -> new picture painted
large upload    4096 x 14336 mask chosen -> its mask before painted, and before and after painted
cancel          Cancel pressed in long work -> "Cancelled" shown, worker idle
"""

from __future__ import annotations

import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from benchmarks.machine import write_rows

ROOT = Path(__file__).resolve().parent.parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
_PAINTED = """([old, side]) => {
    const hosts = [...document.querySelectorAll("*")].filter(e => e.shadowRoot).map(e => e.shadowRoot);
    const view = hosts.map(d => d.querySelector("[data-testid=mask-view]")).find(Boolean);
    const digest = view?.dataset.digest ?? "";
    const there = side === "left" ? digest !== "" : digest !== "" && !digest.endsWith("|");
    return Number(view?.dataset.painted) > 0 && there && digest !== old && digest;
}"""


@contextmanager
def serve() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        address = f"http://localhost:{port}"
        while True:
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield address
        process.terminate()
        process.wait()


def painted(page: Page, old: str = "", side: str = "right") -> str:
    digest: str = page.wait_for_function(_PAINTED, arg=[old, side], polling=10, timeout=120_000).json_value()
    return digest


def first_picture(page: Page, address: str) -> float:
    start = time.perf_counter()
    page.goto(address)
    painted(page)
    return time.perf_counter() - start


def knob(page: Page, address: str) -> list[float]:
    page.goto(f"{address}/?sample=planted-noisy")
    digest = painted(page)
    slider = page.get_by_role("slider", name="Rows per group")
    spent = []
    for _ in range(7):
        slider.focus()
        start = time.perf_counter()
        page.keyboard.press("ArrowLeft")
        digest = painted(page, digest)
        spent.append(time.perf_counter() - start)
        page.wait_for_timeout(700)
    return spent


def large_upload(page: Page, address: str, file: Path) -> tuple[float, float]:
    page.goto(f"{address}/?source=Upload")
    page.get_by_text("Mask or checkpoint").wait_for()
    start = time.perf_counter()
    page.locator("input[type=file]").set_input_files(file)
    painted(page, side="left")
    before = time.perf_counter() - start
    painted(page)
    return before, time.perf_counter() - start


def cancel(page: Page, address: str) -> float:
    page.goto(f"{address}/?sample=random&grouper=hypergraph&rows_per_group=8")
    button = page.get_by_role("button", name="Cancel")
    button.wait_for()
    page.wait_for_timeout(500)
    start = time.perf_counter()
    button.click()
    page.get_by_text("Cancelled. Change a setting").wait_for()
    return time.perf_counter() - start


def main() -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "large.npz"
        kept = np.random.default_rng(0).random((4096, 14336)) < 0.1
        np.savez_compressed(file, mlp_mask=kept)
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)

        def visitor() -> Page:
            return browser.new_page(viewport={"width": 1280, "height": 1000})

        fresh = []
        for _ in range(3):
            with serve() as address:
                fresh.append(first_picture(visitor(), address))
        with serve() as address:
            first_picture(visitor(), address)
            knobs = knob(visitor(), address)
            uploads = [large_upload(visitor(), address, file) for _ in range(3)]
            cancels = [cancel(visitor(), address) for _ in range(3)]
        browser.close()
    seconds = {
        "first picture on a fresh server": fresh,
        "knob to new picture, 512 x 4608": knobs,
        "upload 4096 x 14336 to mask before": [before for before, _ in uploads],
        "upload 4096 x 14336 to before and after": [both for _, both in uploads],
        "cancel": cancels,
    }
    write_rows(
        "app",
        [
            {"what": name, "median_s": round(statistics.median(s), 2), "worst_s": round(max(s), 2), "n": len(s)}
            for name, s in seconds.items()
        ],
    )


if __name__ == "__main__":
    main()
