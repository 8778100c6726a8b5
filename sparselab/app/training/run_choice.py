"""Choose a run, to watch it and to show its curves with the study's."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from sparselab.app.shell.escape import literal
from sparselab.app.shell.faults import show_fault
from sparselab.app.shell.url_state import linked_select
from sparselab.app.shell.visit import choose, chosen
from sparselab.core.errors import SparselabError
from sparselab.core.paths import runs_folder
from sparselab.runtime.room import room
from sparselab.training.own_code.reference import short
from sparselab.training.runs.outcomes import NAMES
from sparselab.training.runs.queue import advance
from sparselab.training.runs.views import RunInfo, RunView, list_runs, read_run

NONE = "none"
RUN_TAB = "This run"
"""The name in the address of the tab of one run."""

_SIGNS = {"running": "▶", "queued": "…", "finished": "✓", "stopped": "■"}


def find_runs() -> Path | None:
    """Return the folder of runs, and let those begin whose turn it is; where none can be kept say why, and return None."""
    try:
        root = runs_folder()
        advance(root)
    except (SparselabError, OSError) as error:
        st.error(f"No run can be stored here: {literal(str(error))}", icon=":material/block:")
        return None
    return root


def choose_run(root: Path | None) -> RunView | None:
    """Show the picker of runs and where the chosen one stands; return it, or None."""
    runs = {} if root is None else {run.run: run for run in list_runs(root) if _is_shown(run.run)}
    st.caption("The stored study is always shown. Choose a run to add its curves.")
    name = linked_select(
        "Run",
        [NONE, *runs],
        "run",
        default=NONE,
        label_of=lambda key: "no run selected" if key == NONE else title_of(runs[key]),
        help="A run goes on when this page is closed and when the app ends.  \n▶ running, … queued, ✓ finished, ■ stopped",
    )
    if name == NONE:
        if not runs and root is not None:
            st.caption("There is no run yet. Start one on the tab *Start a run*.")
        return None
    try:
        return read_run(runs[name].folder)
    except SparselabError as error:
        show_fault(error)
        return None


def _is_shown(run: str) -> bool:
    """Whether a visitor is told of a run: in a room of those alone whose link was followed in this visit."""
    if room() is None:
        return True
    followed: set[str] = st.session_state.setdefault("_followed_runs", set())
    if (linked := chosen("run")) is not None:
        followed.add(linked)
    return run in followed


def title_of(run: RunInfo) -> str:
    """Return a run's name for people: its sign, method, network, task, and how far it is."""
    settings = run.settings
    told = [NAMES.get(settings.method, settings.method), f"{short(settings.model)} on {short(settings.task)}"]
    if run.status != "finished" and run.total:
        told.append(f"{100 * run.done / run.total:.0f} %")
    return f"{_SIGNS[run.status]} " + " · ".join([*told, run.run[:6]])


def choose_next(run: str) -> None:
    """Let the picker stand on this run from now on."""
    choose({"run": run})
