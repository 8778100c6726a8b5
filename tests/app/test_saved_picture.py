"""The page that `show` makes, opened as a file without a network, as who was sent it opens it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect

from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.display import HtmlView, show
from sparselab.transforms import Regroup
from tests.app.conftest import PATIENCE_MS
from tests.browsing import fits
from tests.display.test_hostile_names import HOSTILE

pytestmark = pytest.mark.browser

ROWS, COLS = 8, 12
LAYER = Layer("conv.weight", Mask(np.random.default_rng(2).random((ROWS, COLS)) < 0.4))


@pytest.fixture(scope="module")
def layout() -> Layout:
    found = Regroup(rows_per_group=4)(LAYER, rng=np.random.default_rng(0))
    assert len(found.blocks) == 2
    assert found.row_order.order.tolist() != list(range(ROWS))
    return found


@pytest.fixture
def asked(page: Page) -> Iterator[list[str]]:
    """What the page asked for besides itself; and a dialog, which only a script that is not ours would open."""
    found: list[str] = []
    page.context.set_offline(True)
    page.on("request", lambda request: found.append(request.url))
    page.on("dialog", lambda dialog: (found.append(dialog.message), dialog.dismiss()))
    yield found
    assert [url for url in found if url != page.url] == []


def opened(page: Page, view: HtmlView, folder: Path) -> Page:
    page.goto(view.save(folder / "mask.html").as_uri())
    settled(page)
    return page


def settled(page: Page | FrameLocator) -> Locator:
    root = page.get_by_test_id("mask-view")
    expect(root).to_have_attribute("data-settled", "true")
    expect(root).to_have_attribute("data-fitted", "true")
    return root


def point_at(page: Page | FrameLocator, side: str, row: int, col: int, cols: int = COLS) -> None:
    """Move the pointer to the middle of a cell of a picture that shows the whole mask."""
    canvas = page.get_by_test_id(f"mask-view-{side}")
    box = canvas.bounding_box()
    assert box is not None
    canvas.hover(position={"x": (col + 0.5) * box["width"] / cols, "y": (row + 0.5) * box["height"] / ROWS})


@pytest.mark.parametrize(("row", "col"), [(0, 0), (5, 7), (ROWS - 1, COLS - 1)])
def test_a_mask_alone_is_one_picture_that_reads_its_weights_out(
    page: Page, asked: list[str], tmp_path: Path, row: int, col: int
) -> None:
    opened(page, show(LAYER), tmp_path)
    expect(page.locator(".side")).to_have_count(2)
    expect(page.locator(".side.right")).to_be_hidden()
    box, whole = (page.locator(name).bounding_box() for name in (".side.left", ".mask-view"))
    assert box is not None
    assert whole is not None
    assert box["width"] == whole["width"]
    point_at(page, "left", row, col)
    kept = "kept" if LAYER.mask.kept[row, col] else "zero"
    expect(page.get_by_test_id("mask-view-readout")).to_have_text(f"row {row}, column {col}: {kept}")
    expect(page.get_by_text(f"{LAYER.mask.count}", exact=True)).to_be_visible()


def test_before_and_after_are_linked(page: Page, asked: list[str], tmp_path: Path, layout: Layout) -> None:
    opened(page, show((LAYER, layout)), tmp_path)
    root, readout = page.get_by_test_id("mask-view"), page.get_by_test_id("mask-view-readout")
    for row, col in ((0, 0), (3, 5), (ROWS - 1, COLS - 1)):
        weight = int(layout.row_order.order[row]), int(layout.col_order.order[col])
        point_at(page, "right", row, col)
        expect(readout).to_have_text(re.compile(rf"^row {weight[0]}, column {weight[1]} \(group \d\): "))
        expect(root).to_have_attribute("data-cell", f"{weight[0]},{weight[1]}")
        said = readout.inner_text()
        point_at(page, "left", *weight)
        expect(readout).to_have_text(said)
        before, after = layout.before.kept[weight], layout.after.kept[weight]
        assert ("kept before" if before else "zero before") in said
        assert ("after" if after else "dropped" if before else "zero after") in said


def test_it_zooms_on_both_sides_and_back(page: Page, asked: list[str], tmp_path: Path) -> None:
    mask = Mask(np.random.default_rng(0).random((64, 96)) < 0.2)
    opened(page, show(Layout.masked(mask, mask, reason="as it was"), name="conv.weight"), tmp_path)
    whole = re.compile("all 64 x 96$")
    scales = [page.get_by_test_id(name) for name in ("mask-view-scale", "mask-view-scale-right")]
    for scale in scales:
        expect(scale).to_have_text(whole)
    page.get_by_test_id("mask-view-zoom-in").click()
    for scale in scales:
        expect(scale).to_have_text(re.compile(r"rows 1\d–4\d, columns 2\d–7\d$"))  # about the middle half
    settled(page)
    assert scales[0].inner_text().split("; ")[-1] == scales[1].inner_text().split("; ")[-1]
    page.get_by_test_id("mask-view-fit").click()
    for scale in scales:
        expect(scale).to_have_text(whole)
    with page.expect_download() as download:
        page.get_by_test_id("mask-view-save").click()
    assert download.value.suggested_filename == "mask-conv.weight.png"


SLOW_FRAMES = """
  let inFrame = false;
  window.requestAnimationFrame = (draw) => setTimeout(() => {
    inFrame = true;
    draw(performance.now());
    inFrame = false;
  }, inFrame ? 600 : 20);
"""
"""The first frame at once, and from one to the next more than what the view rests before it says that it is settled."""


def test_it_is_settled_at_the_end_of_its_way_however_slow_the_frames(
    page: Page, asked: list[str], tmp_path: Path
) -> None:
    page.add_init_script(SLOW_FRAMES)
    opened(page, show(Layer("conv.weight", Mask(np.random.default_rng(0).random((64, 96)) < 0.2))), tmp_path)
    ends = []
    for motion in ("reduce", "no-preference"):
        page.emulate_media(reduced_motion=motion)  # type: ignore[arg-type]
        page.get_by_test_id("mask-view-fit").click()
        settled(page)
        page.get_by_test_id("mask-view-zoom-in").click()
        ends.append(settled(page).get_attribute("data-view"))
    assert ends[0] == ends[1] != "0.000000,1.000000,0.000000,1.000000"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text(page: Page, asked: list[str], tmp_path: Path, layout: Layout, name: str) -> None:
    opened(page, show((Layer(name, LAYER.mask), layout)), tmp_path)
    expect(page.locator("img, svg, iframe")).to_have_count(0)
    shown = page.locator(".title").text_content() or ""
    assert shown.encode("utf-16", "surrogatepass") == name.encode("utf-16", "surrogatepass")


def test_a_script_that_is_not_ours_does_not_run_and_nothing_is_fetched(browser: Browser, tmp_path: Path) -> None:
    """The policy by itself: what would happen if a text were ever put into the page unescaped."""
    view = show(LAYER)
    bad = "<script>alert(1)</script><img src=http://localhost:9/x onerror=alert(1)><a id=a onclick=alert(1)>a</a>"
    (tmp_path / "mask.html").write_text(view.html.replace("<dl>", f"{bad}<dl>", 1), encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    heard: list[str] = []
    refused: list[str] = []
    page.on("dialog", lambda dialog: (heard.append(dialog.message), dialog.dismiss()))
    page.on("response", lambda response: heard.append(response.url))
    page.on("console", lambda message: refused.append(message.text))
    page.goto((tmp_path / "mask.html").as_uri())
    settled(page)
    page.locator("#a").click()
    assert [each for each in heard if each != page.url] == []
    assert sum("Content Security Policy" in text for text in refused) >= 2
    context.close()


def test_a_notebook_shows_it_in_a_frame(page: Page, tmp_path: Path, layout: Layout) -> None:
    cell = show((LAYER, layout))._repr_html_()
    style = "<style>canvas { display: none !important } p { color: red }</style>"
    (tmp_path / "notebook.html").write_text(f"<!doctype html><body>{style}{cell}</body>", encoding="utf-8")
    page.goto((tmp_path / "notebook.html").as_uri())
    frame = page.frame_locator("iframe")
    settled(frame)
    point_at(frame, "left", 5, 7)
    expect(frame.get_by_test_id("mask-view-readout")).to_contain_text("row 5, column 7")
    with page.expect_download() as download:
        frame.get_by_test_id("mask-view-save").click()
    assert download.value.suggested_filename.endswith(".png")


@pytest.mark.parametrize("width", [1280, 900, 500])
def test_it_paints_in_both_themes_and_at_every_width(
    page: Page, asked: list[str], tmp_path: Path, layout: Layout, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 1000})
    page.emulate_media(color_scheme="light")
    opened(page, show((LAYER, layout)), tmp_path)
    background = "getComputedStyle(document.body).backgroundColor"
    blends = """([row, col, rows, cols]) => {  // an empty cell has the colour of the page
        const canvas = document.querySelector("[data-testid=mask-view-left]");
        const [x, y] = [(col + .5) * canvas.width / cols, (row + .5) * canvas.height / rows];
        const [r, g, b] = canvas.getContext("2d").getImageData(x, y, 1, 1).data;
        return `rgb(${r}, ${g}, ${b})` === getComputedStyle(document.body).backgroundColor;
    }"""
    empty = [*np.argwhere(~LAYER.mask.kept)[0].tolist(), ROWS, COLS]
    light = page.evaluate(background)
    page.wait_for_function(blends, arg=empty)
    fits(page)
    page.emulate_media(color_scheme="dark")  # while it is open
    expect(page.locator("body")).not_to_have_css("background-color", light)
    page.wait_for_function(blends, arg=empty)  # the page is told of its theme after its style has changed
    assert page.evaluate(background) != light
    fits(page)
