"""A picker whose choice stands in the address under its plain name, whatever label is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import streamlit as st


def linked_select(
    label: str,
    options: Sequence[str],
    key: str,
    *,
    default: str,
    label_of: Callable[[str], str],
    help: str | None = None,
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Show a select box for `options`; its choice is the query parameter `key`, absent while it is the default.

    Streamlit's own binding puts the shown label into the address; a layer's label holds its density, and a link should
    not break when that changes. `renamed`: what an option was called in older links, and what it is called now.
    """
    # A widget of its own on every page: the state of one that is no longer shown lives on for a run, and is then lost.
    widget = f"_{key}@{st.session_state['_page']}"
    if st.session_state.get(widget) not in options:
        # What was chosen on another page follows the visitor here.
        wanted = st.query_params.get(key, st.session_state.get(_kept(key), default))
        wanted = renamed.get(wanted, wanted)
        st.session_state[widget] = wanted if wanted in options else default
    chosen: str = st.selectbox(label, options, format_func=label_of, key=widget, help=help)
    choose_elsewhere(key, chosen)
    if chosen != default:
        st.query_params[key] = chosen
    elif key in st.query_params:
        del st.query_params[key]
    return chosen


def choose_elsewhere(key: str, choice: str) -> None:
    """Let the pickers called `key` on the other pages start from `choice`."""
    st.session_state[_kept(key)] = choice


def _kept(key: str) -> str:
    return f"_kept_{key}"
