"""Sweeps: the results of a sweep as small multiples, and a sweep planned by clicking, as the command that runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import streamlit as st

from sparselab.app.shell.url_state import linked_tabs
from sparselab.app.sweeps.opened import OpenedSweep, choose_sweep
from sparselab.app.sweeps.planning import show_planning
from sparselab.app.sweeps.results import show_results

TABS: Mapping[str, str] = MappingProxyType({"results": "Results", "plan": "Plan a sweep"})
"""The labels of the tabs by their names in the address."""

_SHOWS: Mapping[str, Callable[[OpenedSweep], None]] = MappingProxyType(
    {"results": show_results, "plan": lambda _opened: show_planning()}
)


def page() -> None:
    """Draw the page."""
    st.subheader("Sweeps", anchor=False)
    with st.sidebar:
        opened = choose_sweep()
    for name, place in linked_tabs(TABS, "sweeps_tab").items():
        if place.open:
            with place:
                _SHOWS[name](opened)
