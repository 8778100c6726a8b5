"""The guess drawn beside the truth: two marks on one scale, or the bars of all options."""

from __future__ import annotations

from collections.abc import Mapping

from sparselab.lessons import svg
from sparselab.lessons.answers import option_values
from sparselab.lessons.lesson import Question
from sparselab.lessons.phrases import phrase
from sparselab.lessons.words import Facts

_WIDTH, _END, _BAR, _LETTERS = 340, 12, 260, 46


def guess_picture(
    question: Question,
    guess: str | float | None,
    truth: str | float,
    labels: Mapping[str, str],
    facts: Facts,
    language: str,
) -> str:
    """Return the picture as SVG; "" for a choice whose options have no values."""
    if question.kind == "choice":
        values = option_values(question, facts)
        return _bars(values, guess, truth, labels, language) if values else ""
    return _scale(question, guess, float(truth), language)


def _scale(question: Question, guess: str | float | None, truth: float, language: str) -> str:
    def across(value: float) -> float:
        return _END + (_WIDTH - 2 * _END) * (value - question.low) / (question.high - question.low)

    def mark(value: float, words: str, y: float) -> str:
        x = across(value)
        anchor = "start" if x < _WIDTH / 3 else "end" if x > 2 * _WIDTH / 3 else "middle"
        return svg.text(x, y, f"{phrase(words, language)}: {format(value, question.form)}", anchor=anchor, size=13)

    parts = [
        svg.line([(_END, 38), (_WIDTH - _END, 38)], width=2),
        svg.dot(across(truth), 38, radius=7),
        mark(truth, "the answer", 22),
    ]
    told = f"{phrase('the answer', language)}: {format(truth, question.form)}"
    if guess is not None:
        value = float(guess)
        parts += [
            svg.line([(across(value), 28), (across(value), 48)], colour=svg.ORANGE, width=5),
            mark(value, "your guess", 66),
        ]
        told += f"; {phrase('your guess', language)}: {format(value, question.form)}"
    return svg.picture(_WIDTH, 74 if guess is not None else 52, parts, told)


def _bars(
    values: Mapping[str, float],
    guess: str | float | None,
    truth: str | float,
    labels: Mapping[str, str],
    language: str,
) -> str:
    top, parts, told = max(map(abs, values.values())) or 1.0, [], []
    y = 0.0
    for key, value in values.items():
        marks = ["✓"] * (key == truth) + [f"← {phrase('your guess', language)}"] * (key == guess)
        shown = f"{value:,.0f}" if float(value).is_integer() else f"{value:.3g}"
        for words in svg.wrapped(" ".join([labels[key], *marks]), _LETTERS):
            parts.append(svg.text(0, y + 14, words, size=13, bold=key == truth))
            y += 17
        long = max(2.0, _BAR * abs(value) / top)
        fill = svg.BLUE if key == truth else "none"
        parts.append(svg.box(1, y + 3, long, 16, fill=fill, line="currentColor"))
        parts.append(svg.text(long + 8, y + 16, shown, size=13))
        told.append(f"{labels[key]}: {shown}")
        y += 28
    return svg.picture(_WIDTH, y, parts, "; ".join(told))
