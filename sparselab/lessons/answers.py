"""What the true answer to a question is, from the facts of the step's view."""

from __future__ import annotations

from sparselab.core.errors import SettingError
from sparselab.lessons.lesson import Question
from sparselab.lessons.words import Facts

MOST, LEAST = "most", "least"


def true_answer(question: Question, facts: Facts) -> str | float:
    """Return the key of the right option of a choice; of a slider or number the value.

    Raises: SettingError where the facts do not tell: a fact that is not there, a tie, a value that cannot be chosen.
    Example: >>> true_answer(Question("choice", "least", ("csr", "blocks")), {"csr": 31, "blocks": 24})
             'blocks'
    """
    if question.kind == "choice":
        return _choice(question, facts)
    value = facts.get(question.answer)
    if not isinstance(value, int | float):
        raise SettingError(f"expected the name of a fact that is a number: {_numbers(facts)}; got {question.answer!r}")
    if not question.low <= value <= question.high:
        raise SettingError(
            f"expected low and high around the answer, which is {value:g}; got {question.low:g}, {question.high:g}"
        )
    return float(value)


def option_values(question: Question, facts: Facts) -> dict[str, float]:
    """Return the value of each option of a choice between facts, which is drawn at the reveal; none of another question."""
    if question.kind != "choice" or question.answer not in (MOST, LEAST):
        return {}
    return {key: float(facts[key]) for key in question.options if isinstance(facts.get(key), int | float)}


def _choice(question: Question, facts: Facts) -> str:
    if question.answer in question.options:
        return question.answer
    if question.answer in (MOST, LEAST):
        values = option_values(question, facts)
        missing = [key for key in question.options if key not in values]
        if missing:
            raise SettingError(
                f"expected options called as facts that are numbers: {_numbers(facts)}; got {missing[0]!r}"
            )
        ends = sorted(values.values(), reverse=question.answer == MOST)
        if ends[0] == ends[1]:
            raise SettingError(f"expected one option with the {question.answer}; got several with {ends[0]:g}")
        return next(key for key, value in values.items() if value == ends[0])
    told = facts.get(question.answer)
    if told not in question.options:
        raise SettingError(
            f"expected an option's key, {MOST}, {LEAST}, or a fact whose value is an option's key; got {question.answer!r}"
        )
    return str(told)


def _numbers(facts: Facts) -> str:
    return ", ".join(name for name, value in facts.items() if isinstance(value, int | float)) or "it has none"
