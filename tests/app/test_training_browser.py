"""Training in a real browser: start, leave, come back by the link, cancel, resume, delete."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app.conftest import PATIENCE_MS

pytestmark = pytest.mark.browser


def fill(page: Page, label: str, text: str) -> None:
    field = page.locator(f"input[aria-label='{label}']")
    field.fill(text)
    field.press("Enter")
    expect(field).to_have_value(text)


def test_a_run_outlives_its_page(page: Page, server: str, browser: Browser) -> None:
    page.goto(f"{server}/training?training_tab=Start+a+run")
    page.get_by_text("All settings").click()
    fill(page, "Task settings", "train=96,validation=32,test=32,canvas=12")
    fill(page, "Epochs", "400")
    fill(page, "Levels", "2")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.get_by_text("level-0")).to_be_visible()
    expect(page).to_have_url(re.compile("[?&]run="))
    link = page.url
    page.close()

    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    again = context.new_page()
    again.set_default_timeout(PATIENCE_MS)
    again.goto(link)
    expect(again.get_by_role("button", name="Cancel")).to_be_visible()
    again.get_by_role("button", name="Cancel").click()
    expect(again.get_by_role("button", name="Resume")).to_be_visible()
    expect(again.get_by_role("button", name="Cancel")).to_have_count(0)  # or the next one would be this one
    again.get_by_role("button", name="Resume").click()
    expect(again.get_by_role("button", name="Cancel")).to_be_visible()
    again.get_by_role("button", name="Cancel").click()
    again.get_by_role("button", name="Delete").click()
    expect(again.get_by_text("This cannot be undone")).to_be_visible()
    again.get_by_role("button", name="Delete this run").click()
    expect(again.get_by_text("No run selected. Choose a run")).to_be_visible()
    context.close()


def test_a_shipped_ticket_opens_in_explore(page: Page, server: str) -> None:
    page.goto(f"{server}/training")
    expect(page.get_by_text("Fewest weights kept that validation")).to_be_visible()
    page.get_by_role("button", name="Open in Explore").click()
    expect(page.get_by_text("Weights kept").first).to_be_visible()
    expect(page.get_by_text("level-10.safetensors")).to_be_visible()
