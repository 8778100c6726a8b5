"""The state of the address during a visit: what was chosen on all pages, and widgets that show it.

What the address says is read when a visitor arrives: with a link, or by Back and Forward. From then on the state leads: a widget
shows it and changes it, and the address is written after it, in the same entry of the history. What is chosen on one page is
remembered for the others.

Streamlit's own binding is not used: it puts labels into the address, forgets a knob on the way to another page, and takes the default
for a value it does not know without saying so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlencode

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import get_script_run_ctx

from sparselab.app.shell.address import AddressState, fixed_keys, knob_slots, parse, query_of, slot_of, subject_slots
from sparselab.app.shell.escape import literal

_STATE, _PAGE, _PROBLEMS, _PLACE = "_address", "_page", "_address_problems", "_address_place"
_SEATED, _DRAWN, _OPENED = "_address_seated", "_address_drawn", "_address_opened"
_WRITE = """
export default function ({ data }) {
  const last = location.pathname.split("/").filter(Boolean).pop() ?? "";
  if ((data.pages.includes(last) ? last : "") !== data.page) return;  // the visitor has left in the meantime
  const told = new URLSearchParams(data.query);
  for (const [name, value] of new URLSearchParams(location.search))
    if (/^embed(_options)?$/i.test(name)) told.append(name, value);
  const query = told.toString();
  if (query !== location.search.slice(1))
    history.replaceState(history.state, "", location.pathname + (query && "?" + query) + location.hash);
}
"""


def arrive(page: str, paths: Sequence[str]) -> None:
    """Called first in every run: read the address where the visitor comes by it, write it otherwise, say what means nothing in it.

    `paths`: the names of all pages, as addresses have them: "" is the default one's.
    """
    session = st.session_state
    is_new, is_moved = _STATE not in session, session.get(_PAGE) != page
    session[_PAGE] = page
    context = get_script_run_ctx()
    is_history = context is not None and context.is_history_navigation
    query = st.query_params.to_dict()
    opened = session.pop(_OPENED, False)
    if is_new or is_history or (is_moved and query and not opened):
        told, session[_PROBLEMS] = parse(page, query)
        session[_STATE] = state().without(_slots(page)).put(told.values)
    elif is_moved:
        session[_PROBLEMS] = ()
    # What the last run did not draw, such as all that waits for a file, the browser has forgotten, though the server may not have.
    session[_SEATED] = set() if is_moved or is_history else session.get(_DRAWN, set())
    session[_DRAWN] = set()
    session[_PLACE] = st.container()
    with st.container(key="_address_bar"):
        _writer()(
            data={"page": page if page in paths else "", "pages": list(paths), "query": urlencode(address())},
            key="_address_writer",
        )
    for problem in session[_PROBLEMS]:
        say(problem)


@cache
def _writer() -> ComponentRenderer:
    return st.components.v2.component("sparselab_address", js=_WRITE)


def state() -> AddressState:
    """Return what was chosen on all pages."""
    found: AddressState = st.session_state.get(_STATE, AddressState())
    return found


def page_now() -> str:
    """Return the name of the page that is drawn."""
    return str(st.session_state[_PAGE])


def address() -> dict[str, str]:
    """Return the address of this page as it is now."""
    return query_of(page_now(), state())


def say(problem: str) -> None:
    """Say at the top of the page, wherever it is called, what of the address means nothing here."""
    _place().warning(f"Not as in the link: {literal(problem)}.", icon=":material/link_off:")


def say_file(text: str) -> None:
    """Say at the top of the page which file the address is about."""
    _place().info(literal(text), icon=":material/upload_file:")


def _place() -> DeltaGenerator:
    found: DeltaGenerator = st.session_state[_PLACE]
    return found


def chosen(name: str, default: Any = None) -> Any:
    """Return the value of a key on this page; `default` where nothing was chosen."""
    return state().values.get(slot_of(page_now(), name), default)


def choose(values: Mapping[str, Any], *, page: str | None = None) -> None:
    """Let keys of a page (None: this one) stand at `values`, None at the default."""
    slots = {slot_of(page or page_now(), name): value for name, value in values.items()}
    forget(frozenset(slots))
    st.session_state[_STATE] = state().put({slot: value for slot, value in slots.items() if value is not None})


def forget(slots: frozenset[str]) -> None:
    """Put keys back to their defaults."""
    st.session_state[_STATE] = state().without(slots)


def open_next(values: Mapping[str, Any], page: str) -> None:
    """Let another page be about `values` when it is opened next, whatever its address says by then."""
    forget(subject_slots(page))
    choose(values, page=page)
    st.session_state[_OPENED] = True


def seat(
    name: str,
    value: Any,
    default: Any,
    *,
    widget: str,
    labels: Mapping[str, str] | None = None,
    options: Sequence[str] | None = None,
    then: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """Let the widget of a key show a value; return the arguments by which it changes what was chosen.

    Args:
        name: the key.
        value: what is shown.
        default: what is not worth a place in the address.
        widget: the widget's own key.
        labels: what the widget holds for each value, where that is not the value itself.
        options: all that can be chosen, where the widget is a picker.
        then: called after a move.
    """
    shown = value if labels is None else labels[value]
    seated: set[str] = st.session_state[_SEATED]
    st.session_state[_DRAWN].add(widget)
    # A value that is there is not set again: it would overtake a visitor who moves on. But under the same key a widget of another
    # page, or of a run that was cut short, may still hold one.
    if widget not in seated or widget not in st.session_state or st.session_state[widget] != shown:
        st.session_state[widget] = shown
        seated.add(widget)
    return {"key": widget, "on_change": _moved, "args": (name, widget, default, labels, options, then)}


def held(name: str, default: Any, then: Callable[[], None] | None = None) -> dict[str, Any]:
    """Return the arguments of a widget that bears the name of its key; see `seat`."""
    return seat(name, chosen(name, default), default, widget=name, then=then)


def _moved(
    name: str,
    widget: str,
    default: Any,
    labels: Mapping[str, str] | None,
    options: Sequence[str] | None,
    then: Callable[[], None] | None,
) -> None:
    shown = st.session_state[widget]
    if options is not None and shown is not None and shown not in options:
        return  # the label of a choice, such as how far a run is, has changed since the browser was told: nobody has moved
    value = shown if labels is None else next(value for value, label in labels.items() if label == shown)
    st.session_state[_PROBLEMS] = ()
    choose({name: None if value == default else value})
    if then is not None:
        then()


def _slots(page: str) -> frozenset[str]:
    return knob_slots(page) | {key.slot for key in fixed_keys(page).values()}
