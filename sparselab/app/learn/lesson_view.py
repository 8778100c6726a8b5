"""A lesson on the page: a step's text, its view, its question, and the way to the next."""

from __future__ import annotations

from functools import partial

import streamlit as st

from sparselab.app.learn.clicker import BACK, hear_keys
from sparselab.app.learn.drawn import Scene, show_view
from sparselab.app.learn.leaving import show_end
from sparselab.app.learn.place import LessonPlace, controls_now, go_to, language_now, leave_controls, open_lesson
from sparselab.app.learn.question import Answer, answer_of, reveal, show_question
from sparselab.app.learn.switches import choose_language, turned
from sparselab.app.learn.work import facts_now
from sparselab.app.shell.escape import literal
from sparselab.app.shell.faults import show_fault
from sparselab.app.shell.url_state import linked_segments
from sparselab.app.shell.visit import chosen
from sparselab.core.errors import SparselabError
from sparselab.lessons.lesson import LessonStep, StepWords
from sparselab.lessons.phrases import phrase
from sparselab.lessons.words import Facts, filled
from sparselab.runtime.worker import WorkerError

_STANDS = "_lesson_stands"

# Text, question and reveal on the left, the picture on the right. On a phone one column: text, picture, question; once it is
# revealed the answer is before the picture, so that it is seen.
_STYLE = """<style>
.st-key-_lesson { flex-direction: row; align-items: start; gap: 2rem; }
.st-key-_lesson > :has(> .st-key-_lesson_left) { flex: 2 1 0; min-width: 0; }
.st-key-_lesson > :has(> .st-key-_lesson_right) { flex: 3 1 0; min-width: 0; }
.st-key-_lesson_ask { scroll-margin-top: 4.5rem; }
@media (max-width: 800px) {
  .st-key-_lesson { flex-direction: column; align-items: stretch; gap: 1rem; }
  .st-key-_lesson > *, .st-key-_lesson_left, .st-key-_lesson_right { display: contents; }
  :has(> .st-key-_lesson_text) { order: 1; } :has(> .st-key-_lesson_view) { order: 2; } :has(> .st-key-_lesson_ask), :has(> .st-key-_lesson_reveal) { order: 3; }
  :has(> .st-key-_lesson_way) { order: 5; }
  .st-key-_lesson:has(.st-key-_lesson_reveal) :has(> .st-key-_lesson_view) { order: 4; }
  .st-key-_lesson_way button, .st-key-_lesson_ask label, .st-key-_lesson_steps button { min-height: 44px; }
}
</style>"""


def show_lesson(place: LessonPlace) -> None:
    """Show the step that the address names."""
    lesson, language = place.lesson, language_now()
    step = place.step
    st.session_state[_STANDS] = _name(place, step), step.number
    _head(place, step, language)
    words, is_english = step.in_language(language)
    _, lesson_english = lesson.in_language(language)
    if is_english or lesson_english:
        st.caption("Not all of this step is translated: what is missing is shown in English.")
    answer = answer_of(place, step)
    try:
        facts = facts_now(step.view, place.ready)
        _body(place, step, words, facts, answer, language)
    except (SparselabError, WorkerError) as error:
        show_fault(error)
    if step.number == len(lesson.steps):
        show_end(place, language)
    hear_keys(_name(place, step), partial(_press, place), answered=answer.is_new)
    answer.is_new = False


def _head(place: LessonPlace, step: LessonStep, language: str) -> None:
    words, _ = place.lesson.in_language(language)
    title = f"{place.key} · {words.title}" if place.key.isdigit() else words.title
    with st.container(horizontal=True, vertical_alignment="center", key="_lesson_steps"):
        st.subheader(literal(title), anchor=False, width="content")
        numbers = {str(each.number): str(each.number) for each in place.lesson.steps}
        linked_segments(phrase("Step", language), numbers, "step", default="1", shows_label=False, then=leave_controls)
        choose_language()
        st.button(
            phrase("All lessons", language),
            key="_all_lessons",
            on_click=open_lesson,
            args=("",),
            icon=":material/apps:",
        )


def _body(place: LessonPlace, step: LessonStep, words: StepWords, facts: Facts, answer: Answer, language: str) -> None:
    covered = step.covered and not answer.is_revealed
    alt = filled(words.meaning(covered=covered), facts)
    st.html(_STYLE)
    with st.container(key="_lesson"):
        with st.container(key="_lesson_left"):
            with st.container(key="_lesson_text"):
                st.markdown(f"#### {filled(words.title, facts)}")
                st.markdown(filled(words.body, facts))
            if step.question is not None:
                with st.container(key="_lesson_ask"):
                    show_question(place, step, words, facts, language)
            if step.question is not None and answer.is_revealed:
                with st.container(key="_lesson_reveal"):
                    st.markdown(filled(words.reveal, facts))
            _way(place, step, answer, language)
        with st.container(key="_lesson_right"), st.container(key="_lesson_view"):
            view = turned(step.view, controls_now(step), language)
            show_view(Scene(view, place.ready, alt, language, covered, f"_lesson_{place.lesson.name}_{step.number}"))
            if alt:
                st.caption(alt)


def _way(place: LessonPlace, step: LessonStep, answer: Answer, language: str) -> None:
    """Show the way back and forward: what stands ahead is the reveal where there is one to come."""
    last = len(place.lesson.steps)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="_lesson_way"):
        st.button(
            phrase("Back", language),
            key="_lesson_back",
            on_click=partial(go_to, step.number - 1),
            disabled=step.number == 1,
        )
        waits = _waits(step, answer)
        if waits:
            label = "Reveal" if answer.guess is not None else "Reveal without a guess"
            st.button(phrase(label, language), key="_lesson_forward", type="primary", on_click=reveal, args=(answer,))
        if step.number < last:
            st.button(
                phrase("Skip" if waits else "Next step", language),
                key="_lesson_skip" if waits else "_lesson_forward",
                type="tertiary" if waits else "primary",
                on_click=partial(go_to, step.number + 1),
            )


def _waits(step: LessonStep, answer: Answer) -> bool:
    """Return whether what stands ahead of a step is its reveal."""
    return step.question is not None and not answer.is_revealed


def _name(place: LessonPlace, step: LessonStep) -> str:
    return f"{place.key}:{step.number}"


def _press(place: LessonPlace, key: str, shown: str) -> None:
    """Callback: what a key of a clicker does at the step that is open. shown: the step that the browser showed then."""
    if place.key not in (chosen("lesson", ""), chosen("path", "")):
        return  # another lesson, or the list of all, has been opened meanwhile
    step = place.step
    stands, number = st.session_state.get(_STANDS, (shown, step.number))
    if stands != shown == _name(place, step) and stands.startswith(f"{place.key}:"):
        # The browser was not told yet of the step that is open: its picker of steps, which comes with the key, still says the one
        # before, and that is no choice.
        go_to(number)
        step = place.step
    st.session_state[_STANDS] = shown, step.number  # once: the other keys of the list go on from here
    answer = answer_of(place, step)
    if key == BACK:
        if step.number > 1:
            go_to(step.number - 1)
    elif _waits(step, answer):
        reveal(answer)
    elif step.number < len(place.lesson.steps):
        go_to(step.number + 1)
