"""Keys of a lesson: a clicker's, and the arrows where nothing that takes them has the focus; and the answer brought into sight."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from sparselab.app.shell.presenter import presenting

FORWARD, BACK = "forward", "back"
_SLOT, _DONE = "_lesson_key_listener", "_lesson_keys_done"
_LISTEN = """
const TAKES_KEYS = "input, textarea, select, [contenteditable], [role=slider], [role=radio], [role=tab], [role=listbox], " +
  "[role=application], [role=grid], canvas, [tabindex]:not(h1, h2, h3, body, main, section, div)";
let shown, hearing;
const PRESSED = new WeakMap();  // what was pressed since the lesson was opened: told whole each time, so that none is lost to another

export default function ({ data, parentElement, setStateValue }) {
  // A step begins at its top: Streamlit leaves the page where the step before was scrolled to.
  if (shown !== undefined && shown !== data.step) document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0);
  shown = data.step;
  hearing?.abort();  // Streamlit calls this again for new data, and what it returned only where the component goes
  const stop = hearing = new AbortController();
  const place = parentElement.querySelector("span");
  if (!PRESSED.has(place)) PRESSED.set(place, { since: `${performance.timeOrigin + performance.now()}`, keys: [] });
  const pressed = PRESSED.get(place);
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const forward = event.key === "PageDown" || event.key === "ArrowRight";
    if (!forward && event.key !== "PageUp" && event.key !== "ArrowLeft") return;
    const isClicker = event.key.startsWith("Page");
    if (isClicker && !data.presenting) return;  // it scrolls
    if (!isClicker && event.composedPath()[0].matches?.(TAKES_KEYS)) return;
    event.preventDefault();
    pressed.keys.push(forward ? "forward" : "back");
    setStateValue("pressed", { since: pressed.since, keys: [...pressed.keys], shown: data.step });
  }, { signal: stop.signal });
  place.dataset.hears = "";
  if (data.answered) requestAnimationFrame(() => {
    const answer = document.querySelector(".st-key-_lesson_ask");
    const top = answer?.getBoundingClientRect().top;
    if (innerWidth <= 800 && (top < 60 || top > innerHeight / 3)) answer.scrollIntoView();  // beside the picture it would hide that
  });
  return () => stop.abort();
}
"""


def hear_keys(step: str, press: Callable[[str, str], None], *, answered: bool) -> None:
    """Let Page Down and the right arrow go forward, Page Up and the left arrow back; the former while presenting.

    step: names the step that is shown: another one is shown from its top. press: is told of each key, FORWARD or BACK, in the order in
    which they were pressed, before the page is drawn; also of those that were pressed while it was; and of the step that the browser
    showed when the last of them was pressed. answered: the answer has been revealed in this run, and is to be seen.
    """
    with st.container(key="_lesson_keys"):
        data = {"presenting": presenting(), "answered": answered, "step": step}
        _listener()(key=_SLOT, data=data, on_pressed_change=partial(_follow, press))


def _follow(press: Callable[[str, str], None]) -> None:
    """Callback: press what was pressed since the last run."""
    session = st.session_state
    told = session[_SLOT]["pressed"]
    done = session.get(_DONE, {})
    known = done["count"] if done.get("since") == told["since"] else 0
    session[_DONE] = {"since": told["since"], "count": len(told["keys"])}
    for key in told["keys"][known:]:
        press(key, told["shown"])


@cache
def _listener() -> ComponentRenderer:
    return st.components.v2.component("sparselab_lesson_keys", html="<span></span>", js=_LISTEN)
