"""Glossary: every term of the pages with its meaning, and a search that the address holds."""

from __future__ import annotations

from itertools import groupby

import streamlit as st

from sparselab.app.glossary.terms import Term, matching, terms
from sparselab.app.shell.escape import literal
from sparselab.app.shell.visit import held

_LONGEST_SEARCH = 80


def page() -> None:
    """Draw the page."""
    st.subheader("Glossary", anchor=False)
    search = st.text_input(
        "Search",
        **held("term", ""),
        max_chars=_LONGEST_SEARCH,
        placeholder="a term, or words of its meaning",
        icon=":material/search:",
        width=420,
    )
    every = terms()
    found = matching(every, search)
    if not found:
        st.info(
            f"No term and no meaning contains “{literal(search)}”. Try a shorter word, or clear the search to see all "
            f"{len(every)} terms.",
            icon=":material/search_off:",
        )
        return
    st.caption(f"{len(found)} of {len(every)} terms" if search else f"{len(every)} terms")
    for section, rows in groupby(found, key=lambda term: term.section):
        st.markdown(f"**{section}**\n\n| Term | Meaning |\n|:--|:--|\n" + "".join(map(_row, rows)))


def _row(term: Term) -> str:
    return f"| **{term.word}** | {term.meaning} |\n"
