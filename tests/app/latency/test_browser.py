"""The Latency page in a real browser: the network's input stays in the address, and its text is seen in both themes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from sparselab.app.inputs.samples import available
from tests.app.conftest import PATIENCE_MS
from tests.browsing import fits

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not available(), reason="no sample masks")]

# Of every caption and text of a chart: the least contrast with the page behind it, by WCAG 2.2.
LEAST_CONTRAST = """() => {
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const behind = parts(getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor).slice(0, 3);
  const seen = (element, name) => {
    let [r, g, b, a = 1] = parts(getComputedStyle(element)[name]);
    for (let at = element; at; at = at.parentElement) a *= Number(getComputedStyle(at).opacity);
    return [r, g, b].map((v, i) => a * v + (1 - a) * behind[i]);
  };
  const contrast = colour => {
    const [a, b] = [light(colour), light(behind)].sort((x, y) => y - x);
    return (a + .05) / (b + .05);
  };
  const main = document.querySelector('[data-testid=stMain]');
  const captions = [...main.querySelectorAll('[data-testid=stCaptionContainer] p')].map(e => seen(e, 'color'));
  const texts = [...main.querySelectorAll('[data-testid=stPlotlyChart] :is(.xtick, .ytick, .g-xtitle, .g-ytitle, .legend) text')]
    .map(e => seen(e, 'fill'));
  return [captions.length, texts.length, Math.min(...captions.concat(texts).map(contrast))];
}"""


def test_the_input_is_asked_once_and_text_is_seen_in_both_themes(browser: Browser, server: str) -> None:
    for scheme, width in (("light", 1280), ("dark", 390)):
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{server}/latency?sample=vgg-digits-imp-90&layer=features.4.weight")
        side = page.get_by_role("spinbutton", name="Side of the network's input")
        side.fill("24")
        side.press("Enter")
        expect(page).to_have_url(re.compile("side=24"))
        expect(page.get_by_text("as in the network (576 positions)")).to_be_visible()
        page.get_by_role("tab", name="Whole network").click()
        expect(page.get_by_text("as in the network with batch 1, 24 x 24 pixels")).to_be_visible()
        page.get_by_role("tab", name="Break-even map").click()
        page.get_by_text("from stored sessions").click()
        expect(page.locator(".js-plotly-plot").first).to_be_visible()
        expect(page.locator(".ytick text").first).to_be_visible()
        # What a run has not drawn anew is paler meanwhile.
        page.wait_for_function(
            f"() => (([captions, texts, least]) => captions && texts && least >= 4.5)(({LEAST_CONTRAST})())"
        )
        fits(page)
        page.get_by_role("tab", name="Whole network").click()
        expect(side).to_have_value("24")
        page.reload()
        expect(side).to_have_value("24")
        context.close()
