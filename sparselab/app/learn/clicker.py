"""Keys of a lesson: a clicker's, and the arrows where nothing that takes them has the focus; and the answer brought into sight."""

from __future__ import annotations

from functools import cache

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from sparselab.app.shell.presenter import presenting

_LISTEN = """
const TAKES_KEYS = "input, textarea, select, [contenteditable], [role=slider], [role=radio], [role=tab], [role=listbox], " +
  "[role=application], [role=grid], canvas, [tabindex]:not(h1, h2, h3, body, main, section, div)";
let shown, hearing;
let forget = () => {};

// A key pressed while the page is being drawn is kept until its button is there, of this run, and enabled, or anything else is pressed.
function press(name) {
  const click = () => {
    const button = document.querySelector(`.st-key-${name}:not([data-stale=true]) button:not([disabled])`);
    if (button) { forget(); button.click(); }
    return Boolean(button);
  };
  if (click()) return;
  const drawn = new MutationObserver(click);
  forget = () => drawn.disconnect();
  drawn.observe(document.body, { subtree: true, childList: true, attributeFilter: ["disabled", "data-stale", "class"] });
}

export default function ({ data, parentElement }) {
  // A step begins at its top: Streamlit leaves the page where the step before was scrolled to.
  if (shown !== undefined && shown !== data.step) document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0);
  shown = data.step;
  hearing?.abort();  // Streamlit calls this again for new data, and what it returned only where the component goes
  const stop = hearing = new AbortController();
  for (const kind of ["keydown", "pointerdown", "click", "popstate"])
    window.addEventListener(kind, () => forget(), { signal: stop.signal, capture: true });
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const forward = event.key === "PageDown" || event.key === "ArrowRight";
    if (!forward && event.key !== "PageUp" && event.key !== "ArrowLeft") return;
    const isClicker = event.key.startsWith("Page");
    if (isClicker && !data.presenting) return;  // it scrolls
    if (!isClicker && event.composedPath()[0].matches?.(TAKES_KEYS)) return;
    event.preventDefault();
    press(forward ? "_lesson_forward" : "_lesson_back");
  }, { signal: stop.signal });
  parentElement.querySelector("span").dataset.hears = "";
  if (data.answered) requestAnimationFrame(() => {
    const answer = document.querySelector(".st-key-_lesson_ask");
    const top = answer?.getBoundingClientRect().top;
    if (innerWidth <= 800 && (top < 60 || top > innerHeight / 3)) answer.scrollIntoView();  // beside the picture it would hide that
  });
  return () => stop.abort();
}
"""


def hear_keys(step: str, *, answered: bool) -> None:
    """Let Page Down and the right arrow press what stands ahead, Page Up and the left arrow what is behind; the former while presenting.

    step: names the step that is shown: another one is shown from its top. answered: the answer has been revealed in this run, and is to be seen.
    """
    with st.container(key="_lesson_keys"):
        _listener()(key="_lesson_key_listener", data={"presenting": presenting(), "answered": answered, "step": step})


@cache
def _listener() -> ComponentRenderer:
    return st.components.v2.component("sparselab_lesson_keys", html="<span></span>", js=_LISTEN)
