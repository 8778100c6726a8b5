"""The toy in a browser: rows go by mouse and by keyboard, weights by a finger, and the page hears of it when they rest."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from sparselab.analysis.toy import jaccard, sorted_by_groups
from sparselab.analysis.toy_steps import PRODUCTS, count
from tests.app.conftest import PATIENCE_MS, ROOT
from tests.app.toy.toys import TOYS, toy_of
from tests.browsing import at_rest, free_port, served

pytestmark = pytest.mark.browser

LEAST_CELL = 24
LEAST_BUTTON = 44


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    script = Path(__file__).with_name("script.py")
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless=true", f"--server.port={port}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with served(command, port, cwd=ROOT, environment=environment, log=tmp_path_factory.mktemp("toy") / "log.txt"):
        yield f"http://localhost:{port}"


def opened(page: Page, address: str, mode: str, options: str = "") -> Locator:
    page.goto(f"{address}/?mode={mode}{options}")
    expect(page.get_by_test_id("toy-sentence")).to_contain_text("weights kept")
    expect(page.get_by_test_id("stText")).to_be_visible()
    at_rest(page)  # the button above it would push it down
    return page.get_by_test_id("toy")


def handle(page: Page, axis: str, number: int) -> Locator:
    return page.get_by_role("button", name=f"Move {axis} {number}", exact=True)


def middle(locator: Locator) -> tuple[float, float]:
    box = locator.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def told(page: Page, text: str) -> None:
    """What Python was told, as the page writes it."""
    expect(page.get_by_test_id("stText")).to_contain_text(text)


def outputs(page: Page) -> list[str]:
    return page.locator(".toy-row:has(.toy-cell) .toy-output").all_text_contents()


def test_rows_and_columns_are_dragged_and_stepped_and_the_answer_travels_along(page: Page, address: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    opened(page, address, "rows")
    before = outputs(page)
    x, y = middle(handle(page, "row", 0))
    below = middle(handle(page, "row", 2))[1]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, (y + below) / 2, steps=4)
    page.mouse.move(x, below + 2, steps=4)
    told(page, "rows (0, 1, 2, 3, 4, 5)")  # nothing is told while the hand holds it
    page.mouse.up()
    told(page, "rows (1, 2, 0, 3, 4, 5)")
    assert outputs(page) == [before[row] for row in (1, 2, 0, 3, 4, 5)]
    handle(page, "row", 5).press("ArrowUp")
    expect(page.get_by_test_id("toy-live")).to_contain_text("Row 5 is at place 5 of 6. ✓ Same answer")
    told(page, "rows (1, 2, 0, 3, 5, 4)")
    handle(page, "column", 0).press("End")
    told(page, "columns (1, 2, 3, 4, 5, 6, 7, 8, 0)")
    expect(handle(page, "column", 0)).to_be_focused()
    page.get_by_role("button", name="Run the page again").click()
    told(page, "rows (1, 2, 0, 3, 5, 4)")
    assert outputs(page) == [before[row] for row in (1, 2, 0, 3, 5, 4)]
    page.get_by_test_id("toy-sort").click()
    machine = sorted_by_groups(toy_of("rows"))
    told(page, f"rows {machine.row_order} columns {machine.column_order}")
    expect(page.get_by_test_id("toy-blocks")).to_contain_text(f"{count(machine, 'blocks').zeros} of them by zero")
    page.get_by_test_id("toy-sort").click()
    told(page, "rows (1, 2, 0, 3, 5, 4)")
    page.get_by_test_id("toy-reset").click()
    told(page, "rows (0, 1, 2, 3, 4, 5) columns (0, 1, 2, 3, 4, 5, 6, 7, 8)")


def test_a_covered_toy_moves_and_answers_nothing_until_the_reveal(page: Page, address: str) -> None:
    answers = re.compile(r"Same answer|multiplication|both keep \d|Density")
    for mode in ("rows", "pair", "toggle"):
        toy = opened(page, address, mode, "&covered=yes")
        if mode == "rows":
            handle(page, "row", 5).press("ArrowUp")
            told(page, "rows (0, 1, 2, 3, 5, 4)")
        else:
            toy.locator(".toy-cell").first.click()
            told(page, "toggled ((0, 0),)")
        assert not answers.search(toy.inner_text())
        expect(toy.get_by_test_id("toy-matrix")).to_be_hidden()
        page.get_by_test_id("stCheckbox").click()
        expect(toy).to_have_text(answers, use_inner_text=True)
        told(page, "rows (0, 1, 2, 3, 5, 4)" if mode == "rows" else "toggled ((0, 0),)")


@pytest.mark.parametrize("width", [390, 1280])
def test_a_race_is_seen_on_one_screen(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    opened(page, address, "count")
    boxes = [each.bounding_box() for each in page.get_by_test_id("toy-panel").all()]
    assert len({box["y"] for box in boxes if box}) == 1
    assert all(box and box["x"] + box["width"] <= width and box["height"] < 500 for box in boxes)


def test_steps_are_counted_as_the_engine_counts_them(page: Page, address: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    opened(page, address, "count")
    expect(page.get_by_test_id("toy-play")).to_be_hidden()
    page.get_by_test_id("toy-forth").click()
    told(page, "step 1")
    page.get_by_test_id("toy-end").click()
    toy = toy_of("count")
    for method in PRODUCTS:
        cost = count(toy, method)
        panel = page.locator(f"[data-method={method}]")
        expect(panel.locator(".toy-steps")).to_have_text(f"{cost.steps} of {cost.steps} steps")
        for name in ("multiplications", "zeros", "reads"):
            expect(panel.locator(f".toy-{name}")).to_have_text(str(getattr(cost, name)))
    page.emulate_media(reduced_motion="no-preference")
    page.get_by_test_id("toy-play").click()
    expect(page.get_by_test_id("toy-position")).to_contain_text(re.compile(r"Step ([2-9]|\d\d+) "))
    page.get_by_test_id("toy-play").click()
    told(page, re.search(r"Step (\d+)", page.get_by_test_id("toy-position").inner_text())[0].lower())  # type: ignore[index]


def test_a_pair_is_chosen_and_its_fraction_follows_the_cells(page: Page, address: str) -> None:
    opened(page, address, "pair")
    toy = toy_of("pair")
    fraction = [page.get_by_test_id(name) for name in ("toy-above", "toy-below")]
    expect(fraction[0]).to_have_text("3")
    expect(fraction[1]).to_have_text(str(3 * jaccard(toy, 0, 1).denominator // jaccard(toy, 0, 1).numerator))
    page.get_by_test_id("toy-matrix").get_by_role("gridcell", name="rows 3 and 0:").click()
    told(page, "pair (3, 0)")
    expect(page.get_by_test_id("toy-fraction-words")).to_contain_text("both keep 4 of the 5 columns")
    cell = page.get_by_role("gridcell", name="row 3, column 4", exact=False)
    cell.focus()
    cell.press("Space")
    expect(page.get_by_test_id("toy-fraction-words")).to_contain_text("both keep 5 of the 5 columns")
    cell.press("ArrowRight")
    page.keyboard.press("Enter")
    told(page, "toggled ((3, 4), (3, 5))")
    expect(page.get_by_test_id("toy-fraction-words")).to_contain_text("both keep 5 of the 6 columns")


def test_a_finger_toggles_and_drags_and_otherwise_scrolls(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    opened(page, address, "toggle")
    page.get_by_role("gridcell", name="row 2, column 3", exact=False).tap()
    page.get_by_role("gridcell", name="row 0, column 0", exact=False).tap()
    told(page, "toggled ((0, 0), (2, 3))")
    for mode in TOYS:
        opened(page, address, mode)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        for cells, least in ((".toy-body [role=gridcell]", LEAST_CELL), (".toy button:not(.toy-handle)", LEAST_BUTTON)):
            boxes = [each.bounding_box() for each in page.locator(cells).all() if each.is_visible()]
            assert all(box and min(box["width"], box["height"]) >= least for box in boxes), (mode, cells)
        held = page.evaluate("""() => [...document.querySelectorAll("[data-testid=stApp] *")]
            .flatMap(e => [e, ...(e.shadowRoot?.querySelectorAll("*") ?? [])])
            .filter(e => getComputedStyle(e).touchAction === "none" && e.checkVisibility()).map(e => e.className)""")
        assert set(held) <= {"toy-handle"}
        assert bool(held) == (mode == "rows")
    opened(page, address, "rows")
    x, y = middle(handle(page, "row", 1))
    end = middle(handle(page, "row", 4))[1]
    cdp = context.new_cdp_session(page)
    for kind, at in (("Start", y), ("Move", (y + end) / 2), ("Move", end)):
        cdp.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": [{"x": x, "y": at}]})
    cdp.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    told(page, "rows (0, 2, 3, 4, 1, 5)")
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_grave(page: Page, address: str, theme: str) -> None:
    for mode in TOYS:
        opened(page, address, mode, f"&embed_options={theme}_theme")
        if mode == "count":
            page.get_by_test_id("toy-end").click()
            told(page, f"step {max(count(toy_of(mode), method).steps for method in PRODUCTS)}")
            at_rest(page)  # what a run has not drawn anew is paler meanwhile
        found = Axe().run(page).response["violations"]
        grave = [rule for rule in found if rule["impact"] in ("serious", "critical")]
        assert not [(mode, rule["id"], [node["html"][:200] for node in rule["nodes"][:4]]) for rule in grave]
