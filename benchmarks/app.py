"""What a person waits for, measured in a real Chromium against the app as `make app` serves it.

    python -m benchmarks.app

first picture   page opened on a fresh server -> sample before and after painted
knob            a knob of Regroup on 512 x 4608, similarity cached -> new picture painted
large upload    4096 x 14336 mask chosen -> its mask before painted, and before and after painted
cancel          Cancel pressed in long work -> "Cancelled" shown, worker idle
page change     a page of the menu clicked -> its title shown
control         every control of every page worked -> first change in the main area (app_controls.csv: one row each)
console error, 404, request outside: how many there were meanwhile

    python -m benchmarks.app controls Latency    the controls of one page alone, printed; without a title those of all
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.controls import Complaints, menu, rest, walk
from benchmarks.machine import write_rows

KNOB_VALUES = [rows for rows in range(9, 42) if rows not in (16, 32)][:30]
"""Rows per group that nobody had before."""

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
    command = [
        sys.executable,
        "-m",
        "sparselab.app.server",
        "run",
        "app.py",
        "--server.headless=true",
        f"--server.port={port}",
    ]
    # Results that were kept by an earlier run would be shown in no time.
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory() as data:
        own = {**os.environ, "SPARSELAB_DATA": data}
        process = subprocess.Popen(command, cwd=ROOT, env=own, stdout=log, stderr=log)
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
    number = page.get_by_role("spinbutton", name="Rows per group")
    spent = []
    for rows in KNOB_VALUES:
        number.fill(str(rows))
        start = time.perf_counter()
        page.keyboard.press("Enter")
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


def page_changes(page: Page, address: str) -> list[float]:
    """Go through the menu twice; return the seconds from each click to the page's title, the second time, when all was seen once."""
    page.goto(address)
    rest(page)
    spent = []
    for title in [*menu(page), *menu(page)]:
        start = time.perf_counter()
        page.get_by_test_id("stSidebarNavLink").filter(has_text=title).click()
        page.locator("h3").filter(has_text=title).first.wait_for()
        spent.append(time.perf_counter() - start)
        rest(page)
    return spent[len(spent) // 2 :]


def control_rows(browser: Browser, only: str = "") -> list[dict[str, Any]]:
    """Work every control of every page, or of one; print a row for each as it comes."""
    rows = []
    with serve() as address:
        for row in walk(lambda: browser.new_page(viewport={"width": 1280, "height": 1000}), address, only=only):
            print("  ".join(str(value) for value in row.values()), flush=True)
            rows.append(row)
    return rows


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """Return the seconds of those controls that set the page to work or changed it."""
    return {
        f"control to first change, {page}": [
            row["first_change_s"] for row in rows if row["page"] == page and row["first_change_s"] is not None
        ]
        for page in dict.fromkeys(row["page"] for row in rows)
    }


def quantile(seconds: Sequence[float], share: float) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))]


def main() -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))))
    if sys.argv[1:2] == ["controls"]:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            rows = control_rows(browser, *sys.argv[2:3])
        if len(sys.argv) == 2:
            write_rows("app_controls", rows)
        return
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "large.npz"
        kept = np.random.default_rng(0).random((4096, 14336)) < 0.1
        np.savez_compressed(file, mlp_mask=kept)
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)

        complaints = Complaints()

        def visitor() -> Page:
            page = browser.new_page(viewport={"width": 1280, "height": 1000})
            complaints.listen(page)
            return page

        fresh = []
        for _ in range(3):
            with serve() as address:
                fresh.append(first_picture(visitor(), address))
        with serve() as address:
            first_picture(visitor(), address)
            knobs = knob(visitor(), address)
            uploads = [large_upload(visitor(), address, file) for _ in range(3)]
            cancels = [cancel(visitor(), address) for _ in range(3)]
            changes = page_changes(visitor(), address)
        controls = control_rows(browser)
        browser.close()
    seconds = {
        "first picture on a fresh server": fresh,
        "knob to new picture, 512 x 4608": knobs,
        "upload 4096 x 14336 to mask before": [before for before, _ in uploads],
        "upload 4096 x 14336 to before and after": [both for _, both in uploads],
        "cancel": cancels,
        "page change": changes,
        **summary(controls),
    }
    counts = complaints.counts()
    for kind in counts:
        counts[kind] += sum(row[kind] for row in controls)
    print(*(f"{kind} {count}" for kind, count in counts.items()))
    write_rows("app_controls", controls)
    write_rows(
        "app",
        [
            {
                "what": name,
                "median_s": round(statistics.median(s), 2),
                "p95_s": round(quantile(s, 0.95), 2),
                "worst_s": round(max(s), 2),
                "n": len(s),
                **counts,
            }
            for name, s in seconds.items()
            if s
        ],
    )


if __name__ == "__main__":
    main()
