"""The app around the pages: window, style, workers, and the page that the address names."""

from __future__ import annotations

import streamlit as st

from sparselab.app.shell.navigation import enter, window
from sparselab.app.shell.session import broker

# Streamlit leaves six lines of nothing above every page; on a projector they are missed at the bottom.
_STYLE = "<style>.stMainBlockContainer { padding-top: 2.2rem; } .stSidebar [data-testid=stSidebarHeader] { height: 2rem; } [data-testid=stLayoutWrapper]:has(> .st-key-_address_bar) { display: none; }</style>"


def run_app() -> None:
    """Set up the window, start a worker ahead of the first request, and run the page."""
    window()
    st.html(_STYLE)
    broker()  # a worker starts while the first page is drawn
    enter()
