"""Pickers whose choice stands in the address under its plain name, whatever label is shown.

Streamlit's own binding puts the shown label into the address; a layer's label holds its density, and a link should not break
when a label changes. The choice is the query parameter `key`, absent while it is the default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer


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
    """Show a select box for `options`; return the choice. `renamed`: what an option was called in older links, and is called now."""
    widget = _prepared(key, options, default, renamed=renamed)
    chosen: str = st.selectbox(label, options, format_func=label_of, key=widget, help=help)
    _link(key, chosen, default)
    return chosen


def linked_segments(label: str, labels: Mapping[str, str], key: str, *, default: str, help: str | None = None) -> str:
    """Show a segmented control for the options that `labels` names; return the choice."""
    widget = _prepared(key, tuple(labels), default)
    chosen = st.segmented_control(
        label, labels, format_func=labels.__getitem__, key=widget, help=help, required=True, width="content"
    )
    assert chosen is not None  # it is required
    _link(key, chosen, default)
    return chosen


def linked_tabs(labels: Mapping[str, str], key: str) -> dict[str, TabContainer]:
    """Show tabs, the first one open at first; return them by their plain names. Only the open one is to be filled."""
    name_of = {label: name for name, label in labels.items()}
    default = next(iter(labels))
    widget = _prepared(key, tuple(labels), default, shown=labels)
    tabs = st.tabs(list(name_of), key=widget, on_change="rerun")
    _link(key, name_of[st.session_state[widget]], default)
    return dict(zip(labels, tabs, strict=True))


def choose_elsewhere(key: str, choice: str) -> None:
    """Let the pickers called `key` on the other pages start from `choice`."""
    st.session_state[_kept(key)] = choice


def choose_here(key: str, choice: str) -> None:
    """Let the picker called `key` on this page, and those on the others, stand on `choice`: for callbacks."""
    choose_elsewhere(key, choice)
    st.query_params[key] = choice
    st.session_state.pop(_widget(key), None)


def _widget(key: str) -> str:
    # A widget of its own on every page: the state of one that is no longer shown lives on for a run, and is then lost.
    return f"_{key}@{st.session_state['_page']}"


def _prepared(
    key: str,
    options: Sequence[str],
    default: str,
    shown: Mapping[str, str] | None = None,
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return the key of the widget, which stands on an option; `shown`: the widget's state is the label of its choice."""
    widget = _widget(key)
    states = options if shown is None else tuple(shown.values())
    if st.session_state.get(widget) not in states:
        # What was chosen on another page follows the visitor here.
        wanted = st.query_params.get(key, st.session_state.get(_kept(key), default))
        wanted = renamed.get(wanted, wanted)
        wanted = wanted if wanted in options else default
        st.session_state[widget] = wanted if shown is None else shown[wanted]
    return widget


def _link(key: str, chosen: str, default: str) -> None:
    choose_elsewhere(key, chosen)
    if chosen != default:
        st.query_params[key] = chosen
    elif key in st.query_params:
        del st.query_params[key]


def _kept(key: str) -> str:
    return f"_kept_{key}"
