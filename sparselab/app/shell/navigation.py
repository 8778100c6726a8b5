"""The pages of the app, and the guard that lets a link open any of them on a fresh server."""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from sparselab.app.shell.faults import show_fault, show_skipped_plugins
from sparselab.app.shell.feedback import show_feedback
from sparselab.app.shell.icon import icon
from sparselab.app.shell.presenter import show_presenter_switch
from sparselab.app.shell.room_view import show_room
from sparselab.app.shell.session import session
from sparselab.app.shell.visit import arrive
from sparselab.core.data_files import PAGES
from sparselab.core.errors import SparselabError

_ENTERED = "_entered"


def pages() -> list[StreamlitPage]:
    """Return the pages in the order of the menu; the first is where a visitor lands."""
    return [
        st.Page(PAGES / "explore.py", title="Explore", icon=":material/grid_on:", default=True),
        st.Page(PAGES / "compare.py", title="Compare", icon=":material/leaderboard:"),
        st.Page(PAGES / "model.py", title="Model", icon=":material/account_tree:"),
        st.Page(PAGES / "sweeps.py", title="Sweeps", icon=":material/stacked_line_chart:"),
        st.Page(PAGES / "latency.py", title="Latency", icon=":material/timer:"),
        st.Page(PAGES / "training.py", title="Training", icon=":material/model_training:"),
        st.Page(PAGES / "learn.py", title="Learn", icon=":material/school:"),
        st.Page(PAGES / "glossary.py", title="Glossary", icon=":material/menu_book:"),
    ]


def page_called(name: str) -> StreamlitPage:
    """Return a page by the name of its file, which addresses have too; Explore's address has none."""
    return next(page for page in pages() if page.title.lower() == name)


def window() -> None:
    """Set title, icon and width: before anything else, or Streamlit fetches an icon from outside."""
    st.set_page_config(page_title="sparselab", page_icon=icon(), layout="wide", initial_sidebar_state=340)


def enter() -> None:
    """Mark this session as come through app.py, and run the page that the address names."""
    st.session_state[_ENTERED] = True
    st.navigation(pages()).run()


def guard(page: str) -> None:
    """Called first by every page's file, with its name: on a fresh server a deep link runs that file without app.py."""
    if _ENTERED not in st.session_state:
        st.session_state[_ENTERED] = True
        window()
        st.navigation(pages())
        st.rerun()
    arrive(page, [each.url_path for each in pages()])
    show_presenter_switch()
    show_feedback()
    _welcome()
    show_skipped_plugins()
    show_room()


def _welcome() -> None:
    """Make the visitor's session; where the server has no room for one, end the page with the reason and another try."""
    try:
        session()
    except SparselabError as error:
        show_fault(error)
        st.button("Try again", key="_enter_again")
        st.stop()
