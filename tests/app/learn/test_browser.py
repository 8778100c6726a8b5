"""A lesson in a browser: by keyboard alone, by a clicker on a projector, and by a finger on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, Route, WebSocketRoute, expect

from sparselab.lessons.catalogue import lesson_folder
from sparselab.lessons.loading import read_lesson
from tests.app.conftest import PATIENCE_MS
from tests.browsing import at_rest, fits, until

pytestmark = pytest.mark.browser

LESSON = read_lesson(lesson_folder("1"))
STEPS = [step.words["en"].title for step in LESSON.steps]

PAGE_DOWN = (
    "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'PageDown', bubbles: true, cancelable: true}))"
)


def at_step(page: Page, number: int) -> None:
    expect(page.get_by_role("heading", name=STEPS[number - 1], exact=True)).to_be_visible()
    at_rest(page)


def reach(page: Page, name: re.Pattern[str]) -> None:
    """Press Tab until a button of that name has the focus, once it is drawn."""
    expect(page.get_by_role("button", name=name)).to_be_visible()
    at_rest(page)
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement?.tagName") == "BUTTON" and name.search(
            page.evaluate("document.activeElement.textContent")
        ):
            return
    raise AssertionError(f"no button {name.pattern} is reached by Tab")


def test_a_lesson_by_keyboard_alone_to_the_page_of_ones_own_mask(page: Page, server: str) -> None:
    page.goto(f"{server}/learn?lesson=1")
    for step in LESSON.steps:
        at_step(page, step.number)
        if step.question is not None:
            reach(page, re.compile("Reveal"))
            page.keyboard.press("Enter")
            expect(page.locator(".st-key-_lesson_reveal")).to_be_visible()
        if step.number < len(STEPS):
            reach(page, re.compile("Next step"))
            page.keyboard.press("Enter")
    reach(page, re.compile("Now with your own mask"))
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stFileUploaderDropzone")).to_be_visible()
    assert f"transform={LESSON.transform}" in page.url or LESSON.transform == "regroup"


def test_a_clicker_goes_through_the_steps_on_a_projector(browser: Browser, server: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    buttons: list[Route] = []  # Streamlit fetches what draws a button when it is first needed
    page.route(re.compile(r"/Button\.[^/]*\.js"), lambda route: buttons.append(route), times=1)
    page.goto(f"{server}/learn?lesson=1&view=presenter")
    hears = page.locator(".st-key-_lesson_keys [data-hears]")
    hears.wait_for(state="attached")
    expect(page.locator(".st-key-_lesson_forward button")).to_have_count(0)
    page.keyboard.press("PageDown")  # reveal, before there is a button
    page.keyboard.press("PageDown")  # and on, before the answer is drawn
    while not buttons:  # who hangs is ended by the limit of the test
        page.wait_for_timeout(50)
    buttons[0].continue_()
    at_step(page, 2)
    page.keyboard.press("PageUp")
    at_step(page, 1)
    expect(page.locator(".st-key-_lesson_reveal")).to_be_visible()
    expect(page).to_have_url(re.compile("view=presenter"))
    page.get_by_role("button", name="All lessons").click()
    expect(hears).to_have_count(0)
    # The list of lessons is scrolled by the keys that went through the steps: soon, for React ends a component after it has gone.
    until(page, lambda: page.evaluate(PAGE_DOWN))
    context.close()


def test_a_key_counts_though_the_browser_has_not_heard_of_the_step_before(page: Page, server: str) -> None:
    """The picker of steps comes with the key, and still says the step that the browser shows."""
    is_slow, waiting = False, []

    def hear(socket: WebSocketRoute) -> None:
        def pass_on(message: str | bytes) -> None:
            if is_slow:
                waiting.append(lambda: socket.send(message))
            else:
                socket.send(message)

        socket.connect_to_server().on_message(pass_on)

    page.route_web_socket(re.compile("_stcore/stream"), hear)
    page.goto(f"{server}/learn?lesson=1&view=presenter")
    page.locator(".st-key-_lesson_keys [data-hears]").wait_for(state="attached")
    at_step(page, 1)
    is_slow = True
    for _ in range(3):  # reveal, on, reveal
        page.keyboard.press("PageDown")
        heard = -1
        while heard < len(waiting) or not waiting:
            heard = len(waiting)
            page.wait_for_timeout(1000)
    is_slow = False
    for send in waiting:
        send()
    at_step(page, 2)
    expect(page.locator(".st-key-_lesson_reveal")).to_be_visible()


def test_a_guess_by_a_finger_is_drawn_beside_the_answer(browser: Browser, server: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server}/learn?lesson=3&step=2")
    choice = page.get_by_test_id("stRadioOption").filter(has_text="first and second")
    choice.scroll_into_view_if_needed()
    box = choice.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    choice.tap()
    reveal = page.get_by_role("button", name="Reveal", exact=True)
    expect(reveal).to_be_visible()
    reveal.tap()
    drawn = page.locator(".st-key-_lesson_ask svg[role=img]")
    expect(drawn).to_have_attribute("aria-label", re.compile("0.375"))
    expect(drawn).to_be_in_viewport()
    expect(page.locator(".st-key-_lesson_reveal")).to_be_in_viewport()
    fits(page)
    context.close()


def test_a_step_begins_at_its_top(page: Page, server: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 500})
    page.goto(f"{server}/learn?lesson=3&step=2")
    page.get_by_role("button", name="Reveal").click()
    ahead = page.get_by_role("button", name="Next step")
    expect(ahead).to_be_visible()
    main = page.get_by_test_id("stMain")
    until(page, lambda: main.evaluate("e => (e.scrollTo(0, e.scrollHeight), e.scrollTop)") > 0)
    ahead.click()
    expect(page.get_by_role("heading", name="Five hundred kernels")).to_be_visible()
    page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop === 0")
