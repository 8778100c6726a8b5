"""The film in a browser: frame by frame by keys, played, still where that is wished, saved as a video."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from sparselab.app.film_view import film_payload
from sparselab.display.assets import FILM, MOTION, bundle, markup, styles
from sparselab.training.runs.film import Film, FilmedLayer, MeasuredAt
from tests.app.conftest import PATIENCE_MS

pytestmark = pytest.mark.browser

FRAMES, ROWS, COLS = 12, 16, 24
PAGE = """<!doctype html><meta name="viewport" content="width=device-width, initial-scale=1">
<style>body {{ margin: 8px }} {styles}</style><div id="view">{markup}</div><script type="module">
{script}
const data = Uint8Array.from(atob("{data}"), (letter) => letter.charCodeAt(0));
renderFilm({{ data, parentElement: document.getElementById("view") }});
</script>"""
CONTAINERS = (0x18538067, 0x1F43B675, 0xA0)  # Segment, Cluster, BlockGroup
VIDEO_FRAMES = (0xA1, 0xA3)  # Block, SimpleBlock
NO_MP4 = """{
    const known = MediaRecorder.isTypeSupported;
    MediaRecorder.isTypeSupported = (type) => !type.includes("mp4") && known.call(MediaRecorder, type);
}"""


def film() -> Film:
    rng = np.random.default_rng(0)
    packed = np.packbits(rng.random((FRAMES, ROWS, COLS)) < 0.3, axis=2)
    groups = rng.integers(0, 4, (FRAMES, ROWS)).astype(np.int32)
    return Film(
        title="a run",
        unit="step",
        at=tuple(range(0, 10 * FRAMES, 10)),
        updates=tuple(range(FRAMES)),
        layers=(FilmedLayer(name="conv", shape=(ROWS, COLS), packed=packed, groups=groups),),
        looks=(MeasuredAt(30, 0.5), MeasuredAt(110, 0.8)),
    )


@pytest.fixture
def address(tmp_path: Path) -> str:
    page = PAGE.format(
        styles=styles(MOTION) + styles(FILM),
        markup=markup(FILM, 300),
        script=bundle(FILM),
        data=base64.b64encode(film_payload(film())).decode(),
    )
    (tmp_path / "film.html").write_text(page, encoding="utf-8")
    return (tmp_path / "film.html").as_uri()


def opened(page: Page, address: str) -> Locator:
    page.goto(address)
    shown = page.get_by_test_id("film")
    expect(shown).to_have_attribute("data-frames", re.compile(r"[1-9]"))
    return shown


def blocks_in(content: bytes) -> int:
    """The frames in a WebM file: its elements in turn, into those that hold others (sizes may be unknown while recorded)."""
    place = count = 0

    def number(keeps_marker: bool) -> int:
        nonlocal place
        width = 9 - content[place].bit_length()
        value = int.from_bytes(content[place : place + width], "big")
        place += width
        return value if keeps_marker else value - (1 << (7 * width))

    while place < len(content):
        name, size = number(keeps_marker=True), number(keeps_marker=False)
        count += name in VIDEO_FRAMES
        place += 0 if name in CONTAINERS else size
    return count


def test_keys_buttons_and_curves_show_frames_and_say_them(page: Page, address: str) -> None:
    shown = opened(page, address)
    position, stage = shown.get_by_test_id("film-position"), shown.get_by_test_id("film-stage")
    expect(position).to_have_text(f"Frame 1 of {FRAMES}: step 0, 0 updates of the mask")
    stage.focus()
    page.keyboard.press("ArrowRight")
    expect(position).to_have_text(f"Frame 2 of {FRAMES}: step 10, 1 update of the mask")
    page.keyboard.press("End")
    expect(position).to_contain_text(f"Frame {FRAMES} of")
    expect(shown.get_by_test_id("film-readout")).to_contain_text("validation accuracy 80 %")
    expect(stage).to_have_attribute("aria-label", re.compile("Mask of conv"))
    expect(shown.get_by_test_id("film-summary")).to_contain_text("from 50 % to 80 %")
    shown.get_by_test_id("film-back").click()
    expect(position).to_contain_text(f"Frame {FRAMES - 1} of")
    before = stage.evaluate("canvas => canvas.toDataURL()")
    shown.get_by_test_id("film-order").select_option("file")
    assert stage.evaluate("canvas => canvas.toDataURL()") != before
    box = shown.get_by_test_id("film-curves").bounding_box()
    assert box is not None
    shown.get_by_test_id("film-curves").click(position={"x": 46, "y": box["height"] / 2})
    expect(position).to_contain_text(f"Frame 1 of {FRAMES}")


def test_the_film_is_saved_as_a_video_of_its_frames(page: Page, address: str) -> None:
    page.add_init_script(NO_MP4)
    shown = opened(page, address)
    save = shown.get_by_test_id("film-save")
    expect(save).to_have_text("Save as video")
    shown.get_by_test_id("film-rate").select_option("10")
    with page.expect_download() as download:
        save.click()
    content = Path(download.value.path()).read_bytes()
    assert content.startswith(b"\x1aE\xdf\xa3")
    assert blocks_in(content) >= FRAMES
    expect(save).to_be_enabled()
    expect(shown.get_by_test_id("film-play")).to_have_text("Play again")


def test_where_motion_is_unwanted_frames_are_taken_one_by_one(browser: Browser, address: str) -> None:
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    shown = opened(page, address)
    play = shown.get_by_test_id("film-play")
    for frame in (2, 3):
        expect(play).to_have_text("Next frame")
        painted = int(shown.get_attribute("data-frames") or 0)
        play.tap()
        expect(shown.get_by_test_id("film-position")).to_contain_text(f"Frame {frame} of")
        # One for the frame, and perhaps one for a new size: what plays paints dozens.
        assert int(shown.get_attribute("data-frames") or 0) < painted + 5
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    stage, curves = (shown.get_by_test_id(f"film-{name}").bounding_box() for name in ("stage", "curves"))
    assert stage is not None
    assert curves is not None
    assert curves["y"] >= stage["y"] + stage["height"], "one column"
    context.close()
