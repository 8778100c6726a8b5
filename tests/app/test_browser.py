"""What a person does with the app, in a real browser."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from sparselab.app.inputs.samples import available, sample_path
from sparselab.display.message import ORDER_LABELS
from sparselab.formats import read_ticket
from tests.app.conftest import PATIENCE_MS
from tests.browsing import downloaded, fits
from tests.display.pages import embedded

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not available(), reason="no sample masks")]


def root(page: Page):  # type: ignore[no-untyped-def]
    return page.get_by_test_id("mask-view")


def computed(page: Page, *, unlike: str = "") -> str:
    """Wait until the right picture shows an answer other than `unlike`; return its digest."""
    found = page.wait_for_function(
        """old => {
            const hosts = [...document.querySelectorAll("*")].filter(e => e.shadowRoot);
            const all = [document, ...hosts.map(e => e.shadowRoot)];
            const view = all.map(d => d.querySelector("[data-testid=mask-view]")).find(Boolean);
            const digest = view?.dataset.digest ?? "";
            const rests = view?.dataset.settled === "true" && view.dataset.fitted === "true";
            return rests && digest && !digest.endsWith("|") && digest !== old && digest;
        }""",
        arg=unlike,
    )
    digest: str = found.json_value()
    return digest


def test_a_first_visitor_sees_a_sample_before_and_after(page: Page, server: str) -> None:
    page.goto(server)
    digest = computed(page)
    expect(page.get_by_test_id("mask-view-left")).to_be_visible()
    expect(page.get_by_test_id("mask-view-right")).to_be_visible()
    expect(page.get_by_test_id("stMetric").filter(has_text="Weights kept")).to_contain_text("%")
    assert digest.count("|") == 2


def test_every_weight_is_found_again_on_the_other_side(page: Page, server: str) -> None:
    page.goto(f"{server}/?sample=planted")
    computed(page)
    mask = next(iter(read_ticket(sample_path("planted")))).mask
    left = page.get_by_test_id("mask-view-left")
    left.hover(position={"x": 200, "y": 150})
    readout = page.get_by_test_id("mask-view-readout")
    expect(readout).to_contain_text("row")
    # Zoomed in until one pixel is one weight, the readout must agree with the file.
    left.click(position={"x": 200, "y": 150})
    for _ in range(8):
        page.keyboard.press("+")
    expect(root(page)).to_have_attribute("data-settled", "true")
    left.hover(position={"x": 210, "y": 140})
    expect(root(page)).to_have_attribute("data-cell", re.compile(r"\d+,\d+"))
    row, col = map(int, (root(page).get_attribute("data-cell") or "").split(","))
    expect(readout).to_contain_text("kept before" if mask.kept[row, col] else "zero before")


def test_a_knob_gives_a_new_picture_and_the_link_opens_it_again(page: Page, server: str, browser: Browser) -> None:
    page.goto(f"{server}/?sample=planted-noisy")
    before = computed(page)
    page.get_by_role("spinbutton", name="Rows per group").fill("24")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("rows_per_group=24"))
    expect(page.get_by_test_id("stMetric").filter(has_text="Blocks")).to_contain_text("22")
    changed = computed(page, unlike=before)
    other = browser.new_context().new_page()
    other.set_default_timeout(PATIENCE_MS)
    other.goto(page.url)
    expect(other.get_by_test_id("stMetric").filter(has_text="Blocks")).to_contain_text("22")
    assert computed(other) == root(page).get_attribute("data-digest") == changed
    other.context.close()


def test_orders(page: Page, server: str) -> None:
    page.goto(f"{server}/?sample=planted")
    digest = computed(page)
    for order in ("packed", "natural", "reordered"):
        page.get_by_role("radio", name=ORDER_LABELS[order]).click()
        digest = computed(page, unlike=digest)
        assert json.dumps(order) in digest
        expect(page.get_by_text(f"{ORDER_LABELS[order]}: density")).to_be_visible()


def ask_for_something_quick(page: Page) -> None:
    page.get_by_test_id("stSelectbox").filter(has_text="Transform").locator("input").fill("N:M")
    expect(page.get_by_role("option").first).to_contain_text("N:M")  # or there is nothing yet that Enter would choose
    page.keyboard.press("Enter")


def test_cancel_stops_long_work_and_the_page_goes_on(page: Page, server: str) -> None:
    page.goto(f"{server}/?sample=random&grouper=hypergraph&rows_per_group=8")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled. Change a setting")).to_be_visible()
    expect(page.get_by_role("button", name="Run again")).to_be_visible()
    ask_for_something_quick(page)
    computed(page)


def test_a_newer_knob_supersedes_what_runs(page: Page, server: str) -> None:
    page.goto(f"{server}/?sample=random&grouper=hypergraph&rows_per_group=8")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    ask_for_something_quick(page)
    computed(page)
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


def make_upload(path: Path, seed: int) -> Path:
    kept = np.random.default_rng(seed).random((48, 64)) < 0.25
    np.savez(path, **{"block.weight_mask": kept})
    return path


def test_two_tabs_do_not_disturb_each_other(page: Page, server: str, tmp_path: Path, browser: Browser) -> None:
    other = browser.new_context().new_page()
    other.set_default_timeout(PATIENCE_MS)
    for tab, name in ((page, "mine"), (other, "yours")):
        tab.goto(f"{server}/?source=Upload")
        tab.locator("input[type=file]").set_input_files(make_upload(tmp_path / f"{name}.npz", len(name)))
        computed(tab)
        expect(tab.get_by_text(f"{name}.npz ·")).to_be_visible()
        expect(tab).to_have_url(re.compile(f"file={name}.npz"))
    expect(page.get_by_text("yours.npz")).to_have_count(0)
    assert computed(page) != computed(other)
    # The link names the file and does not hold it: a stranger who has it is asked for that one, and is not shown somebody else's.
    stranger = browser.new_context().new_page()
    stranger.set_default_timeout(PATIENCE_MS)
    stranger.goto(page.url)
    expect(stranger.get_by_text("This link is about “mine.npz”")).to_be_visible()
    expect(stranger.get_by_test_id("mask-view")).to_have_count(0)
    other.context.close()
    stranger.context.close()


def test_a_hostile_upload_gets_one_sentence(page: Page, server: str, tmp_path: Path) -> None:
    (tmp_path / "bad.pt").write_bytes(b"\x80\x04cos\nsystem\n(S'touch /tmp/owned'\ntR.")
    page.goto(f"{server}/?source=Upload")
    page.locator("input[type=file]").set_input_files(tmp_path / "bad.pt")
    expect(page.get_by_test_id("stAlert")).to_contain_text("expected")
    page.get_by_role("radio", name="Sample").click()
    computed(page)


def test_take_away(page: Page, server: str, tmp_path: Path) -> None:
    page.goto(f"{server}/?sample=planted-noisy")
    digest = computed(page).rsplit("|", 1)[1]
    page.get_by_role("tab", name="Download").click()
    expect(page).to_have_url(re.compile("tab=Take"))

    def fetch(label: str) -> bytes:
        download = downloaded(page, page.get_by_role("button", name=label))
        path = tmp_path / download.suggested_filename
        download.save_as(path)
        return path.read_bytes()

    for label in ("npz (.npz)", "safetensors (.safetensors)", "torch (.pt)"):
        fetch(label)
    for path in tmp_path.glob("conv.weight.*"):
        assert next(iter(read_ticket(path))).mask.digest == digest
    rows = list(csv.DictReader(io.StringIO(fetch("Blocks (.csv)").decode())))
    assert len(rows) == 16
    assert len(fetch("Row order (.csv)").decode().splitlines()) == 513
    assert json.loads(fetch("Report (.json)"))["digest_after"] == digest
    assert embedded(fetch("Picture (.html)").decode())["digest"].endswith(digest)


def test_which_structure_for_my_checkpoint_in_three_clicks(page: Page, server: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    kept = rng.random((64, 144)) < 0.1
    np.savez(
        tmp_path / "mine.npz", **{"fc.weight": np.where(kept, rng.standard_normal(kept.shape), 0).astype(np.float32)}
    )
    page.goto(server)
    page.get_by_role("radio", name="Upload").click()
    page.locator("input[type=file]").set_input_files(tmp_path / "mine.npz")
    expect(page.get_by_text("fc.weight of mine.npz")).to_be_visible()
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_text("fc.weight of mine.npz")).to_be_visible()
    expect(page.get_by_text("keeps most at this budget")).to_be_visible()


def test_a_whole_network_and_one_of_its_layers_in_explore(page: Page, server: str, tmp_path: Path) -> None:
    page.goto(f"{server}/?sample=vgg-digits-imp-90")
    computed(page)
    page.get_by_role("link", name="Model").click()
    page.get_by_role("button", name="Run on all 4 layers").click()
    expect(page.get_by_text("Over 4 layers")).to_be_visible()
    page.get_by_role("button", name="Download the file with the new masks").click()
    downloaded(page, page.get_by_role("button", name="torch (.pt)")).save_as(tmp_path / "ticket.pt")
    assert len(read_ticket(tmp_path / "ticket.pt")) == 4
    page.keyboard.press("Escape")
    page.get_by_test_id("wall-card").first.click()
    computed(page)
    expect(page.get_by_text(re.compile(r"features\.4\.weight of sample"))).to_be_visible()


def test_compare_cancels_and_keeps_what_it_has(page: Page, server: str) -> None:
    page.goto(f"{server}/compare?sample=random")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text(re.compile("Stopped after .* contenders"))).to_be_visible()


def test_what_was_chosen_follows_the_visitor_to_other_pages(page: Page, server: str) -> None:
    page.goto(f"{server}/?sample=vgg-digits-imp-90&layer=features.8.weight")
    computed(page)
    for name in ("Model", "Compare", "Explore"):
        page.get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
        expect(page.get_by_text(re.compile("(features.8.weight of )?sample vgg-digits-imp-90:"))).to_be_visible()
    expect(page.get_by_text("features.8.weight of sample vgg-digits-imp-90")).to_be_visible()


@pytest.mark.parametrize("name", ["compare", "model"])
def test_other_pages_open_by_their_address(page: Page, server: str, name: str) -> None:
    page.goto(f"{server}/{name}?sample=planted")
    expect(page.get_by_role("heading", name=name.capitalize())).to_be_visible()
    expect(page.get_by_text("sample planted")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 900])
def test_it_paints_in_both_themes_and_widths(browser: Browser, server: str, scheme: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server}/?sample=planted-noisy")
    computed(page)
    background = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", background)[:3]))
    assert (brightness > 600) == (scheme == "light")
    fits(page)
    context.close()
