"""Pickers whose choice stands in the address under its plain name, whatever label is shown.

A layer's label holds its density, a transform's its title, and a link should not break when a label changes. The choice is the key
of the address, absent while it is the default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer

from sparselab.app.shell.visit import choose, chosen, page_now, say, seat


def linked_select(
    label: str,
    options: Sequence[str],
    key: str,
    *,
    default: str,
    label_of: Callable[[str], str],
    help: str | None = None,
    renamed: Mapping[str, str] = MappingProxyType({}),
    is_needed: bool = False,
    then: Callable[[], None] | None = None,
) -> str:
    """Show a select box for `options`; return the choice.

    Args:
        label, help: as Streamlit takes them.
        options: the choices by name.
        key: the key of the address.
        default: what stands there while nothing was chosen.
        label_of: what is shown for a choice.
        renamed: what an option was called in older links, and is called now.
        is_needed: of an option that is not there nothing is shown instead: the page ends until one is chosen.
        then: called after a move.
    """
    value = _known(key, options, default, renamed=renamed, is_needed=is_needed)
    choice: str | None = st.selectbox(
        label,
        options,
        index=None if value is None else 0,
        format_func=label_of,
        help=help,
        placeholder="choose one",
        **seat(key, value, default, widget=_widget(key), options=tuple(options), then=then),
    )
    if choice is None:
        st.stop()
    return choice


def linked_segments(
    label: str,
    labels: Mapping[str, str],
    key: str,
    *,
    default: str,
    help: str | None = None,
    shows_label: bool = True,
    then: Callable[[], None] | None = None,
) -> str:
    """Show a segmented control for the options that `labels` names; return the choice. `then` is called after a move."""
    value = _known(key, tuple(labels), default)
    choice = st.segmented_control(
        label,
        labels,
        format_func=labels.__getitem__,
        help=help,
        required=True,
        width="content",
        label_visibility="visible" if shows_label else "collapsed",
        **seat(key, value, default, widget=_widget(key), then=then),
    )
    assert choice is not None  # it is required
    return str(choice)


def linked_tabs(labels: Mapping[str, str], key: str) -> dict[str, TabContainer]:
    """Show tabs, the first one open at first; return them by their plain names. Only the open one is to be filled."""
    default = next(iter(labels))
    value = _known(key, tuple(labels), default)
    tabs = st.tabs(list(labels.values()), **seat(key, value, default, widget=_widget(key), labels=labels))
    return dict(zip(labels, tabs, strict=True))


def _widget(key: str) -> str:
    return f"_{key}@{page_now()}"


def _known(
    key: str,
    options: Sequence[str],
    default: str,
    *,
    renamed: Mapping[str, str] = MappingProxyType({}),
    is_needed: bool = False,
) -> str | None:
    """Return what was chosen, if it is an option; else say so, and return the default, or None where one is needed."""
    value: str = chosen(key, default)
    if value in renamed:
        value = renamed[value]
        choose({key: value})
    if value in options:
        return value
    rest = "choose another" if is_needed else "the default is shown"
    say(f"there is no {key} called {value[:60]!r} here; {rest}")
    return None if is_needed else default
