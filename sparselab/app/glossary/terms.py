"""The terms of the glossary: those written in sparselab/data/glossary.md, and those that the registries explain."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sparselab.analysis.metrics import labels, meanings
from sparselab.benchmarking.records import CONDITIONS
from sparselab.core.data_files import GLOSSARY
from sparselab.grouping import GROUPERS
from sparselab.kernels import KERNELS
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.contender import ROLES
from sparselab.transforms.regroup.rules import RULES

_BAR = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Term:
    """A word under its heading, and its one meaning as Markdown of ours."""

    section: str
    word: str
    meaning: str


def terms() -> tuple[Term, ...]:
    """Return every term, section by section: the written ones first."""
    return (*written_terms(GLOSSARY.read_text(encoding="utf-8")), *_registered_terms())


def written_terms(text: str) -> tuple[Term, ...]:
    r"""Return the rows of the tables of two columns in `text`, each under the heading above it.

    Example: >>> written_terms("## A\n| term | meaning |\n|---|---|\n| mask | one bit per weight |\n")
             (Term(section='A', word='mask', meaning='one bit per weight'),)
    """
    found: list[Term] = []
    section, is_row = "", False
    for line in text.splitlines():
        if line.startswith("## "):
            section, is_row = line.removeprefix("## ").strip(), False
        elif line.startswith("|---"):
            is_row = True
        elif line.startswith("|") and is_row:
            _, word, meaning, _ = _BAR.split(line)
            found.append(Term(section, word.strip(), meaning.strip()))
    return tuple(found)


def matching(every: Sequence[Term], search: str) -> tuple[Term, ...]:
    """Return the terms whose word or meaning holds every part of `search`, whatever the case.

    Example: >>> [term.word for term in matching([Term("", "mask", "one bit"), Term("", "bit", "0 or 1")], "ONE bit")]
             ['mask']
    """
    parts = search.casefold().split()
    return tuple(term for term in every if all(part in f"{term.word} {term.meaning}".casefold() for part in parts))


def _registered_terms() -> tuple[Term, ...]:
    number, meaning_of = labels(), meanings()
    found = [Term("Numbers of a report", number[name], meaning_of[name]) for name in number]
    for name, transform in TRANSFORMS.items():
        about = (transform.__doc__ or "").splitlines()[0].rstrip(".")
        found.append(Term("Transforms", transform.title, f"`{name}`: {about}. {transform.source}"))
    found += [
        Term("Groupers", grouper.title, f"`{name}`: {grouper.meaning}. {grouper.source}".rstrip(". "))
        for name, grouper in GROUPERS.items()
    ]
    found += [Term("Rules of Regroup", f"{name} rule", f"`{name}`: {rule.meaning}") for name, rule in RULES.items()]
    found += [Term("Roles of contenders", name, meaning) for name, meaning in ROLES.items()]
    found += [
        Term("Kernels", kernel.title, f"`{name}`: runs on {' and '.join(kernel.devices)}. {kernel.source}")
        for name, kernel in KERNELS.items()
    ]
    found += [Term("Conditions of a measurement", name, meaning) for name, meaning in CONDITIONS.items()]
    return tuple(found)
