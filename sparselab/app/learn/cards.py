"""The lessons as cards: number, title, the one idea, minutes."""

from __future__ import annotations

import streamlit as st

from sparselab.app.learn.place import language_now, open_lesson, read_again
from sparselab.app.learn.switches import choose_language
from sparselab.app.shell.escape import literal
from sparselab.core.errors import SparselabError
from sparselab.lessons.catalogue import LESSONS, lesson_key
from sparselab.lessons.phrases import phrase

_COLUMNS = 3
_STYLE = "<style>@media (max-width: 640px) { .st-key-_lessons button { min-height: 44px; } }</style>"


def show_cards(*, titled: bool = True) -> None:
    """Show every lesson; `titled`: below the page's title."""
    if titled:
        st.subheader("Learn", anchor=False)
    language = language_now()
    st.html(_STYLE)
    with st.container(key="_lessons"):
        _all(language)


def _all(language: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(phrase("Each lesson takes a few minutes: look, guess, then reveal.", language), width="stretch")
        choose_language()
    for start in range(0, len(LESSONS), _COLUMNS):
        names = list(LESSONS)[start : start + _COLUMNS]
        for name, place in zip(names, st.columns(_COLUMNS), strict=False):
            with place.container(border=True, height="stretch", gap="xsmall", key=f"_card_{name}"):
                _card(name, language)


def _card(name: str, language: str) -> None:
    key = lesson_key(name)
    try:
        lesson, _ = read_again(LESSONS[name])
    except SparselabError as error:
        st.error(literal(str(error)), icon=":material/block:")
        return
    words, _ = lesson.in_language(language)
    title = f"{key} · {words.title}" if key.isdigit() else words.title
    st.markdown(f"**{literal(title)}**")
    st.markdown(literal(words.idea))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{lesson.minutes} {phrase('minutes', language)}", width="stretch")
        # The title is in the button's name for who hears the buttons alone.
        st.button(
            phrase("Start", language),
            key=f"_start_{name}",
            on_click=open_lesson,
            args=(key,),
            help=literal(words.title),
            width="content",
        )
