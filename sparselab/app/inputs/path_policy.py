"""Which files and folders of this machine a visitor may name."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from sparselab.core.errors import FileError
from sparselab.core.paths import OPENED_VARIABLE, ROOTS_VARIABLE, result_folders
from sparselab.runtime.room import room

_LONGEST_SHOWN = 120


def allowed_roots() -> tuple[Path, ...]:
    """Return the folders whose files may be opened by path.

    They are the operator's, or the user's home if only they can connect and no room is served; and that of the file, or the
    folder, the app was started with.
    """
    opened = os.environ.get(OPENED_VARIABLE)
    if opened is None:
        return _standing_roots()
    path = Path(opened).resolve()
    return (*_standing_roots(), path if path.is_dir() else path.parent)


def ticket_roots() -> tuple[Path, ...]:
    """Return the folders whose files may be opened as tickets: those allowed, and the app's own runs and study."""
    return (*allowed_roots(), *result_folders())


def resolve_under(text: str, roots: tuple[Path, ...], *, folder: bool | None = False) -> Path:
    """Return the file at `text` (or the folder, or with None either), symbolic links followed.

    Raises: FileError unless it is one under `roots`, which it does not tell: whoever follows a link may be a stranger.
    """
    if "\0" in text:
        raise FileError("expected a path; got one with a NUL character")
    shown = text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "..."
    try:
        path = Path(text).expanduser().resolve()
        found = (folder is not False and path.is_dir()) or (folder is not True and path.is_file())
    except (RuntimeError, OSError, ValueError):  # an unknown user, a circle of links, characters no path can have
        raise FileError(f"expected a path that can be followed; got {shown!r}") from None
    if not any(path.is_relative_to(root) for root in roots):
        raise FileError(
            f"expected a path under a folder that this server opens; got {shown}: its operator names them in {ROOTS_VARIABLE}"
        )
    if not found:
        wanted = {True: "a folder", False: "a file", None: "a file or a folder"}[folder]
        raise FileError(f"expected {wanted}; there is none at {shown}")
    return path


def _standing_roots() -> tuple[Path, ...]:
    named = os.environ.get(ROOTS_VARIABLE)
    if named is not None:
        return tuple(Path(part).resolve() for part in named.split(os.pathsep) if part)
    if room() is not None:  # its visitors are not this machine's user
        return ()
    return (Path.home().resolve(),) if st.get_option("server.address") in ("localhost", "127.0.0.1", "::1") else ()
