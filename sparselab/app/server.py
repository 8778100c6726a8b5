"""The server of the app: Streamlit, told to forget who has gone and not to ask anybody outside for this machine's address."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from contextvars import Context
from typing import Any

from streamlit import net_util, runtime
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.session_manager import SessionInfo, SessionStorage
from streamlit.runtime.state.session_state import SessionState
from streamlit.web.cli import main
from streamlit.web.server import server

_COLLECT_SECONDS = 5.0
_LOOK_SECONDS = 0.1


class ForgettingStorage(SessionStorage):
    """The sessions that have lost their connection, each for `ttl_seconds`: as long as its visitor may still come back to it.

    Streamlit's own lets a session go only when another loses its connection, and then only when the collector finds it: the files
    and workers of the last visitors stayed. All methods are called on the server's event loop.
    """

    def __init__(self, maxsize: int = 128, ttl_seconds: int = 120) -> None:
        """maxsize: how many are kept; beyond that the one that has been gone longest is forgotten early."""
        self._most = maxsize
        self._seconds = ttl_seconds
        self._stored: dict[str, tuple[SessionInfo, asyncio.TimerHandle]] = {}
        self._is_to_collect = False

    def get(self, session_id: str) -> SessionInfo | None:
        found = self._stored.get(session_id)
        return None if found is None else found[0]

    def save(self, session_info: SessionInfo) -> None:
        name = session_info.session.id
        if name in self._stored:
            self.delete(name)
        self._stored[name] = session_info, self._later(self._seconds, self._forget, name)
        if len(self._stored) > self._most:
            self._forget(next(iter(self._stored)))

    def delete(self, session_id: str) -> None:
        _, timer = self._stored.pop(session_id)
        timer.cancel()

    def list(self) -> list[SessionInfo]:
        return [info for info, _ in self._stored.values()]

    def _forget(self, session_id: str) -> None:
        session = self._stored[session_id][0].session
        self.delete(session_id)
        session.shutdown()
        session.session_state.clear()  # Streamlit's loop holds on to the session it served last
        if not self._is_to_collect:
            self._is_to_collect = True
            self._later(_COLLECT_SECONDS, self._collect)

    def _collect(self) -> None:
        self._is_to_collect = False
        gc.collect()  # a session holds itself in circles

    def _later(self, seconds: float, work: Callable[..., None], *arguments: str) -> asyncio.TimerHandle:
        # In a context of its own: that of a connection holds its session.
        return asyncio.get_running_loop().call_later(seconds, work, *arguments, context=Context())


def _make_ready() -> None:
    """Let the first pictures of the samples be made as soon as the server stands."""
    while not runtime.exists():
        time.sleep(_LOOK_SECONDS)
    from sparselab.app.jobs.ready_views import make_views_ready  # not before: the server is to answer at once

    make_views_ready()


def _no_address() -> None:
    return None


def let_callbacks_end() -> None:
    """Let a click that comes while the callbacks of the one before are called wait until they have returned.

    Streamlit's own cuts a callback short where it reads or writes the session's state, and does not call it again: of two controls
    that are turned quickly, or two keys that are pressed, the first was lost or done by half.
    """
    heed, call = ScriptRunner._maybe_handle_execution_control_request, SessionState._call_callbacks
    thread = threading.local()

    def heed_later(self: ScriptRunner) -> None:
        if not getattr(thread, "calls", False):
            heed(self)

    def call_whole(self: SessionState, **arguments: Any) -> None:
        thread.calls = True
        try:
            call(self, **arguments)
        finally:
            thread.calls = False

    ScriptRunner._maybe_handle_execution_control_request = heed_later  # type: ignore[method-assign]
    SessionState._call_callbacks = call_whole  # type: ignore[method-assign]


def serve() -> None:
    """Run Streamlit's command line, with a storage that forgets who has gone, and the first pictures made ahead.

    A connection with a foreign Origin makes Streamlit compare it with this machine's outer address, which it asks of a service on
    the internet: a stranger's page could make this machine call out. Nobody reaches the app under that address unless an operator
    says so, and then `server.corsAllowedOrigins` names it.
    """
    net_util.get_external_ip = _no_address
    let_callbacks_end()
    server.MemorySessionStorage = ForgettingStorage  # type: ignore[attr-defined, assignment]
    threading.Thread(target=_make_ready, daemon=True, name="sparselab-ready-views").start()
    main(prog_name="streamlit")


if __name__ == "__main__":
    serve()
