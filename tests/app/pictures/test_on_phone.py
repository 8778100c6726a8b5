"""The mask view under a finger: a tap reads, the page is never held, and both pictures are swiped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from sparselab.core.layer import Layer
from sparselab.core.mask import Mask
from sparselab.display import show
from sparselab.transforms import Regroup
from tests.app.conftest import PATIENCE_MS
from tests.browsing import until

pytestmark = pytest.mark.browser

ROWS, COLS = 64, 96
LAYER = Layer("features.classifier.block.0.conv.weight", Mask(np.random.default_rng(2).random((ROWS, COLS)) < 0.3))
LEAST_TARGET = 44
STEPS = 10
HOLD_MS = 200


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    layout = Regroup(rows_per_group=16)(LAYER, rng=np.random.default_rng(0))
    path = tmp_path_factory.mktemp("phone") / "mask.html"
    return show((LAYER, layout)).save(path).as_uri()


@pytest.fixture
def phone(browser: Browser, file: str) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(file)
    settled(page)
    yield page
    context.close()


def settled(page: Page) -> Locator:
    root = page.get_by_test_id("mask-view")
    expect(root).to_have_attribute("data-settled", "true")
    expect(root).to_have_attribute("data-fitted", "true")
    return root


def picture(page: Page, side: str = "left") -> tuple[float, float, float, float]:
    box = page.get_by_test_id(f"mask-view-{side}").bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"], box["height"]


def tap(page: Page, fx: float, fy: float) -> None:
    x, y, width, height = picture(page)
    page.touchscreen.tap(x + fx * width, y + fy * height)


def drag(page: Page, *fingers: tuple[float, float, float, float]) -> None:
    """Fingers on the left picture, each from an offset to its middle to another: x, y, then x, y; as the browser itself takes them."""
    page.get_by_test_id("mask-view-left").scroll_into_view_if_needed()
    x, y, width, height = picture(page)
    cdp = page.context.new_cdp_session(page)

    def send(kind: str, part: float | None) -> None:
        points = [] if part is None else [place(finger, part) for finger in fingers]
        cdp.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})

    def place(finger: tuple[float, float, float, float], part: float) -> dict[str, float]:
        x0, y0, x1, y1 = finger
        return {"x": x + width / 2 + x0 + part * (x1 - x0), "y": y + height / 2 + y0 + part * (y1 - y0)}

    send("Start", 0)
    for step in range(1, STEPS + 1):
        send("Move", step / STEPS)
        page.wait_for_timeout(16)
    page.wait_for_timeout(HOLD_MS)  # lifted at rest, or the page would go on scrolling
    send("Move", 1)
    send("End", None)


def scrolled(page: Page) -> float:
    return float(page.evaluate("scrollY"))


def test_a_tap_reads_a_weight_and_its_ring_stays_on_both_sides(phone: Page) -> None:
    root = settled(phone)
    phone.get_by_test_id("mask-view-left").scroll_into_view_if_needed()
    tap(phone, 0.3, 0.4)
    expect(phone.get_by_test_id("mask-view-readout")).to_contain_text("row ")
    expect(root).to_have_attribute("data-cell", re.compile(r"\d+,\d+"))
    said = root.get_attribute("data-cell")
    inked = (
        """canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(v => v > 0)"""
    )
    marks = phone.locator("canvas.marks")
    assert [marks.nth(side).evaluate(inked) for side in (0, 1)] == [True, True]
    phone.get_by_test_id("mask-view-tab-right").tap()
    assert root.get_attribute("data-cell") == said


def test_a_finger_scrolls_the_page_until_it_zooms_and_again_after_fit(phone: Page) -> None:
    root = settled(phone)
    whole = root.get_attribute("data-view")
    phone.get_by_test_id("mask-view-left").scroll_into_view_if_needed()
    start = scrolled(phone)
    tap(phone, 0.5, 0.2)  # what was tapped has the focus: that must not hold the page
    drag(phone, (0, 60, 0, -90))
    until(phone, lambda: scrolled(phone) > start + 60)
    assert root.get_attribute("data-view") == whole
    drag(phone, (-20, -20, -80, -90), (20, 20, 80, 90))
    expect(root).not_to_have_attribute("data-view", whole or "")
    phone.get_by_test_id("mask-view-left").scroll_into_view_if_needed()
    zoomed, before = settled(phone).get_attribute("data-view"), scrolled(phone)
    assert phone.evaluate("visualViewport.scale") == 1
    drag(phone, (0, 40, -40, -40))
    expect(root).not_to_have_attribute("data-view", zoomed or "")
    assert scrolled(phone) == before
    phone.get_by_role("button", name="Fit the whole mask, and scroll").first.tap()
    expect(root).to_have_attribute("data-view", whole or "")
    settled(phone)
    drag(phone, (0, -60, 0, 60))
    until(phone, lambda: scrolled(phone) < before)


def test_before_and_after_lie_in_the_same_place_and_are_swiped(phone: Page) -> None:
    phone.get_by_test_id("mask-view-readout").scroll_into_view_if_needed()
    left, right = picture(phone), picture(phone, "right")
    assert left[1:] == right[1:]
    assert left[2] > 340
    assert right[0] >= 390
    first, second = phone.get_by_test_id("mask-view-tab-left"), phone.get_by_test_id("mask-view-tab-right")
    expect(first).to_have_attribute("aria-pressed", "true")
    drag(phone, (120, 0, -140, 0))
    expect(second).to_have_attribute("aria-pressed", "true")
    until(phone, lambda: picture(phone, "right") == left)
    first.tap()
    expect(first).to_have_attribute("aria-pressed", "true")
    assert phone.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_everything_fits_a_finger_and_nothing_is_cut(phone: Page) -> None:
    for button in phone.locator(".mask-view :is(button, select):visible").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= LEAST_TARGET, button.inner_text()
    for text in phone.locator(".title, .caption, .label, .scale").all():
        assert text.evaluate("e => e.scrollWidth <= e.clientWidth + 1 || getComputedStyle(e).display === 'inline'")
        assert text.evaluate("e => getComputedStyle(e).whiteSpace") == "normal"
    said = phone.locator(".hint:visible").inner_text()
    assert "Tap" in said
    assert not re.search("Ctrl|Esc|click", said)
    view, window = phone.get_by_test_id("mask-view"), 844
    top, bottom = view.locator(".tabs").bounding_box(), phone.get_by_test_id("mask-view-readout").bounding_box()
    assert top is not None
    assert bottom is not None
    assert bottom["y"] + bottom["height"] - top["y"] <= window


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (900, 900)])
def test_legend_and_pictures_fit_the_window_with_targets_of_24_pixels(
    page: Page, file: str, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(file)
    settled(page)
    readout, legend = page.get_by_test_id("mask-view-readout"), page.get_by_test_id("mask-view-legend")
    box, above = readout.bounding_box(), legend.bounding_box()
    assert box is not None
    assert above is not None
    assert box["y"] + box["height"] <= size[1]
    assert above["y"] + above["height"] <= picture(page)[1]
    assert picture(page)[3] >= 240
    for button in page.locator(".mask-view :is(button, select):visible").all():
        target = button.bounding_box()
        assert target is not None
        assert min(target["width"], target["height"]) >= 24


def test_a_low_window_leaves_the_pictures_240_pixels(page: Page, file: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 400})
    page.goto(file)
    settled(page)
    assert picture(page)[3] == 240
    page.set_viewport_size({"width": 1280, "height": 700})
    until(page, lambda: picture(page)[3] > 300)


def test_a_picture_is_as_tall_as_asked_where_there_is_room(page: Page, tmp_path: Path) -> None:
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.goto(show(LAYER, height=300).save(tmp_path / "low.html").as_uri())
    settled(page)
    assert picture(page)[3] == 300
