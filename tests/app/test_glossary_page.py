"""The glossary: every term once, every title of the registries among them, and the page that finds them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from sparselab.analysis.metrics import labels
from sparselab.app.glossary.terms import matching, terms
from sparselab.grouping import GROUPERS
from sparselab.kernels import KERNELS
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.regroup.rules import RULES
from tests.browsing import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
WORDS = [term.word for term in terms()]
TITLES = [
    *(entry.title for registry in (TRANSFORMS, GROUPERS, KERNELS) for entry in registry.values()),
    *labels().values(),
    *(f"{name} rule" for name in RULES),
]


def page(**query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages" / "glossary.py"), default_timeout=PATIENCE_S)
    for key, value in query.items():
        at.query_params[key] = value
    at.run()
    assert not at.exception
    assert not at.error
    return at


def shown(at: AppTest) -> str:
    return "\n".join(item.value for item in at.markdown)


def test_every_term_has_one_row_and_a_meaning() -> None:
    assert [word for word, count in Counter(word.casefold() for word in WORDS).items() if count > 1] == []
    assert all(term.word and term.meaning and term.section for term in terms())


@pytest.mark.parametrize("title", TITLES)
def test_every_title_and_every_label_is_a_term_and_is_found(title: str) -> None:
    assert title in WORDS
    assert title in [term.word for term in matching(terms(), title)]


def test_the_page_shows_every_term() -> None:
    text = shown(page())
    assert [word for word in WORDS if f"| **{word}** |" not in text] == []


def test_a_link_opens_the_search_and_another_follows() -> None:
    at = page(term="JACCARD graph")
    assert at.text_input(key="term").value == "JACCARD graph"
    assert "Jaccard graph (METIS)" in shown(at)
    assert "| **mask** |" not in shown(at)
    at.text_input(key="term").set_value("roofline").run()
    assert "| **roofline** |" in shown(at)


def test_a_search_without_an_answer_says_so_letter_by_letter() -> None:
    at = page(term="no **such** word")
    assert "no \\*\\*such\\*\\* word" in at.info[0].value
    assert not shown(at)


def test_the_page_is_in_the_menu() -> None:
    def told() -> None:
        import streamlit as st

        from sparselab.app.shell.navigation import pages

        st.json([page.url_path for page in pages()])

    assert '"glossary"' in AppTest.from_function(told).run().json[0].value
