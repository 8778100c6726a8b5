"""The reordering as an animation, in a page that was saved: scrubbed, stepped, played, followed, and still where that is wished."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.display import show
from sparselab.transforms import Regroup
from tests.app.conftest import PATIENCE_MS

pytestmark = pytest.mark.browser

ROWS, COLS = 8, 12
LAYER = Layer("conv.weight", Mask(np.random.default_rng(2).random((ROWS, COLS)) < 0.4))
LAYOUT: Layout = Regroup(rows_per_group=4)(LAYER, rng=np.random.default_rng(0))


@pytest.fixture
def saved(tmp_path: Path) -> str:
    return show((LAYER, LAYOUT)).save(tmp_path / "mask.html").as_uri()


PAUSE_WHEN = """(motion, says) => {
    const [play, position] = ["play", "position"].map(name => motion.querySelector(`[data-testid=motion-${name}]`));
    return { pressed: new Promise(pressed => new MutationObserver((_, seen) => {
        if (!new RegExp(says).test(position.textContent)) return;
        seen.disconnect();
        play.click();
        pressed();
    }).observe(position, { subtree: true, childList: true, characterData: true })) };
}"""
"""Press Pause as soon as the position says something: a step takes three seconds, and a busy machine longer to see it from outside."""


def opened(page: Page, address: str) -> Locator:
    page.goto(address)
    page.get_by_text("Watch the reordering").click()
    motion = page.get_by_test_id("motion")
    expect(motion).to_have_attribute("data-frames", re.compile(r"[1-9]"))
    return motion


def colours(motion: Locator) -> np.ndarray:
    """The colour in the lower right corner of every cell, away from the followed weight's ring."""
    return np.array(
        motion.get_by_test_id("motion-stage").evaluate(
            """(canvas, [rows, cols]) => {
                const bar = 14 * canvas.width / canvas.clientWidth;
                const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                return Array.from({length: rows}, (_, row) => Array.from({length: cols}, (_, col) => {
                    const x = Math.floor(bar + (col + .93) * (canvas.width - bar) / cols);
                    const at = 4 * (canvas.width * Math.floor((row + .93) * canvas.height / rows) + x);
                    return [...data.slice(at, at + 3)];
                }));
            }""",
            [ROWS, COLS],
        )
    )


def test_the_scrubber_goes_to_every_position_by_keys_and_says_it(page: Page, saved: str) -> None:
    page.emulate_media(color_scheme="light")
    motion = opened(page, saved)
    scrubber, position = motion.get_by_test_id("motion-scrubber"), motion.get_by_test_id("motion-position")
    expect(position).to_have_text("start: as in the file")
    ink, paper, grown = [49, 51, 63], [255, 255, 255], [230, 159, 0]
    before, after = LAYOUT.before.kept, LAYOUT.after.kept
    rows, cols = LAYOUT.row_order.order, LAYOUT.col_order.order

    def as_ink(kept: np.ndarray) -> np.ndarray:
        return np.where(kept[..., None], ink, paper)

    def differing(expected: np.ndarray) -> int:
        return int((colours(motion) != expected).any(axis=2).sum())

    # The followed weight's lines and numbers lie over a few cells.
    few = ROWS + COLS
    assert differing(as_ink(before)) <= few < before.sum()
    scrubber.focus()
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    expect(position).to_have_text("rows: 40 % of the way")
    expect(scrubber).to_have_attribute("aria-valuetext", "rows: 40 % of the way")
    for told, expected in (
        ("rows: 100 % of the way", as_ink(before[rows])),
        ("columns: 100 % of the way", as_ink(before[rows][:, cols])),
        (
            "fill and drop: 100 % of the way",
            np.where((after & ~before)[rows][:, cols][..., None], grown, as_ink((after & before)[rows][:, cols])),
        ),
    ):
        scrubber.fill(str(1 + ("col" in told) + 2 * ("fill" in told)))
        expect(position).to_have_text(told)
        assert differing(expected) <= few
    covered = (before & after).sum()
    expect(motion.get_by_test_id("motion-meaning")).to_contain_text(f"{covered} of {before.sum()} kept weights")


def test_play_runs_to_the_end_of_a_step_pause_holds_it_and_a_click_follows_another_weight(
    page: Page, saved: str
) -> None:
    motion = opened(page, saved)
    play, position = motion.get_by_test_id("motion-play"), motion.get_by_test_id("motion-position")
    motion.get_by_role("button", name="1 Rows travel").click()
    expect(position).to_have_text("rows: 100 % of the way")
    expect(play).to_have_text("Play")
    pauses = motion.evaluate_handle(PAUSE_WHEN, r"columns: [1-9]\d? %")
    play.click()
    pauses.evaluate("({ pressed }) => pressed")
    expect(play).to_have_text("Play")
    held = position.inner_text()
    row, col = np.argwhere(LAYOUT.before.kept)[0].tolist()
    motion.get_by_test_id("motion-scrubber").fill("0")
    stage = motion.get_by_test_id("motion-stage")
    box = stage.bounding_box()
    assert box is not None
    stage.click(position={"x": 14 + (col + 0.5) * (box["width"] - 14) / COLS, "y": (row + 0.5) * box["height"] / ROWS})
    expect(motion.get_by_test_id("motion-readout")).to_have_text(
        re.compile(f"^Followed: row {row}, column {col}: kept")
    )
    assert held.startswith("columns")
    motion.get_by_test_id("motion-follow").select_option(label="dropped")
    expect(motion.get_by_test_id("motion-readout")).to_contain_text("dropped after")


def test_the_reordering_is_saved_as_a_video(page: Page, saved: str) -> None:
    motion = opened(page, saved)
    button = motion.get_by_test_id("motion-save")
    with page.expect_download() as download:
        button.click()
        expect(motion.get_by_test_id("motion-position")).to_have_text(re.compile(r": [1-9]\d* %"))
        motion.get_by_test_id("motion-play").click()  # the video ends there
    assert re.fullmatch(r"reordering-conv\.weight\.(mp4|webm)", download.value.suggested_filename)
    assert Path(download.value.path()).read_bytes()[:12].startswith((b"\x1aE\xdf\xa3", b"\x00\x00\x00"))
    expect(button).to_be_enabled()


def test_where_motion_is_unwanted_nothing_plays_and_steps_are_taken_at_once(browser: Browser, saved: str) -> None:
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    motion = opened(page, saved)
    play, position = motion.get_by_test_id("motion-play"), motion.get_by_test_id("motion-position")
    for step in ("rows", "columns", "fill and drop"):
        expect(play).to_have_text("Next step")
        frames = int(motion.get_attribute("data-frames") or 0)
        play.tap()
        expect(position).to_have_text(f"{step}: 100 % of the way")
        # One for the step, and perhaps one for a new size: what plays paints dozens.
        assert int(motion.get_attribute("data-frames") or 0) < frames + 5
    motion.get_by_role("button", name="2 Columns travel").tap()
    expect(position).to_have_text("columns: 100 % of the way")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    for control in motion.locator("button, select, input").all():
        box = control.bounding_box()
        assert box is not None
        assert box["height"] >= 44
    context.close()
