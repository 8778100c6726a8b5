"""A researcher's way: the best structure of every layer of an own checkpoint, seen and exported, in at most six clicks."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from sparselab.formats import read_ticket
from tests.browsing import downloaded

pytestmark = pytest.mark.browser


def checkpoint() -> bytes:
    """Three small layers with structure to find."""
    rng, file = np.random.default_rng(0), io.BytesIO()
    layers = {}
    for name, (rows, cols) in {"conv1": (32, 64), "conv2": (32, 96), "fc": (48, 64)}.items():
        kept = (rng.random((4, cols)) < 0.3)[rng.integers(0, 4, rows)] & (rng.random((rows, cols)) < 0.9)
        layers[f"{name}.weight"] = np.where(kept, rng.normal(size=kept.shape), 0).astype(np.float32)
    np.savez(file, **layers)  # type: ignore[arg-type]
    return file.getvalue()


def test_from_the_start_page_to_the_new_file_in_six_clicks(server: str, page: Page, tmp_path: Path) -> None:
    clicks = 0

    def click(target: Locator) -> None:
        nonlocal clicks
        target.click()
        clicks += 1

    on_its_way: list[Route] = []
    page.route(re.compile("/upload_file/"), lambda route: on_its_way.append(route), times=1)
    page.goto(server)
    page.get_by_test_id("mask-view-right").wait_for()
    page.wait_for_function("() => window.sparselabFeedback")
    click(page.get_by_test_id("stSidebar").get_by_text("Upload", exact=True))
    with page.expect_file_chooser() as chooser:
        click(page.get_by_test_id("stFileUploader").get_by_role("button").last)
    chooser.value.set_files({"name": "mine.npz", "mimeType": "application/zip", "buffer": checkpoint()})
    page.get_by_test_id("stFileChip").wait_for()
    click(
        page.get_by_role("link", name="Model")
    )  # who does not wait until the file has arrived finds it there all the same
    expect(page.locator("#sparselab-doing")).to_have_text("Opening Model when the file has arrived ...")
    while not on_its_way:  # who hangs is ended by the limit of the test
        page.wait_for_timeout(50)
    on_its_way[0].continue_()
    cards = page.get_by_test_id("wall-card")
    expect(cards).to_have_count(3)
    click(page.get_by_role("button", name="Run on all 3 layers"))
    expect(page.get_by_text("Over 3 layers")).to_be_visible()
    expect(cards.first).to_contain_text("of the energy kept")
    expect(cards.first).to_contain_text("chance")
    click(page.get_by_role("button", name="Download the file with the new masks"))
    download = downloaded(page, page.get_by_role("button", name="npz (.npz)"))
    assert clicks + 1 <= 6
    download.save_as(tmp_path / "new.npz")
    assert len(read_ticket(tmp_path / "new.npz")) == 3
    page.keyboard.press("Escape")
    page.get_by_test_id("wall-order").select_option("size")
    expect(cards.first).to_contain_text("conv2.weight")
    page.get_by_test_id("wall-search").fill("fc")
    expect(cards).to_have_count(1)
    cards.first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("fc.weight of mine.npz")).to_be_visible()
