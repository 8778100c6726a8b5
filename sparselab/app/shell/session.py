"""What belongs to one browser session: its questions, its files, what it computed last. Nothing here is shared."""

from __future__ import annotations

import shutil
import threading
import time
import uuid
import weakref
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from sparselab.benchmarking.requests import IMPORTS
from sparselab.core.errors import FileError
from sparselab.core.paths import runs_folder
from sparselab.runtime.broker import Broker, JobList, Latest
from sparselab.runtime.broker.broker import WARM_IMPORTS
from sparselab.runtime.server_folder import ServerFolder, end_orphans
from sparselab.training.runs.views import threads_at_work

_MOST_REMEMBERED = 6
_TRAININGS_SECONDS = 5.0


@st.cache_resource(show_spinner=False)
def broker() -> Broker:
    """Return the server's broker of work; the first call starts a worker ahead of the first visitor."""
    return Broker(imports=tuple(dict.fromkeys((*WARM_IMPORTS, *IMPORTS))), taken=_Trainings().threads)


@st.cache_resource(show_spinner=False)
def server_folder() -> ServerFolder:
    """Return the server's folder for visitors' files; what dead servers left is cleared in the background."""
    folder = ServerFolder()
    threading.Thread(target=_clear_the_dead, args=(folder,), daemon=True, name="sparselab-sweeper").start()
    return folder


class VisitorSession:
    """A visitor's questions, a folder that goes when the session goes, and the last few results."""

    def __init__(self) -> None:
        self.name = uuid.uuid4().hex
        self.folder: Path = server_folder().new()
        self.latest = Latest(broker())
        self.jobs = JobList(broker(), self.name)
        self.measurements = JobList(broker(), self.name)
        self._memory: OrderedDict[str, Any] = OrderedDict()
        # A note alone: the collector may run it on the server's event loop, or where a lock is held.
        weakref.finalize(self, broker().leave, self.name, partial(shutil.rmtree, self.folder, ignore_errors=True))

    def remembered(self, key: str, make: Callable[[], Any]) -> Any:
        """Return what `key` gave before, or make it now; only the last few are kept."""
        if key not in self._memory:
            self._memory[key] = make()
        self._memory.move_to_end(key)
        while len(self._memory) > _MOST_REMEMBERED:
            self._memory.popitem(last=False)
        return self._memory[key]

    def knows(self, key: str) -> bool:
        return key in self._memory


def session() -> VisitorSession:
    """Return this browser session's own things."""
    if "_session" not in st.session_state:
        st.session_state["_session"] = VisitorSession()
    found: VisitorSession = st.session_state["_session"]
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
