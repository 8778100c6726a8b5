"""Learn: the lessons as cards, or the one that the address names."""

from __future__ import annotations

import streamlit as st

from sparselab.app.learn.cards import show_cards
from sparselab.app.learn.lesson_view import show_lesson
from sparselab.app.learn.place import named_lesson
from sparselab.app.shell.escape import literal
from sparselab.core.errors import SparselabError


def page() -> None:
    """Draw the page."""
    try:
        place = named_lesson()
    except SparselabError as error:
        st.subheader("Learn", anchor=False)
        st.error(literal(str(error)), icon=":material/block:")
        show_cards(titled=False)
        return
    if place is None:
        show_cards()
    else:
        show_lesson(place)
