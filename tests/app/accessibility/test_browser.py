"""Every page by axe-core, by the contrast of its text in both themes, and what it says while it works."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, TimeoutError, expect

from sparselab.app.inputs.samples import available
from tests.app.conftest import PATIENCE_MS
from tests.app.test_browser import computed
from tests.browsing import at_rest, fits

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not available(), reason="no sample masks")]

STREAMLITS: Mapping[tuple[str, str], str] = MappingProxyType({})
"""What axe-core finds serious in Streamlit's own elements: why, by the rule and the selector that all such elements match.

docs/accessibility.md says the same. An entry that nothing needs any more fails the test."""

GRAVE = ("serious", "critical")

# Of every caption, chosen segment and text of a chart: the least contrast with what is behind it, by WCAG 2.2.
LEAST_CONTRAST = """() => {
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const over = ([r, g, b, a = 1], below) => [r, g, b].map((v, i) => a * v + (1 - a) * below[i]);
  const behind = element => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(parts(getComputedStyle(at).backgroundColor));
    return layers.reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const contrast = name => element => {
    const ground = behind(element), colour = parts(getComputedStyle(element)[name]);
    colour[3] ??= 1;
    for (let at = element; at; at = at.parentElement) colour[3] *= Number(getComputedStyle(at).opacity);
    const [a, b] = [light(over(colour, ground)), light(ground)].sort((x, y) => y - x);
    return (a + .05) / (b + .05);
  };
  const all = (where, name) => [...document.querySelectorAll(where)].filter(e => e.checkVisibility() && e.textContent.trim())
    .map(contrast(name));
  const texts = all("[data-testid=stPlotlyChart] :is(.infolayer, .xtick, .ytick) text", "fill");
  const captions = all("[data-testid=stCaptionContainer] p, [data-testid=stButtonGroup] button[data-selected=true] p", "color");
  return [captions.length, texts.length, Math.min(...captions, ...texts)];
}"""


COUNT_RUNS = """
  window.sparselabRuns = 0;
  new MutationObserver(() => { window.sparselabRuns += 1; })
    .observe(document, { subtree: true, attributeFilter: ["data-test-script-state"] });
"""
"""How often the script of the page has begun or ended."""

HAS_SCHEME = "getComputedStyle(document.querySelector('[data-testid=stApp]')).colorScheme.includes(scheme)"


def drawn(page: Page) -> None:
    """Wait until the page that was opened has drawn itself."""
    expect(page.locator("h3").first).to_be_visible()
    at_rest(page)


def menu(page: Page, server: str) -> list[str]:
    """Return the addresses of all pages, as the menu has them."""
    page.goto(f"{server}/glossary")
    drawn(page)
    links = page.get_by_test_id("stSidebarNavLink")
    found: list[str] = links.evaluate_all("links => links.map(each => each.href.split('?')[0])")
    assert len(found) > 1
    return found


def grave_findings(page: Page, unneeded: set[tuple[str, str]]) -> list[str]:
    """Return axe-core's serious findings that no entry of the table explains; those that do leave `unneeded`."""
    found = []
    violations: list[dict[str, Any]] = []
    runs = -1
    # Between two runs: what a run has not drawn anew is paler meanwhile.
    while runs != page.evaluate("sparselabRuns"):
        at_rest(page)
        runs = page.evaluate("sparselabRuns")
        violations = Axe().run(page).response["violations"]
    for violation in violations:
        for node in violation["nodes"]:
            last = node["target"][-1]  # a list where it lies in a shadow tree, which Playwright looks into by itself
            place = page.locator(last if isinstance(last, str) else last[-1]).first
            known = [
                (rule, selector)
                for rule, selector in STREAMLITS
                if rule == violation["id"] and place.evaluate("(each, selector) => each.matches(selector)", selector)
            ]
            unneeded.difference_update(known)
            if violation["impact"] in GRAVE and not known:
                found.append(f"{page.url}: {violation['id']}: {node['html'][:200]}")
    return found


def test_no_page_has_a_serious_finding_and_all_text_is_seen_in_both_themes(page: Page, server: str) -> None:
    page.add_init_script(COUNT_RUNS)
    unneeded = set(STREAMLITS)
    found, charts = [], 0
    for address in menu(page, server):
        page.goto(address)
        drawn(page)
        # axe looks at the wide page, where nothing is folded away. A page that goes on working is looked at as it is then.
        for size in ({"width": 390, "height": 844}, {"width": 1280, "height": 720}):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            fits(page)
        found += grave_findings(page, unneeded)
        page.set_viewport_size({"width": 1280, "height": 1000})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            try:  # colours go over into one another, and what a run has not drawn anew is paler meanwhile
                found_texts = page.wait_for_function(
                    f"scheme => {HAS_SCHEME} && (found => found[0] && found[2] >= 4.5 && found)(({LEAST_CONTRAST})())",
                    arg=scheme,
                )
            except TimeoutError:
                pytest.fail(f"{address}, {scheme}: captions, texts, least contrast: {page.evaluate(LEAST_CONTRAST)}")
            charts += found_texts.json_value()[1]
        page.emulate_media(color_scheme="light")
    assert not found, "\n".join(found)
    assert not unneeded, f"entries that nothing needs: {unneeded}"
    assert charts > 0


# A browser that is busy may take the first and the last message of a short run together and never draw the time between:
# such a click is answered by the page itself. Here each message comes when the one before it was drawn.
ONE_BY_ONE = """
  const listen = WebSocket.prototype.addEventListener;
  WebSocket.prototype.addEventListener = function (kind, take, ...rest) {
    let before = Promise.resolve();
    const drawn = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    const later = event => { before = before.then(drawn).then(() => take.call(this, event)).then(drawn); };
    return listen.call(this, kind, kind === "message" ? later : take, ...rest);
  };
"""


def test_a_click_is_answered_by_what_is_being_done_before_it_is_done(browser: Browser, server: str) -> None:
    context = browser.new_context()
    context.add_init_script(ONE_BY_ONE)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server}/?sample=planted")
    computed(page)
    drawn(page)
    page.wait_for_function("() => window.sparselabFeedback")
    doing = page.locator("#sparselab-doing[role=status]")
    page.evaluate(
        """() => {
            window.told = [];
            new MutationObserver(() => {
                const text = document.querySelector("#sparselab-doing")?.textContent;
                if (text && told.at(-1) !== text) told.push(text);
            }).observe(document.body, { subtree: true, childList: true, characterData: true });
        }"""
    )
    for press, text in (
        (page.get_by_role("radio", name="as in the file"), "Rows: as in the file ..."),
        (page.get_by_test_id("stSidebarNavLink").filter(has_text="Glossary"), "Opening Glossary ..."),
    ):
        press.click()
        page.wait_for_function("text => told.includes(text)", arg=text)
        expect(doing).to_be_empty()
    expect(page).to_have_url(re.compile("/glossary"))
    context.close()


def test_a_slow_server_does_not_make_a_click_unanswered(page: Page, server: str) -> None:
    page.goto(f"{server}/?sample=planted")
    computed(page)
    drawn(page)
    page.wait_for_function("() => window.sparselabFeedback")
    doing = page.locator("#sparselab-doing[role=status]")

    def state(name: str) -> None:
        page.get_by_test_id("stApp").evaluate("(app, name) => { app.dataset.testScriptState = name; }", name)

    page.get_by_role("radio", name="as in the file").press("Shift")  # Streamlit makes nothing of this key
    page.wait_for_timeout(4000)
    state("running")
    expect(doing).to_have_text("Rows: as in the file ...")
    state("notRunning")
    expect(doing).to_be_empty()
    state("running")  # for nobody's click
    page.wait_for_timeout(100)
    expect(doing).to_be_empty()
