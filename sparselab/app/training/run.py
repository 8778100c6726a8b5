"""One run: its progress, its loss and accuracy as they come, and the buttons that cancel, resume or delete it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab.app.shell.escape import literal
from sparselab.app.training.charts import curves_figure, progress_figure
from sparselab.app.training.exchanges import show_energy_lost
from sparselab.app.training.film import show_film
from sparselab.app.training.run_choice import NONE, choose_next
from sparselab.core.errors import SparselabError
from sparselab.training.runs.mask_history import energy_lost_of
from sparselab.training.runs.outcomes import outcomes_of
from sparselab.training.runs.points import dense_of, points_of
from sparselab.training.runs.queue import advance, cancel, delete, resume
from sparselab.training.runs.views import RunView, read_run

_LOOK_SECONDS = 1.0
_BUSY = ("running", "queued")


def show_run(root: Path, view: RunView | None) -> None:
    """Show the run whole; while it is at work, go on looking until a click comes. Last on the page."""
    if view is None:
        st.info(
            "No run selected. Choose a run on the left, or start a run on the tab *Start a run*.",
            icon=":material/directions_run:",
        )
        return
    status, place = st.empty(), st.container()
    _actions(place, root, view)
    charts = st.empty()
    _show(status, charts, view)
    show_film(view)
    _details(view)
    while view.info.status in _BUSY:
        # A loop in the script, which any click interrupts: a fragment that refreshes itself would draw into the next page.
        pause(_LOOK_SECONDS)
        advance(root)
        try:
            now = read_run(view.info.folder)
        except SparselabError as error:  # its folder went, or was damaged, while it was watched
            status.error(literal(str(error)), icon=":material/folder_off:")
            break
        if now.info.status not in _BUSY:
            st.rerun()
        if (now.info.done, now.info.status) != (view.info.done, view.info.status):
            _show(status, charts, now)
        view = now


def pause(seconds: float) -> None:
    """Wait before the next look."""
    time.sleep(seconds)


def _show(status: DeltaGenerator, charts: DeltaGenerator, view: RunView) -> None:
    info = view.info
    share = info.done / info.total if info.total else 0.0
    count = len(view.stages)
    stages = f"{count} training{'s' * (count != 1)} done"
    with status.container():
        if info.status == "queued":
            st.info(
                "Queued: other runs use the CPU threads. This run starts when one of them ends.",
                icon=":material/hourglass_top:",
            )
        elif info.status == "running":
            stage = next((event["stage"] for event in reversed(view.tail) if "stage" in event), "starting")
            left = "" if view.seconds_left is None else f", about {_duration(view.seconds_left)} left"
            st.progress(share, text=f"{literal(stage)}: {info.done:,} of {info.total:,} steps, {stages}{left}")
        elif info.status == "finished":
            st.success(f"Finished: {stages} in {_duration(view.seconds)}.", icon=":material/check_circle:")
        else:
            _say_why_stopped(view, share, stages)
    events = view.events()
    outcomes = outcomes_of(view)
    with charts.container():
        # Figures drawn again and again have no key: Streamlit allows a key once a run of the page.
        st.plotly_chart(progress_figure(events, info.total))
        if points := points_of(outcomes):
            st.plotly_chart(curves_figure(points, [dense_of(outcomes, study=False)], "weights kept"))
        show_energy_lost(energy_lost_of(events), info.settings.method)


def _say_why_stopped(view: RunView, share: float, stages: str) -> None:
    lines = view.output.strip().splitlines()
    error = next((line for line in reversed(lines) if line.startswith("error: ")), "")
    if error:
        st.error(literal(error.removeprefix("error: ")), icon=":material/block:")
    go_on = "Resume continues from the last checkpoint."
    if view.info.settings.names_own_code:
        go_on = (
            "Its code is your own, which only the command line runs: the command under *Settings and command line* continues "
            "from the last checkpoint."
        )
    st.info(
        f"Stopped at {100 * share:.0f} %, {stages}. {go_on}",
        icon=":material/pause_circle:",
    )


def _actions(place: DeltaGenerator, root: Path, view: RunView) -> None:
    folder, status = view.info.folder, view.info.status
    with place.container(horizontal=True):
        if status in _BUSY:
            st.button(
                "Cancel", key="_run_cancel", icon=":material/stop:", on_click=partial(_try, lambda: _cancel(folder))
            )
        if status == "stopped" and not view.info.settings.names_own_code:
            go_on = partial(_try, lambda: resume(folder))
            st.button("Resume", key="_run_resume", type="primary", icon=":material/play_arrow:", on_click=go_on)
        if status not in _BUSY:
            st.button("Delete", key="_run_delete", icon=":material/delete:", on_click=_ask_delete, args=(root, folder))
    if said := st.session_state.pop("_run_said", None):
        st.error(literal(said), icon=":material/block:")
    if status not in _BUSY and st.session_state.get("_run_asked") == str(folder):
        _are_you_sure(root, folder, len(view.stages))


def _cancel(folder: Path) -> None:
    """Ask the run to stop, and wait a moment for it: it writes a checkpoint first."""
    cancel(folder)
    deadline = time.monotonic() + 5.0
    while read_run(folder).info.status == "running" and time.monotonic() < deadline:
        time.sleep(0.1)


def _try(action: Callable[[], object]) -> None:
    try:
        action()
    except SparselabError as error:
        st.session_state["_run_said"] = str(error)


def _ask_delete(_root: Path, folder: Path) -> None:
    st.session_state["_run_asked"] = str(folder)


def _are_you_sure(root: Path, folder: Path, stages: int) -> None:
    """Ask on the page itself: a click on a dialog can be lost while the page behind it is still being drawn."""
    st.warning(
        f"Delete this run? Its {stages} training{'s' * (stages != 1)} and their tickets are removed from the disk. This cannot be undone.",
        icon=":material/delete_forever:",
    )
    with st.container(horizontal=True):
        st.button("Delete this run", type="primary", key="_run_sure", on_click=_deleted, args=(root, folder))
        st.button("Keep this run", key="_run_keep", on_click=_forget_question)


def _deleted(root: Path, folder: Path) -> None:
    _forget_question()
    _try(lambda: delete(root, folder))
    if not folder.exists():
        choose_next(NONE)


def _forget_question() -> None:
    st.session_state.pop("_run_asked", None)


def _details(view: RunView) -> None:
    with st.expander("Settings and command line"):
        settings = vars(view.info.settings)
        st.code(f"python -m sparselab train --out {view.info.folder} --resume", language="bash")
        st.dataframe(
            [{"setting": name, "value": str(value)} for name, value in settings.items()], hide_index=True, height=300
        )
    if view.info.code:
        with st.expander("Code of the task and network"):
            st.dataframe(
                [{"file or plug-in": name, "SHA-256 or version": told} for name, told in view.info.code.items()],
                hide_index=True,
            )
    if view.output:
        with st.expander("Log of the process"):
            st.code(view.output, language=None)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
