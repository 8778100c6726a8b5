"""Run Explore's request in the session's worker: at once where it is quick, with progress and Cancel where it is not."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from sparselab.errors import Cancelled, SparselabError
from sparselab.explore import View, explore
from sparselab.isolate import Task, WorkerError
from sparselab.ui.session import session
from sparselab.ui.source import Source

_QUICK_SECONDS = 0.8  # most answers come within this; only then does a progress bar appear
_LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Request:
    """Everything the answer depends on."""

    source: Source
    layer: str
    transform: str
    settings: dict[str, Any]
    seed: int

    @property
    def key(self) -> str:
        """An exact name for the answer: the layer's digest, not a sample of it, and every setting."""
        digest = next(item["digest"] for item in self.source.card["layers"] if item["name"] == self.layer)
        parts = [
            self.source.path,
            asdict(self.source.options),
            self.layer,
            digest,
            self.transform,
            self.settings,
            self.seed,
        ]
        return json.dumps(parts, sort_keys=True)


def view_of(request: Request) -> View | None:
    """Return the answer, or None while it is computed, was cancelled or failed, which is then shown in its place."""
    own = session()
    if own.knows(request.key):
        found: View = own.remembered(request.key, lambda: None)
        return found
    task = own.desk.request(
        request.key,
        explore,
        request.source.path,
        request.layer,
        request.transform,
        request.settings,
        request.seed,
        request.source.options,
    )
    slot = st.empty()
    deadline = time.monotonic() + _QUICK_SECONDS
    while not task.wait(_LOOK_SECONDS) and time.monotonic() < deadline:
        slot.empty()  # where Streamlit looks whether a newer knob has superseded this run
    if not task.done:
        _progress(task)
        return None
    try:
        packed = task.result()
    except Cancelled:
        st.info("Cancelled. Turn a knob, or run it again.", icon=":material/cancel:")
        st.button("Run again", on_click=own.desk.forget, key="_run_again")
    except SparselabError as error:
        st.error(str(error), icon=":material/block:")
    except WorkerError as error:
        print(error, flush=True)  # for the operator's log; a visitor is told what it means for them
        st.error(
            "This failed through a fault of ours; the server's log says where. The app goes on.",
            icon=":material/bug_report:",
        )
        st.button("Try again", on_click=own.desk.forget, key="_run_again")
    else:
        view: View = own.remembered(request.key, lambda: View.unpack(packed))
        return view
    return None


@st.fragment(run_every=0.25)
def _progress(task: Task) -> None:
    if task.done:
        st.rerun()
    progress = task.progress
    stage = "starting" if progress is None else progress.stage
    count = f" {progress.done:,} of {progress.total:,}" if progress and progress.total else ""
    bar, button = st.columns([3, 1], vertical_alignment="bottom")
    bar.progress((progress and progress.fraction) or 0.0, text=f"Regrouping: {stage}{count}")
    if button.button("Cancel", key="_cancel"):
        session().desk.cancel()
        st.rerun()
