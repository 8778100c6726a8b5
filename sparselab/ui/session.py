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

from sparselab.crew import Crew
from sparselab.jobs import WARM_IMPORTS, Desk, Desks
from sparselab.latency.running import IMPORTS

_MOST_REMEMBERED = 6


@st.cache_resource(show_spinner=False)
def desks() -> Desks:
    """Return the server's worker desks; the first call starts a worker ahead of the first visitor."""
    return Desks()


class VisitorSession:
    """A worker desk, a folder that goes when the session goes, and the last few results."""

    def __init__(self) -> None:
        self.name = uuid.uuid4().hex
        self.folder = Path(tempfile.mkdtemp(prefix="sparselab-"))
        self._crew: Crew | None = None
        self._bench: Crew | None = None
        self._memory: OrderedDict[str, Any] = OrderedDict()
        weakref.finalize(self, _clear, self.name, self.folder)

    @property
    def desk(self) -> Desk:
        return desks().desk(self.name)

    @property
    def crew(self) -> Crew:
        """Workers for lists of calls, started when first asked for."""
        if self._crew is None:
            self._crew = Crew(imports=WARM_IMPORTS)
            weakref.finalize(self, self._crew.close)
        return self._crew

    @property
    def bench(self) -> Crew:
        """The one process that measures latency, started when first asked for."""
        if self._bench is None:
            self._bench = Crew(1, imports=IMPORTS)
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
    desks().leave(name)
