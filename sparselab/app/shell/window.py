"""The app around the pages: window, style, workers, and the page that the address names."""

from __future__ import annotations

import streamlit as st

from sparselab.app.shell.contrast import strong_text
from sparselab.app.shell.navigation import enter, window
from sparselab.app.shell.session import broker

# Streamlit leaves six lines of nothing above every page; on a projector they are missed at the bottom.
_STYLE = (
    "<style>.stMainBlockContainer { padding-top: 2.2rem; } .stSidebar [data-testid=stSidebarHeader] { height: 2rem; } "
    "[data-testid=stLayoutWrapper]:has(> :is(.st-key-_address_bar, .st-key-_feedback)) { display: none; } "
    # The line above the title, which Streamlit's own header overlays.
    ".stMainBlockContainer { position: relative; } :has(> .st-key-presenter_switch) { position: absolute; width: auto; "
    "top: 0.25rem; right: 5rem; z-index: 999991; } "
    # Segments that do not fit go on in a second line: Streamlit cuts them off, and nothing says that one may scroll.
    "[data-testid=stButtonGroup] [role=radiogroup] { flex-wrap: wrap; row-gap: 0.25rem; mask-image: none; } "
    "[role=radiogroup] button[data-selected=true] { position: relative; z-index: 1; } [role=radiogroup] "
    "button:not([data-selected=true]) { border-inline: 1px solid color-mix(in srgb, currentcolor 20%, transparent) !important; } "
    "@media (min-width: 641px) and (max-width: 1100px) { .stMainBlockContainer { padding-left: 2rem; padding-right: 2rem; } } "
    # On a phone that header covers the page's first lines, and nobody presents.
    "@media (max-width: 640px) { .stMainBlockContainer { padding-top: 4rem; } .st-key-presenter_switch { display: none; } }"
    "</style>"
)


def run_app() -> None:
    """Set up the window, start a worker ahead of the first request, and run the page."""
    window()
    st.html(_STYLE)
    strong_text()
    broker()  # a worker starts while the first page is drawn
    enter()
