"""A lesson on paper: one HTML file without scripts; questions first, answers on pages of their own at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from sparselab.lessons.answers import true_answer
from sparselab.lessons.lesson import Lesson, LessonStep, StepWords
from sparselab.lessons.phrases import phrase
from sparselab.lessons.ready import facts_of
from sparselab.lessons.words import Facts, filled

_STYLE = """
@page { margin: 16mm; }
body { font: 11pt/1.45 "Noto Sans", "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", sans-serif; max-width: 178mm; margin: 0 auto; color: #000; }
h1 { font-size: 18pt; margin: 0 0 2mm; } h2 { font-size: 13pt; margin: 6mm 0 1mm; break-after: avoid; }
section + section { break-before: page; } figure { margin: 3mm 0; break-inside: avoid; } figure svg { max-width: 125mm !important; max-height: 150mm; }
figcaption { font-size: 9pt; } .ask { font-weight: bold; break-after: avoid; } ul.options { list-style: none; padding-left: 0; }
ul.options li::before { content: "\\2610\\00a0"; } .line { border-bottom: 1px solid #000; display: inline-block; width: 50mm; }
.small { font-size: 9pt; } table { border-collapse: collapse; } td, th { border: 1px solid #888; padding: 1mm 2mm; }
"""


def sheet(lesson: Lesson, ready: Mapping[str, Facts], languages: Sequence[str] = ()) -> str:
    """Return the sheet of a lesson as a page of HTML. Raises: SparselabError.

    Args:
        languages: those of the sheet, as codes such as "zh"; all that the lesson is written in where none is given.
    """
    facts = {step.number: facts_of(step.view, ready) for step in lesson.steps}
    languages = tuple(languages) or tuple(lesson.words)
    parts = [_questions(lesson, facts, language) for language in languages]
    parts += [_answers(lesson, facts, language) for language in languages]
    title = escape(lesson.in_language(languages[0])[0].title)
    return (
        f'<!doctype html>\n<html lang="{languages[0]}"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n<body>{"".join(parts)}</body></html>\n'
    )


def _questions(lesson: Lesson, facts: Mapping[int, Facts], language: str) -> str:
    words, _ = lesson.in_language(language)
    parts = [
        f'<section lang="{language}"><h1>{escape(words.title)}</h1><p>{escape(words.idea)}</p>',
        f'<p class="small">{phrase("Name", language)}: <span class="line"></span></p>',
    ]
    for step in lesson.steps:
        said, _ = step.in_language(language)
        parts += _read_first(step, said, facts[step.number], language)
    return "".join(parts) + "</section>"


def _read_first(step: LessonStep, words: StepWords, facts: Facts, language: str) -> Iterator[str]:
    yield f"<h2>{step.number}. {escape(filled(words.title, facts))}</h2>"
    yield _html(filled(words.body, facts))
    yield _figure(step, words, facts, language, covered=step.covered)
    if step.question is None:
        return
    yield f'<p class="ask">{escape(filled(words.ask, facts))}</p>'
    if step.question.kind == "choice":
        yield (
            '<ul class="options">'
            + "".join(f"<li>{escape(filled(words.options[key], facts))}</li>" for key in step.question.options)
            + "</ul>"
        )
    else:
        yield '<p><span class="line"></span></p>'


def _answers(lesson: Lesson, facts: Mapping[int, Facts], language: str) -> str:
    words, _ = lesson.in_language(language)
    parts = [f'<section lang="{language}"><h1>{phrase("Answers", language)}: {escape(words.title)}</h1>']
    for step in lesson.steps:
        if step.question is None:
            continue
        said, _ = step.in_language(language)
        own = facts[step.number]
        truth = true_answer(step.question, own)
        shown = (
            filled(said.options[str(truth)], own)
            if step.question.kind == "choice"
            else format(truth, step.question.form)
        )
        parts += [
            f"<h2>{step.number}. {escape(filled(said.title, own))}</h2>",
            f'<p class="ask">{phrase("Answer", language)}: {escape(shown)}</p>',
            _html(filled(said.reveal, own)),
        ]
        if step.covered:
            parts.append(_figure(step, said, own, language, covered=False))
    listed = "".join(f"<li>{escape(source)}</li>" for source in lesson.sources)
    parts.append(
        f'<div class="small"><p>{phrase("What is simplified", language)}: {escape(words.simplified)}</p>'
        f"<p>{phrase('Sources', language)}:</p><ul>{listed}</ul></div></section>"
    )
    return "".join(parts)


def _figure(step: LessonStep, words: StepWords, facts: Facts, language: str, *, covered: bool) -> str:
    alt = filled(words.meaning(covered=covered), facts)
    drawing = step.view.drawing(alt, covered=covered, language=language)
    return f"<figure>{drawing}<figcaption>{escape(alt)}</figcaption></figure>" if drawing else ""


def _html(text: str) -> str:
    """Return Markdown as HTML; what is HTML in it is shown as it is written."""
    import mistune

    made = mistune.create_markdown(escape=True, plugins=["table"])(text)
    assert isinstance(made, str)
    return made
