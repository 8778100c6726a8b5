"""The end of a lesson: your own mask, the next lesson, the sheet, what is simplified and where it is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from sparselab.app.learn.place import LessonPlace, open_lesson
from sparselab.app.learn.work import sheet_now
from sparselab.app.shell.address_keys import UPLOAD
from sparselab.app.shell.escape import literal
from sparselab.app.shell.open_in import open_in_explore
from sparselab.lessons.catalogue import LESSONS, lesson_key
from sparselab.lessons.phrases import phrase


@dataclass(frozen=True)
class OwnUpload:
    """A file of the visitor's own, which is not chosen yet."""

    @property
    def address(self) -> Mapping[str, Any]:
        return {"source": UPLOAD}


def show_end(place: LessonPlace, language: str) -> None:
    """Show what comes after the last step."""
    lesson = place.lesson
    words, _ = lesson.in_language(language)
    with st.container(border=True, key="_lesson_end"):
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(phrase("Now with your own mask", language), key="_own_mask", icon=":material/upload_file:"):
                open_in_explore(OwnUpload(), "", lesson.transform, lesson.settings)
            if (following := _next(place)) is not None:
                st.button(
                    phrase("Next lesson", language),
                    key="_next_lesson",
                    on_click=open_lesson,
                    args=(following,),
                    icon=":material/arrow_forward:",
                )
            st.download_button(
                phrase("Sheet for paper", language),
                data=lambda: sheet_now(lesson, place.folder, language),
                file_name=f"{lesson.name}-{language}.html",
                mime="text/html",
                on_click="ignore",
                icon=":material/print:",
                key="_sheet",
            )
        st.caption(f"**{phrase('What is simplified', language)}**: {words.simplified}")
        if lesson.sources:
            listed = "  \n".join(map(literal, lesson.sources))
            st.caption(f"**{phrase('Sources', language)}**  \n{listed}")


def _next(place: LessonPlace) -> str | None:
    keys = [lesson_key(name) for name in LESSONS]
    if place.key not in keys or place.key == keys[-1]:
        return None
    return keys[keys.index(place.key) + 1]
