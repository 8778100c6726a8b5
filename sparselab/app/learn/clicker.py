"""Keys of a lesson: a clicker's, and the arrows where nothing that takes them has the focus; and the answer brought into sight."""

from __future__ import annotations

from functools import cache

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from sparselab.app.shell.presenter import presenting

_LISTEN = """
const TAKES_KEYS = "input, textarea, select, [contenteditable], [role=slider], [role=radio], [role=tab], [role=listbox], " +
  "[role=application], [role=grid], canvas, [tabindex]:not(h1, h2, h3, body, main, section, div)";
export default function ({ data, parentElement }) {
  const stop = new AbortController();
  const press = (name) => document.querySelector(`.st-key-${name} button:not([disabled])`)?.click();
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


def hear_keys(*, answered: bool) -> None:
    """Let Page Down and the right arrow press what stands ahead, Page Up and the left arrow what is behind; the former while presenting.

    answered: the answer has been revealed in this run, and is to be seen.
    """
    with st.container(key="_lesson_keys"):
        _listener()(key="_lesson_key_listener", data={"presenting": presenting(), "answered": answered})


@cache
def _listener() -> ComponentRenderer:
    return st.components.v2.component("sparselab_lesson_keys", html="<span></span>", js=_LISTEN)
