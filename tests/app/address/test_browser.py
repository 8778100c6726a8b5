"""The address in a real browser: every control of a page set by a link, then reload, another page, Back, and opened in Explore."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from sparselab.app.inputs.samples import available
from tests.app.address.test_pages import PAGES
from tests.browsing import at_rest

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not available(), reason="no sample masks")]

LAYER = {"sample": "vgg-digits-imp-90", "layer": "features.4.weight", "seed": "3"}
KNOBS = {"rule": "ratio", "grouper": "natural", "rows_per_group": "16", "ratio": "2.5"}
LINKS: Mapping[str, Mapping[str, str]] = {
    "compare": {**LAYER, "budget": "20", "baseline": "regroup-natural"},
    "explore": {**LAYER, **KNOBS, "order": "packed", "plain": "true", "tab": "Checks"},
    "glossary": {"term": "mask"},
    "latency": {**LAYER, **KNOBS, "size": "64", "batch": "2", "seconds": "3", "dtype": "float64", "threads": "1"},
    "learn": {"lesson": "6", "step": "3", "controls": "rows_per_group", "rows_per_group": "16"},
    "model": {**LAYER, "transform": "n-m", "n": "1", "m": "8"},
    "sweeps": {"sweeps_tab": "plan"},
    "training": {"axis": "blocks", "training_tab": "Accuracy curves"},
    "why": {"why_tab": "Shapes", "why_share": "30", "why_positions": "1"},
}
"""For each page a link in which much is other than its default; tests/app/address/test_pages.py walks every key without a browser."""

HEADINGS = {"learn": "6 · The price of a block"}
"""Of pages that are called otherwise at their link."""

TITLES = {"why": "Why not faster?"}
"""Of pages whose title is more than the name in the address."""


def address(page: Page) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(page.url).query))


VALUES = """scope => [...document.querySelector(scope).querySelectorAll("input:not([type=file]), [aria-checked=true], [aria-selected=true]")]
    .map(e => [e.getAttribute("aria-label") ?? "", e.type === "checkbox" ? e.checked : e.value ?? e.innerText].join(": "))
    .sort()"""


def values(page: Page, scope: str) -> list[str]:
    """What the controls of the page show once it rests: fields, switches, and which choice of a row is pressed."""
    seen: list[list[str]] = [[], []]
    while len(seen[-1]) == 0 or seen[-1] != seen[-2]:  # who hangs is ended by the limit of the test
        page.wait_for_timeout(500)
        if scope == "body":  # while it computes, a page does not have all its controls; then its script begins anew
            expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning")
        # What a widget or a chart is drawn with comes when it is first needed.
        expect(page.locator(scope).get_by_test_id("stSkeleton")).to_have_count(0)
        seen.append(page.evaluate(VALUES, scope))
    return seen[-1]


def shows(page: Page, scope: str, wanted: list[str]) -> None:
    page.wait_for_function(
        f"([scope, wanted]) => JSON.stringify(({VALUES})(scope)) === JSON.stringify(wanted)", arg=[scope, wanted]
    )


def waits_for(page: Page, name: str, told: Mapping[str, str]) -> None:
    heading = HEADINGS.get(name, TITLES.get(name, name.capitalize()))
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    page.wait_for_function(
        "told => { const q = new URLSearchParams(location.search); return told.every(([k, v]) => q.get(k) === v); }",
        arg=[list(pair) for pair in told.items()],
    )


def test_every_page_of_the_app_has_a_link() -> None:
    assert sorted(LINKS) == PAGES


@pytest.mark.parametrize("name", LINKS)
def test_a_link_is_seen_after_reload_after_another_page_and_after_back(name: str, page: Page, server: str) -> None:
    told = LINKS[name]
    # Compare shows more when its contenders are done, which this test does not wait for.
    scope = "[data-testid=stSidebar]" if name == "compare" else "body"
    page.goto(f"{server}/{'' if name == 'explore' else name}?{urlencode(told)}")
    waits_for(page, name, told)
    if name == "compare":  # said after all that stands in the sidebar
        expect(page.get_by_text(f"{told['layer']} of sample")).to_be_visible()
    seen = values(page, scope)
    page.reload()
    waits_for(page, name, told)
    shows(page, scope, seen)
    aside = "training" if name == "glossary" else "glossary"
    page.get_by_role("link", name=aside.capitalize()).click()
    waits_for(page, aside, {})
    page.get_by_role("link", name=TITLES.get(name, name.capitalize())).click()
    waits_for(page, name, told)
    page.go_back()
    waits_for(page, aside, {})
    page.go_back()
    waits_for(page, name, told)
    page.wait_for_url(lambda url: dict(parse_qsl(urlsplit(url).query)) == told)
    shows(page, scope, seen)
    expect(page.get_by_text("Not as in the link")).to_have_count(0)


def test_back_and_forward_lead_to_the_last_knobs_and_a_knob_is_no_step(page: Page, server: str) -> None:
    page.goto(f"{server}/?sample=planted")
    waits_for(page, "explore", {"sample": "planted"})
    steps = page.evaluate("history.length")
    for rows in ("16", "8"):
        field = page.get_by_role("spinbutton", name="Rows per group")
        field.fill(rows)
        field.press("Enter")
        waits_for(page, "explore", {"rows_per_group": rows})
    assert page.evaluate("history.length") == steps
    page.get_by_role("link", name="Model").click()
    waits_for(page, "model", {"sample": "planted"})
    page.get_by_role("button", name=re.compile("in Explore")).click()
    waits_for(page, "explore", {"layer": "conv.weight"})
    assert "rows_per_group" not in address(page)
    page.go_back()
    waits_for(page, "model", {"sample": "planted"})
    page.go_back()
    waits_for(page, "explore", {"rows_per_group": "8"})
    expect(page.get_by_role("spinbutton", name="Rows per group")).to_have_value("8")
    page.go_forward()
    waits_for(page, "model", {"sample": "planted"})


def test_the_mask_of_a_training_is_the_same_after_a_reload(page: Page, server: str) -> None:
    page.goto(f"{server}/training?axis=blocks")
    page.get_by_role("button", name="Open in Explore").click()
    waits_for(page, "explore", {"source": "Path"})
    mask = page.get_by_text(re.compile(r"of level-10\.safetensors: .* weights kept")).inner_text()
    page.reload()
    expect(page.get_by_text(mask)).to_be_visible()


def test_the_knobs_that_waited_for_an_upload_show_what_stands(page: Page, server: str, tmp_path: Path) -> None:
    """The browser forgets what is not drawn while there is no file: it must not show the first of all choices then."""
    kept = np.random.default_rng(0).random((48, 64)) < 0.25
    np.savez(tmp_path / "mine.npz", **{"block.weight_mask": kept})
    page.goto(server)
    page.get_by_test_id("mask-view-right").wait_for()
    at_rest(page)
    wanted = [text for text in values(page, "[data-testid=stSidebar]") if text.startswith(("Transform", "Rows"))]
    assert wanted
    page.get_by_test_id("stSidebar").get_by_text("Upload", exact=True).click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(tmp_path / "mine.npz")
    expect(page.get_by_text("block.weight of mine.npz")).to_be_visible()
    page.wait_for_function(
        f"([scope, wanted]) => wanted.every((each) => ({VALUES})(scope).includes(each))",
        arg=["[data-testid=stSidebar]", wanted],
    )
    expect(page.get_by_role("radio", name="by group")).to_be_checked()
    page.get_by_role("spinbutton", name="Rows per group").fill("16")
    page.keyboard.press("Enter")
    waits_for(page, "explore", {"rows_per_group": "16", "file": "mine.npz"})
