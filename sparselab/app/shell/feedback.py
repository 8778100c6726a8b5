"""What is being done, said in the main area of every page as soon as a click sets the page to work."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_FILES = Path(__file__).resolve().parent / "feedback_files"


def show_feedback() -> None:
    """Say from now on which control the page is working for, by its label: from the first sign of work to its end.

    A link to another page that is pressed while a file is uploaded is followed when the file has arrived.
    """
    st.html(f"<style>{_text('feedback.css')}</style>")
    with st.container(key="_feedback"):
        _listener()(key="_feedback_listener")


@cache
def _listener() -> ComponentRenderer:
    return st.components.v2.component("sparselab_feedback", js=_text("feedback.js"))


def _text(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")
