"""What belongs to one browser session: its worker, its files, what it computed last. Nothing here is shared."""

from __future__ import annotations

import shutil
import tempfile
import uuid
import weakref
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from sparselab.benchmarking.requests import IMPORTS
from sparselab.runtime.pool import WorkerPool
from sparselab.runtime.session_workers import WARM_IMPORTS, SessionWorker, SessionWorkers

_MOST_REMEMBERED = 6


@st.cache_resource(show_spinner=False)
def session_workers() -> SessionWorkers:
    """Return the server's worker session workers; the first call starts a worker ahead of the first visitor."""
    return SessionWorkers()


class VisitorSession:
    """A worker session worker, a folder that goes when the session goes, and the last few results."""

    def __init__(self) -> None:
        self.name = uuid.uuid4().hex
        self.folder = Path(tempfile.mkdtemp(prefix="sparselab-"))
        self._pool: WorkerPool | None = None
        self._bench: WorkerPool | None = None
        self._memory: OrderedDict[str, Any] = OrderedDict()
        weakref.finalize(self, _clear, self.name, self.folder)

    @property
    def session_worker(self) -> SessionWorker:
        return session_workers().session_worker(self.name)

    @property
    def pool(self) -> WorkerPool:
        """Workers for lists of calls, started when first asked for."""
        if self._pool is None:
            self._pool = WorkerPool(imports=WARM_IMPORTS)
            weakref.finalize(self, self._pool.close)
        return self._pool

    @property
    def bench(self) -> WorkerPool:
        """The one process that measures latency, started when first asked for."""
        if self._bench is None:
            self._bench = WorkerPool(1, imports=IMPORTS)
            weakref.finalize(self, self._bench.close)
        return self._bench

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


def _clear(name: str, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    session_workers().leave(name)
