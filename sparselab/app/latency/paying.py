"""When does structure pay? In words first, then the map of both densities, from the cells of a break-even map."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import streamlit as st

from sparselab.app.latency.paying_chart import paying_figure
from sparselab.app.shell.escape import literal
from sparselab.benchmarking.break_even import (
    UNITS,
    PayingMap,
    best_source,
    map_of,
    paying_maps,
    pays_against_others,
    unit_of,
)
from sparselab.benchmarking.host import processor_name
from sparselab.benchmarking.records import Session
from sparselab.benchmarking.store import shape_text
from sparselab.benchmarking.verdicts import Verdict

_USUAL_HEIGHT = 32
_QUESTION = "When does structure pay?"


def show_paying(sessions: Sequence[Session], kernel: str, known: Iterable[Session], key: str) -> None:
    """Answer the question from the sessions of one map; known: all sessions, of which the units that were measured are told.

    Nothing is shown of a map that is not complete, or in which the exact product was not measured.
    """
    maps = {found.group_rows: found for found in paying_maps(map_of(sessions, kernel))}
    if not maps:
        return
    heights = sorted(maps)
    usual = _USUAL_HEIGHT if _USUAL_HEIGHT in maps else heights[-1]
    st.subheader(_QUESTION, anchor=False)
    answer = st.container()
    if len(heights) > 1:
        usual = (
            st.segmented_control(
                "Groups of", heights, default=usual, format_func=lambda rows: f"{rows} rows", key=f"_{key}_height"
            )
            or usual
        )
    with answer:
        told = paying_sentence(maps[usual], sessions[0], pays_against_others(sessions, kernel, usual), processor_name())
        st.markdown(told)
    st.plotly_chart(paying_figure(maps[usual]), key=f"_{key}_paying")
    st.caption(
        "A cell: how many times as fast as the best way to leave the mask alone, in the same arithmetic: its exact product, or the dense "
        "product where that is faster. In brackets: not decided. Framed cells keep as many weights as the mask; below them a layout drops "
        "some, above them it grows some. "
        f"Random masks and layouts; cells of one column were not measured in turns with each other. "
        f"{units_shown(known)}"
    )


def show_paying_from_store(sessions: Sequence[Session], kernel: str) -> None:
    """Answer the question from the stored map that says most: of this machine, or else of a device that is named."""
    found = best_source(sessions, kernel, processor_name())
    if found:
        show_paying(found, kernel, sessions, "stored")


def paying_sentence(found: PayingMap, session: Session, others: Mapping[str, float | None], here: str) -> str:
    """Return in words when structure pays in groups of one height. here: the name of this machine; others: as `pays_against_others`."""
    device = str(session.device.get("name", ""))
    where = "On this machine" if device == here else f"On {literal(device)}, another machine than this one"
    groups = f"groups of {found.group_rows} rows"
    factors = found.factors()
    if found.always(Verdict.FASTER):
        told = f"{groups} pay at every density measured, whatever the mask's"
    elif found.always(Verdict.SLOWER):
        told = f"{groups} pay at no density measured: leave the mask alone"
    elif not factors:
        told = f"it was not decided up to which density {groups} pay; measure again while nothing else runs"
    else:
        low, high = min(factors.values()), max(factors.values())
        span = f"{low:.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f}"
        told = f"{groups} pay while they keep at most {span} times as many weights as the mask did"
        told += (
            f" (masks of {_percent(min(factors))} to {_percent(max(factors))})"
            if len(factors) > 1
            else f" (a mask of {_percent(min(factors))})"
        )
    unit = UNITS.get(unit_of(session), session.dtype)
    said = f"**{where}, in {unit}, {told}.**"
    for name, density in others.items():
        against = "at no density measured" if density is None else f"up to density {_percent(density)}"
        said += f" Against {name}, another arithmetic, they pay {against}."
    return f"{said} Measured {session.date[:10]} on {_product_shown(session)}."


def units_shown(sessions: Iterable[Session]) -> str:
    """Return in words which units no map was measured on: nothing is drawn of them."""
    measured = {unit_of(session) for session in sessions if session.about.get("group_rows", "").isdigit()}
    missing = [told for name, told in UNITS.items() if name not in measured]
    return f"Not measured here, and so not drawn: {'; '.join(missing)}." if missing else ""


def _product_shown(session: Session) -> str:
    threads = f"{session.threads} thread{'s' * (session.threads != 1)}"
    return f"{shape_text(session)}, input {' x '.join(map(str, session.input_shape))}, {session.dtype}, {threads}"


def _percent(share: float) -> str:
    return f"{round(100 * share, 1 if share < 0.1 else None):g} %"
