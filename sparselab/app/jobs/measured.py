"""What the latency sessions of this machine say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

import streamlit as st

from sparselab.benchmarking.csv_table import stored_results
from sparselab.benchmarking.records import Session
from sparselab.benchmarking.storage_paths import database_path
from sparselab.benchmarking.store import Store
from sparselab.core.data_files import DATA, sessions_files
from sparselab.runtime.room import room

MEASURED = "_measured_sessions"
"""Where the visit keeps the keys of the sessions that it measured."""


def measured_here() -> tuple[Session, ...]:
    """Return the sessions that were measured on this machine, newest first; in a room, those of this visit."""
    sessions = Store(database_path()).sessions()
    if room() is None:
        return sessions
    mine: set[str] = st.session_state.get(MEASURED, set())
    return tuple(session for session in sessions if session.key in mine)


def come_with_the_project() -> tuple[Session, ...]:
    """Return the sessions of the package; its files are read again where one has changed."""
    files = sorted((str(path), path.stat().st_mtime_ns) for path in sessions_files(DATA))
    return _read_once(stored_results, tuple(files))


@lru_cache(maxsize=1)
def _read_once(read: Callable[[], tuple[Session, ...]], _files: tuple[tuple[str, int], ...]) -> tuple[Session, ...]:
    return read()


def speeds_in_words(sessions: Iterable[Session]) -> Mapping[str, str]:
    """Return by the digest of the mask after how fast a layer was measured to be, from the newest session of each.

    sessions: the newest first. Sessions that do not say of which mask they are, and those of training steps, are left out.
    """
    found: dict[str, str] = {}
    for session in sessions:
        if (mask := session.about.get("mask_after")) is not None and not session.is_step:
            found.setdefault(mask, _in_words(session))
    return found


def _in_words(session: Session) -> str:
    best, taken = session.fastest, " x ".join(map(str, session.input_shape))
    shown = None if best is None else session.shown(best)
    if best is None or shown is None:
        return f"measured here: no kernel was shown to be faster than dense (input {taken})"
    flags = f", {', '.join(best.flags)}" if best.flags else ""
    return f"measured here: {shown.value:.2f} times as fast as dense (input {taken}{flags})"
