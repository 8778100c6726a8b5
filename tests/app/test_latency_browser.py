"""Latency in a real browser: measured, cancelled, found again; shortly, and never asked how fast."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from sparselab.app.inputs.samples import available
from sparselab.benchmarking.csv_table import read_csv
from tests.app.conftest import PATIENCE_MS
from tests.browsing import downloaded, fits

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not available(), reason="no sample masks")]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    rng = np.random.default_rng(5)
    kept = rng.random((64, 144)) < 0.1
    weight = np.where(kept, rng.standard_normal(kept.shape), 0).astype(np.float32)
    np.savez(tmp_path / "mine.npz", **{"fc.weight": weight})
    return tmp_path / "mine.npz"


def test_is_my_layer_faster_here_in_three_clicks(page: Page, server: str, small: Path, tmp_path: Path) -> None:
    page.goto(f"{server}/latency?seconds=1")
    page.get_by_role("radio", name="Upload").click()
    page.locator("input[type=file]").set_input_files(small)
    expect(page.get_by_text("fc.weight of mine.npz")).to_be_visible()
    page.get_by_role("button", name="Measure here").click()
    expect(page.get_by_role("button", name="Measure again")).to_be_visible()
    answer = page.get_by_test_id("stAlert").first
    expect(answer).to_contain_text(re.compile("faster than dense|fastest here"))
    expect(page.get_by_text("needs a CUDA device").first).to_be_visible()
    downloaded(page, page.get_by_role("button", name="Table (.csv)")).save_as(tmp_path / "latency.csv")
    (session,) = read_csv(tmp_path / "latency.csv")
    assert session.about["layer"] == "fc.weight"
    assert session.rows[0].median_ms is not None
    page.get_by_role("tab", name="Stored sessions").click()
    expect(page.get_by_text(re.compile("of .* sessions. Select one"))).to_be_visible()


def test_a_map_can_be_cancelled_and_keeps_what_it_has(page: Page, server: str) -> None:
    page.goto(f"{server}/latency?sample=vgg-digits-imp-90&size=8&seconds_cell=1&latency_tab=Break-even+map")
    page.get_by_role("button", name=re.compile("Measure .* cells")).click()
    expect(page.get_by_text(re.compile(r"[1-9]\d* of .* cells"))).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text(re.compile("Stopped after .* cells"))).to_be_visible()
    expect(page.get_by_text("as fast as dense").first).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 900)])
def test_nothing_hangs_over_the_edge(browser: Browser, server: str, scheme: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    for tab, says in (("This layer", "More: arithmetic"), ("Whole model", "Side of the network's input")):
        page.goto(f"{server}/latency?sample=vgg-digits-imp-90&latency_tab={tab.replace(' ', '+')}")
        expect(page.get_by_text(says).first).to_be_visible()
        fits(page)
    context.close()
