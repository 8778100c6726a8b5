"""A picker whose choice stands in the address under its plain name, whatever label is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st


def linked_select(
    label: str,
    options: Sequence[str],
    key: str,
    *,
    default: str,
    label_of: Callable[[str], str],
    help: str | None = None,
) -> str:
    """Show a select box for `options`; its choice is the query parameter `key`, absent while it is the default.

    Streamlit's own binding puts the shown label into the address; a layer's label holds its density, and a link should
    not break when that changes.
    """
    widget = f"_{key}"
    if st.session_state.get(widget) not in options:
        # Streamlit forgets a widget's state on another page; the choice should follow the visitor there.
        wanted = st.query_params.get(key, st.session_state.get(f"_kept{widget}", default))
        st.session_state[widget] = wanted if wanted in options else default
    chosen: str = st.selectbox(label, options, format_func=label_of, key=widget, help=help)
    st.session_state[f"_kept{widget}"] = chosen
    if chosen != default:
        st.query_params[key] = chosen
    elif key in st.query_params:
        del st.query_params[key]
    return chosen
