"""The presenter view of every page, for a projector: `?view=presenter` leaves the sidebar out and sets all in large type."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from sparselab.app.shell.address_keys import PRESENTER
from sparselab.app.shell.visit import choose, chosen

_NAME = "view"
_FILES = Path(__file__).resolve().parent / "presenter_files"


def presenting() -> bool:
    """Return whether the address asks for the presenter view."""
    return bool(chosen(_NAME) == PRESENTER)


def present(on: bool) -> None:
    """Let the address ask for the presenter view, or no more: for callbacks."""
    choose({_NAME: PRESENTER if on else None})


def show_presenter_switch() -> None:
    """Show above the page what hands on its presenter view: a button that copies the link; in that view, the way out of it."""
    with st.container(key="presenter_switch", width="content"):
        if presenting():
            st.html(f"<style>{_text('view.css')}</style>")
            st.button("Leave presenter view", on_click=present, args=(False,), key="_leave_presenter", type="tertiary")
            _leave_key()(key="_leave_key")
        else:
            _link_button()(key="_presenter_link", data={_NAME: PRESENTER}, width="content")


@cache
def _link_button() -> ComponentRenderer:
    return st.components.v2.component(
        "sparselab_presenter_link", html=_text("link.html"), css=_text("link.css"), js=_text("link.js")
    )


@cache
def _leave_key() -> ComponentRenderer:
    return st.components.v2.component("sparselab_presenter_leave", js=_text("leave.js"))


def _text(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")
