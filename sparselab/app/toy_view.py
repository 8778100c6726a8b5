"""ToyView: a layer of a few rows in which every weight is seen and moved, drawn by `sparselab/display/toy`."""

from functools import cache

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from sparselab.analysis.toy import Toy, ToyState
from sparselab.display.assets import TOY, bundle, read, styles
from sparselab.display.toy_message import read_state, toy_message

__all__ = ["ToyState", "toy_view"]


def toy_view(toy: Toy, *, key: str, covered: bool = False) -> ToyState:
    """Show a toy, and return what the learner has made of it: it comes when a move has ended, not while one lasts.

    `sparselab.analysis.toy.after(toy, state)` is the toy as it stands then. key: names the view; while it and the toy stay the same, what
    was done outlives a rerun, and another toy starts anew. covered: what is counted and compared is not shown, so that it can be asked
    for; it can be moved all the same. Raises: SparselabError where the browser tells what fits no such toy.
    """
    shown = st.session_state.get(key)
    state = read_state(toy, shown["state"] if shown else None)
    told = _component()(data=toy_message(toy, state, covered=covered), key=key, on_state_change=_nothing).state
    return read_state(toy, told)


def _nothing() -> None:
    """The state is an answer of the component; Streamlit asks for a function all the same."""


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component("sparselab_toy", html=read(f"{TOY}.html"), css=styles(TOY), js=bundle(TOY))
