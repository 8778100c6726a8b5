"""The pictures in the app's window, and its presenter view: its link, a clicker's keys, and the way back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from sparselab.analysis.picture import ORDERS
from sparselab.app.inputs.samples import available
from tests.app.conftest import PATIENCE_MS
from tests.app.test_browser import computed
from tests.browsing import until

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not available(), reason="no sample masks")]


DEFAULT = "reordered"
SAYS = """(button, text) => ({ said: new Promise(said => new MutationObserver((_, seen) => {
    if (!button.parentNode.textContent.includes(text)) return;
    seen.disconnect();
    said();
}).observe(button.parentNode, { subtree: true, childList: true, characterData: true })) })"""
"""It says something beside a button: for three seconds, and a busy machine looks more seldom."""


def order_of(page: Page) -> str:
    found = re.search(r"[?&]order=(\w+)", page.url)
    return found.group(1) if found else DEFAULT


def address_of(order: str) -> re.Pattern[str]:
    return re.compile(r"^(?!.*[?&]order=)" if order == DEFAULT else rf"[?&]order={order}\b")


def test_a_presenter_opens_the_link_and_turns_through_the_orders(browser: Browser, server: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server}/?sample=planted")
    digest = computed(page)
    copy = page.get_by_role("button", name="Copy presenter link")
    says = copy.evaluate_handle(SAYS, "Copied")
    copy.click()
    says.evaluate("({ said }) => said")
    link = page.evaluate("navigator.clipboard.readText()")
    assert {"sample=planted", "view=presenter"} <= set(link.split("?")[1].split("&"))
    page.goto(link)
    assert computed(page) == digest
    expect(page.get_by_test_id("mask-view")).to_have_class(re.compile("presenting"))
    assert page.get_by_test_id("mask-view").bounding_box() == {"x": 0, "y": 0, "width": 1280, "height": 720}
    picture, readout = (page.get_by_test_id(f"mask-view-{name}").bounding_box() for name in ("left", "readout"))
    assert picture is not None
    assert readout is not None
    assert picture["height"] > 720 / 2
    assert readout["y"] + readout["height"] <= 720
    expect(page.get_by_role("link", name="Compare")).to_be_hidden()
    names = list(ORDERS)
    for key, step in (("PageDown", 1), ("PageDown", 1), ("PageUp", -1)):
        before = order_of(page)
        page.keyboard.press(key)
        digest = computed(page, unlike=digest)
        expect(page).to_have_url(address_of(names[(names.index(before) + step) % len(names)]))
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Compare")).to_be_visible()
    expect(page).not_to_have_url(re.compile("presenter"))
    assert computed(page) == digest
    page.get_by_test_id("mask-view-present").click()
    expect(page).to_have_url(re.compile("view=presenter"))
    context.close()


@pytest.mark.parametrize("name", ["glossary", "latency"])
def test_any_page_is_presented_in_large_type_and_left_again(page: Page, server: str, name: str) -> None:
    page.goto(f"{server}/{name}?view=presenter")
    title = page.get_by_role("heading", name=name.capitalize())
    expect(title).to_be_visible()
    page.get_by_test_id("stSidebar").wait_for(state="attached")  # the same style hides it and makes the type large
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    large = title.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    page.get_by_role("button", name="Leave presenter view").click()
    expect(page.get_by_test_id("stSidebar")).to_be_visible()
    until(page, lambda: title.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") < large)


def test_the_pictures_keep_their_size_while_a_knob_turns(page: Page, server: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{server}/?sample=planted")
    digest = computed(page)
    sizes = []
    for rows in (None, 24, 40):
        if rows is not None:
            page.get_by_role("spinbutton", name="Rows per group").fill(str(rows))
            page.keyboard.press("Enter")
            digest = computed(page, unlike=digest)
        box = page.get_by_test_id("mask-view-right").bounding_box()
        assert box is not None
        sizes.append((box["width"], box["height"]))
    assert sizes[0][1] >= 240
    assert len(set(sizes)) == 1
