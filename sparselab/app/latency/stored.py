"""What was measured before: here, and on the named devices whose sessions come with the project."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import streamlit as st

from sparselab.app.jobs.measured import come_with_the_project, measured_here
from sparselab.app.latency.figures.charts import compare_figure
from sparselab.app.latency.kernel_names import label_of, title_of
from sparselab.app.latency.result import show_session
from sparselab.app.shell.escape import literal
from sparselab.benchmarking.csv_table import as_csv
from sparselab.benchmarking.records import Session
from sparselab.benchmarking.store import shape_text
from sparselab.core.errors import SparselabError

_ANY = "any"
_TABLE = "_stored"
_ROWS, _ROWS_BESIDE = 11, 4
_SPEEDUP = "speed-up of B over A"
_SPEEDUP_HELP = (
    "of the fastest kernel over the quickest dense product, in calls one after the other; a session also shows what a GPU takes with its "
    "cache emptied and as a graph"
)


def all_sessions() -> tuple[Session, ...]:
    """Return the sessions measured here and those that come with the project, newest first; say what cannot be read."""
    found: list[Session] = []
    readers: tuple[Callable[[], tuple[Session, ...]], ...] = (measured_here, come_with_the_project)
    for read in readers:
        try:
            found += read()
        except SparselabError as error:
            st.error(literal(str(error)), icon=":material/database_off:")
    return tuple(sorted({session.key: session for session in found}.values(), key=lambda s: s.date, reverse=True))


@contextmanager
def said_meanwhile(text: str) -> Iterator[None]:
    """Say on the page what is being done, until it is."""
    slot = st.empty()
    slot.caption(text)
    yield
    slot.empty()


def show_stored() -> None:
    """Show every session in a table with filters; one chosen is shown whole, two are compared, all shown are exported."""
    with said_meanwhile("Reading the stored sessions"):
        sessions = all_sessions()
    if not sessions:
        st.info(
            "No session is stored yet. Every measurement on the other tabs is stored and listed here.",
            icon=":material/database:",
        )
        return
    with st.expander("Filter"):
        shown = _filtered(sessions)
    # The table is short where a session is chosen: on a phone its answer would lie below the fold.
    rows = _ROWS_BESIDE if _chosen(shown) else _ROWS
    event = st.dataframe(
        [_row(session) for session in shown],
        hide_index=True,
        column_config={
            "layer": st.column_config.TextColumn(width=150),
            "density": st.column_config.NumberColumn(format="percent"),
            "dense": st.column_config.NumberColumn(format="%.4g ms"),
            "speedup": st.column_config.NumberColumn("speed-up", format="%.2fx", help=_SPEEDUP_HELP),
        },
        key=_TABLE,
        on_select="rerun",
        selection_mode="multi-row",
        height=38 + 35 * min(len(shown), rows),
    )
    st.caption(f"{len(shown)} of {len(sessions)} sessions. Select one to see all of it, or two to compare them.")
    chosen = [shown[index] for index in event.selection.rows if index < len(shown)]
    if len(chosen) == 1:
        show_session(chosen[0], "stored")
    elif chosen:
        _compare(chosen[:2])
        if len(chosen) > 2:
            st.caption("More than two are selected: the first two are compared.")
    st.download_button(
        "Sessions shown (.csv)",
        data=lambda: as_csv(shown).encode(),
        file_name="latency-sessions.csv",
        on_click="ignore",
        icon=":material/download:",
    )


def _chosen(shown: Sequence[Session]) -> bool:
    """Return whether rows of the table are selected, before it is drawn."""
    selection = st.session_state.get(_TABLE, {}).get("selection", {})
    return any(index < len(shown) for index in selection.get("rows", []))


def _filtered(sessions: Sequence[Session]) -> list[Session]:
    readers: dict[str, Callable[[Session], str]] = {
        "Device": lambda s: str(s.device.get("name", "")),
        "Shape": shape_text,
        "Arithmetic": lambda s: s.dtype,
    }
    shown = list(sessions)
    with st.container(horizontal=True, gap="small"):
        for label, read in readers.items():
            options = [_ANY, *sorted({read(session) for session in sessions})]
            wanted = st.selectbox(label, options, key=f"_stored_{label}", width=220)
            if wanted != _ANY:
                shown = [session for session in shown if read(session) == wanted]
    return shown


def _row(session: Session) -> dict[str, Any]:
    baseline, best = session.row(role="baseline"), session.fastest
    shown = None if best is None else session.shown(best)
    speedup = 1.0 if shown is None else shown.value * session.quickest_dense
    # What was found comes right after the layer: on a phone the rest is scrolled to.
    return {
        "layer": session.about.get("layer", ""),
        "speedup": max(1.0, speedup),
        "fastest": "Dense" if best is None else title_of(best.kernel) if speedup >= 1 else "Dense, channels last",
        "density": session.density,
        "transform": session.about.get("transform", ""),
        "arithmetic": session.dtype,
        "device": session.device.get("name", ""),
        "dense": None if baseline is None else baseline.median_ms,
        "threads": session.threads,
        "shape": shape_text(session),
        "input": " x ".join(map(str, session.input_shape)),
        "date": session.date[:16].replace("T", " "),
        "flags": ", ".join(dict.fromkeys(flag for row in session.rows for flag in row.flags)),
    }


def _compare(sessions: Sequence[Session]) -> None:
    """Show two sessions side by side, kernel by kernel, and what differs in how they were measured."""
    first, second = sessions
    names = ["A", "B"]
    st.plotly_chart(compare_figure(list(zip(names, sessions, strict=True))), key="_stored_compare")
    times = [
        {label_of(row): row.median_ms for row in session.rows if row.median_ms is not None} for session in sessions
    ]
    rows = [
        {"kernel": label, "A": times[0][label], "B": times[1][label], _SPEEDUP: times[0][label] / times[1][label]}
        for label in times[0]
        if label in times[1]
    ]
    config: dict[str, Any] = {name: st.column_config.NumberColumn(format="%.4g ms") for name in names}
    config[_SPEEDUP] = st.column_config.NumberColumn(
        format="%.2fx", help="time of A / time of B: how many times as fast B is"
    )
    st.dataframe(rows, hide_index=True, column_config=config)
    differs = [
        {"what": what, "A": str(a), "B": str(b)}
        for what, a, b in zip(_facts(first), _facts(first).values(), _facts(second).values(), strict=True)
        if a != b
    ]
    if differs:
        st.markdown("**What differs**: the speed-up may come from any of these differences.")
        st.dataframe(differs, hide_index=True)
    st.caption(
        "The two sessions were not measured in turns, so their difference is less certain than one within a session."
    )


def _facts(session: Session) -> dict[str, Any]:
    return {
        "date": session.date,
        "device": session.device.get("name", ""),
        "layer": session.about.get("layer", ""),
        "structure": f"{session.about.get('transform', '')} {session.about.get('settings', '')}",
        "shape": shape_text(session),
        "input": session.input_shape,
        "density": round(session.density, 4),
        "arithmetic": session.dtype,
        "threads": session.threads,
        "versions": ", ".join(f"{name} {value}" for name, value in session.versions.items()),
    }
