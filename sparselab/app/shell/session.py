"""What belongs to one browser session (its questions, its files, what it computed last), and what the server's sessions share."""

from __future__ import annotations

import atexit
import shutil
import threading
import time
import uuid
import weakref
from functools import partial
from pathlib import Path

import streamlit as st

from sparselab.app.shell.memory import Memory
from sparselab.benchmarking.requests import IMPORTS
from sparselab.core.errors import FileError
from sparselab.core.paths import runs_folder
from sparselab.runtime.broker import Broker, JobList, Latest
from sparselab.runtime.broker.broker import WARM_IMPORTS
from sparselab.runtime.server_folder import ServerFolder, end_orphans
from sparselab.training.runs.views import threads_at_work

_VISITORS_BYTES = 256 * 2**20
"""The view of a layer of 4096 x 14336 with its picture and charts: a tenth of it for each that comes with the app."""

_PUBLIC_BYTES = 256 * 2**20
"""Some 35 questions about the largest sample; the rest is on disk."""

_TRAININGS_SECONDS = 5.0


@st.cache_resource(show_spinner=False)
def broker() -> Broker:
    """Return the server's broker of work; the first call starts a worker ahead of the first visitor."""
    return Broker(imports=tuple(dict.fromkeys((*WARM_IMPORTS, *IMPORTS))), taken=_Trainings().threads)


@st.cache_resource(show_spinner=False)
def server_folder() -> ServerFolder:
    """Return the server's folder for visitors' files; what dead servers left is cleared in the background."""
    folder = ServerFolder()
    atexit.register(folder.close)
    threading.Thread(target=_clear_the_dead, args=(folder,), daemon=True, name="sparselab-sweeper").start()
    return folder


@st.cache_resource(show_spinner=False)
def public_memory() -> Memory:
    """Return what all visitors share: what was computed of samples, never of anybody's file."""
    return Memory(_PUBLIC_BYTES)


class VisitorSession:
    """A visitor's questions, a folder that goes when the session goes, and the last few results."""

    def __init__(self) -> None:
        self.name = uuid.uuid4().hex
        self.folder: Path = server_folder().new()
        self.latest = Latest(broker())
        self.chance = Latest(broker())
        self.jobs = JobList(broker(), self.name)
        self.looks = JobList(broker(), self.name)
        self.audit = JobList(broker(), self.name)
        self.measurements = JobList(broker(), self.name)
        self.memory = Memory(_VISITORS_BYTES)
        # A note alone: the collector may run it on the server's event loop, or where a lock is held.
        weakref.finalize(self, broker().leave, self.name, partial(shutil.rmtree, self.folder, ignore_errors=True))


def session() -> VisitorSession:
    """Return this browser session's own things."""
    if "_session" not in st.session_state:
        st.session_state["_session"] = VisitorSession()
    found: VisitorSession = st.session_state["_session"]
    if not found.folder.is_dir():
        server_folder().restore(found.folder)
    return found


class _Trainings:
    """The threads that trainings take, looked up now and then: they are processes of their own, which nobody announces."""

    def __init__(self) -> None:
        self._seen_at, self._threads = -_TRAININGS_SECONDS, 0

    def threads(self) -> int:
        now = time.monotonic()
        if now - self._seen_at >= _TRAININGS_SECONDS:
            try:
                self._threads = threads_at_work(runs_folder())
            except FileError:  # a data folder that cannot be made holds no runs
                self._threads = 0
            self._seen_at = now
        return self._threads


def _clear_the_dead(folder: ServerFolder) -> None:
    folder.sweep()
    end_orphans()
