"""Why not faster?: a report of the doctor drawn, and what follows from shapes alone. No code of a visitor's runs here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import streamlit as st

from sparselab.app.shell.url_state import linked_tabs
from sparselab.app.why.report import show_report
from sparselab.app.why.shapes import show_shapes

TABS: Mapping[str, str] = MappingProxyType({"Report": "A report of the doctor", "Shapes": "From shapes alone"})
"""The labels of the tabs by their names in the address."""


def page() -> None:
    """Draw the page."""
    st.subheader("Why not faster?", anchor=False)
    st.markdown(
        "A model was pruned and runs as slowly as before. The **doctor** runs it where it is to run, looks at which kernels ran, "
        "and says why, with the cheapest cure, tried and timed."
    )
    shows: Mapping[str, Callable[[], None]] = {"Report": show_report, "Shapes": show_shapes}
    for name, place in linked_tabs(TABS, "why_tab").items():
        if place.open:
            with place:
                shows[name]()
