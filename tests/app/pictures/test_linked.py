"""Zoomed in, the two pictures lead to one another; what they are called, and how well they are read."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.display import show
from sparselab.transforms import Regroup

pytestmark = pytest.mark.browser

ROWS, COLS = 128, 192
LAYER = Layer("conv.weight", Mask(np.random.default_rng(2).random((ROWS, COLS)) < 0.3))
LEAST_CONTRAST = 4.5


@pytest.fixture(scope="module")
def layout() -> Layout:
    return Regroup(rows_per_group=16)(LAYER, rng=np.random.default_rng(0))


@pytest.fixture
def opened(page: Page, layout: Layout, tmp_path: Path) -> Page:
    page.emulate_media(reduced_motion="reduce")
    page.goto(show((LAYER, layout)).save(tmp_path / "mask.html").as_uri())
    settled(page)
    return page


def settled(page: Page) -> Locator:
    root = page.get_by_test_id("mask-view")
    expect(root).to_have_attribute("data-settled", "true")
    expect(root).to_have_attribute("data-fitted", "true")
    return root


def middle(page: Page, layout: Layout, side: str) -> tuple[int, int]:
    """The original weight in the middle of what a side shows."""
    edges = settled(page).get_attribute("data-view" if side == "left" else "data-view-right") or ""
    x0, x1, y0, y1 = map(float, edges.split(","))
    row, col = int((y0 + y1) / 2 * ROWS), int((x0 + x1) / 2 * COLS)
    if side == "left":
        return row, col
    return int(layout.row_order.order[row]), int(layout.col_order.order[col])


def zoom_in(page: Page, side: str, times: int = 6) -> None:
    page.get_by_test_id(f"mask-view-{side}").focus()
    for _ in range(times):
        page.keyboard.press("+")
    settled(page)


@pytest.mark.parametrize(("side", "other"), [("left", "right"), ("right", "left")])
def test_go_to_twin_shows_the_same_weight_on_the_other_side(
    opened: Page, layout: Layout, side: str, other: str
) -> None:
    zoom_in(opened, side)
    here = middle(opened, layout, side)
    assert middle(opened, layout, other) != here
    opened.keyboard.press("t")
    assert middle(opened, layout, other) == here
    assert middle(opened, layout, side) == here
    expect(settled(opened)).to_have_attribute("data-cell", f"{here[0]},{here[1]}")
    expect(opened.get_by_test_id("mask-view-readout")).to_contain_text(f"row {here[0]}, column {here[1]}")
    opened.keyboard.press("0")
    assert settled(opened).get_attribute("data-view") == settled(opened).get_attribute("data-view-right")


def test_locked_both_sides_keep_the_same_weight_in_their_middle(opened: Page, layout: Layout) -> None:
    zoom_in(opened, "left")
    lock = opened.get_by_test_id("mask-view-lock")
    lock.focus()
    opened.keyboard.press("Enter")
    expect(lock).to_have_attribute("aria-pressed", "true")
    for side, other, keys in (("left", "right", ("ArrowRight", "ArrowDown")), ("right", "left", ("ArrowLeft", "+"))):
        opened.get_by_test_id(f"mask-view-{side}").focus()
        for key in keys:
            opened.keyboard.press(key)
            here = middle(opened, layout, side)
            edges = settled(opened).get_attribute("data-view" if other == "left" else "data-view-right") or ""
            if not {"0.000000", "1.000000"} & set(edges.split(",")):  # at an edge the middle cannot be reached
                assert middle(opened, layout, other) == here


def test_a_click_keeps_the_ring_and_escape_gives_it_up(opened: Page) -> None:
    root, picture = settled(opened), opened.get_by_test_id("mask-view-right")
    picture.click(position={"x": 50, "y": 60})
    kept = root.get_attribute("data-cell")
    assert kept
    opened.get_by_test_id("mask-view-save").hover()
    expect(root).to_have_attribute("data-cell", kept)
    picture.focus()
    opened.keyboard.press("Escape")
    expect(root).to_have_attribute("data-cell", "")


def test_the_whole_view_is_reached_by_the_keyboard_in_the_order_it_is_read(opened: Page) -> None:
    opened.locator("body").evaluate("e => { e.tabIndex = -1; e.focus() }")
    names = []
    for _ in range(10):
        opened.keyboard.press("Tab")
        names.append(opened.evaluate("document.activeElement.dataset.testid.replace('mask-view-', '')"))
        outline = opened.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
        assert outline >= 2, names[-1]
    assert names == ["contrast", "zoom-out", "zoom-in", "fit", "twin", "lock", "save", "present", "left", "right"]


def test_the_pictures_say_what_they_mean(opened: Page, layout: Layout) -> None:
    left, right = (opened.get_by_test_id(f"mask-view-{side}") for side in ("left", "right"))
    kept = (layout.before.kept & layout.after.kept).sum()
    before, after = left.get_attribute("aria-label") or "", right.get_attribute("aria-label") or ""
    assert left.get_attribute("role") == right.get_attribute("role") == "img"
    assert f"density {100 * layout.before.density:.2f} %" in before
    assert f"Of {layout.before.count:,} weights kept before, {kept:,} (" in after
    assert "8 groups of 16 rows" in after


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("presenting", [False, True])
def test_every_text_stands_out_from_what_is_behind_it(opened: Page, scheme: str, presenting: bool) -> None:
    opened.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    settled(opened)
    if presenting:
        opened.get_by_test_id("mask-view-present").click()
    opened.get_by_test_id("mask-view-lock").click()
    texts = opened.evaluate(
        """() => [...document.querySelectorAll(".mask-view *, dt, dd, td")].flatMap(e => {
            const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
            if (!own || !e.checkVisibility({ visibilityProperty: true })) return [];
            const behind = [];
            for (let at = e; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
            const pen = document.createElement("canvas").getContext("2d");
            const pixel = () => [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)];
            for (const paint of ["#fff", ...behind]) { pen.fillStyle = paint; pen.fillRect(0, 0, 1, 1); }
            const ground = pixel();
            pen.fillStyle = getComputedStyle(e).color;
            pen.fillRect(0, 0, 1, 1);
            return [[e.className || e.tagName, e.textContent.trim().slice(0, 40), pixel(), ground]];
        })"""
    )
    assert {"caption", "scale", "readout", "contrast-label"} <= {re.split(" ", kind)[0] for kind, *_ in texts}
    for kind, text, ink, ground in texts:
        assert contrast(ink, ground) >= LEAST_CONTRAST, (kind, text, ink, ground)


def contrast(one: list[int], other: list[int]) -> float:
    """The contrast of two sRGB colours as WCAG 2.2 defines it: (L1 + .05) / (L2 + .05) of their relative luminances."""

    def luminance(colour: list[int]) -> float:
        share = np.array(colour) / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_presenting_a_saved_page_shows_the_picture_alone(opened: Page) -> None:
    opened.get_by_test_id("mask-view-present").click()
    view = opened.get_by_test_id("mask-view")
    size = opened.viewport_size
    assert view.bounding_box() == {"x": 0, "y": 0, **(size or {})}
    numbers = opened.get_by_text("All numbers")
    expect(numbers).to_be_hidden()
    box = opened.get_by_test_id("mask-view-left").bounding_box()
    assert box is not None
    assert box["height"] > 0.65 * 1000
    blank = opened.locator(".blank-screen")
    for key in (".", "b"):
        opened.keyboard.press(key)
        expect(blank).to_be_visible()
        opened.keyboard.press(key)
        expect(blank).to_be_hidden()
    opened.keyboard.press("Escape")
    expect(numbers).to_be_visible()
