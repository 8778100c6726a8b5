"""The pages of the app, and the guard that lets a link open any of them on a fresh server."""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import StreamlitPage

_ENTERED = "_entered"


def pages() -> list[StreamlitPage]:
    """Return the pages in the order of the menu; the first is where a visitor lands."""
    return [st.Page("pages/explore.py", title="Explore", icon=":material/grid_on:", default=True)]


def enter() -> None:
    """Mark this session as come through app.py, and run the page that the address names."""
    st.session_state[_ENTERED] = True
    st.navigation(pages()).run()


def guard() -> None:
    """First line of every page: on a fresh server a deep link runs the page's file without app.py."""
    if _ENTERED not in st.session_state:
        st.session_state[_ENTERED] = True
        st.navigation(pages())
        st.rerun()
