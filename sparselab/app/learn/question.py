"""A step's question: predict, then reveal. The guess is drawn beside the truth; nothing blocks, one may reveal without a guess."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from sparselab.app.learn.guess import guess_picture
from sparselab.app.learn.picture import show_picture
from sparselab.app.learn.place import LessonPlace, answers
from sparselab.app.shell.escape import literal
from sparselab.core.errors import SettingError
from sparselab.lessons.answers import true_answer
from sparselab.lessons.lesson import LessonStep, Question, StepWords
from sparselab.lessons.phrases import phrase
from sparselab.lessons.words import Facts, filled

Guess = str | float | None


@dataclass
class Answer:
    """What a visitor has said to one question, and whether the reveal was asked for, and just now."""

    guess: Guess = None
    is_revealed: bool = False
    is_new: bool = False  # revealed in this run


def answer_of(place: LessonPlace, step: LessonStep) -> Answer:
    """Return what was said to a step's question in this visit."""
    found: Answer = answers().setdefault((place.key, step.number), Answer())
    return found


def reveal(answer: Answer) -> None:
    """Callback: show the answer."""
    answer.is_revealed = answer.is_new = True


def show_question(place: LessonPlace, step: LessonStep, words: StepWords, facts: Facts, language: str) -> None:
    """Show the question with its widget; after the reveal the guess beside the truth."""
    question, answer = step.question, answer_of(place, step)
    if question is None:
        return
    st.markdown(f"**{filled(words.ask, facts)}**")
    labels = {key: filled(words.options[key], facts) for key in question.options}
    if not answer.is_revealed:
        _ask(question, answer, labels, words.ask, f"_guess_{place.lesson.name}_{step.number}")
    else:
        try:
            truth = true_answer(question, facts)
        except SettingError as error:
            st.warning(literal(f"{step.file}: question.answer: {error}"), icon=":material/help:")
            return
        _verdict(question, answer.guess, truth, labels, language)
        if picture := guess_picture(question, answer.guess, truth, labels, facts, language):
            show_picture(picture, key=f"_answer_{place.lesson.name}_{step.number}")


def _ask(question: Question, answer: Answer, labels: dict[str, str], ask: str, key: str) -> None:
    moved = partial(_take, answer, key)
    held = key in st.session_state
    if question.kind == "choice":
        index = None if answer.guess is None else question.options.index(str(answer.guess))
        st.radio(
            ask,
            question.options,
            index=index,
            format_func=labels.__getitem__,
            key=key,
            on_change=moved,
            label_visibility="collapsed",
        )
        return
    start = question.low if answer.guess is None else float(answer.guess)
    told: dict[str, Any] = {} if held else {"value": start}
    span: dict[str, Any] = {"min_value": question.low, "max_value": question.high, "step": question.step}
    form = "percent" if question.form.endswith("%") else "%" + question.form.replace(",", "")
    make: Any = st.slider if question.kind == "slider" else st.number_input
    make(ask, **span, **told, format=form, key=key, on_change=moved, label_visibility="collapsed")


def _take(answer: Answer, key: str) -> None:
    answer.guess = st.session_state[key]


def _verdict(question: Question, guess: Guess, truth: str | float, labels: dict[str, str], language: str) -> None:
    """Say the answer in words, for who does not see the picture."""
    said = labels[str(truth)] if question.kind == "choice" else format(float(truth), question.form)
    text = f"{phrase('Answer', language)}: **{said}**"
    if question.kind == "choice" and guess is not None:
        right = guess == truth
        text = (
            f"{phrase('Right.', language)} {text}"
            if right
            else f"{text} ({phrase('Your guess', language)}: {labels[str(guess)]})"
        )
    elif guess is not None:
        text += f" ({phrase('Your guess', language)}: {format(float(guess), question.form)})"
    st.markdown(text)
