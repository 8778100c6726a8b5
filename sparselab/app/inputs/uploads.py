"""The uploads of a visit: put on disk as they came, found again by their digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from sparselab.app.shell.session import session
from sparselab.formats import FORMATS

_LONGEST = 200
"""Bytes of a name: file systems take 255, and a copy may add a suffix."""


def uploads() -> dict[str, tuple[str, Path]]:
    """Return the uploads of this visit by digest: name, and where the file lies. One that somebody cleared away is none any more."""
    found: dict[str, tuple[str, Path]] = st.session_state.setdefault("_uploads", {})
    for digest in [digest for digest, (_, path) in found.items() if not path.exists()]:
        del found[digest]
    return found


def stored(file: UploadedFile) -> tuple[Path, str]:
    """Put an upload into the session's folder; return where it lies, and its digest. Raises: OSError where there is no room."""
    content = file.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    # A folder of its own, named by us; the stranger's name only of letters that mean nothing to a path.
    folder = session().folder / digest[:16]
    plain = "".join(c if c.isalnum() or c in "._-" else "_" for c in file.name).encode()[-_LONGEST:]
    original = folder / (plain.decode(errors="ignore").lstrip(".") or "upload")
    folder.mkdir(exist_ok=True)
    original.write_bytes(content)
    return original, digest


def file_in_words(name: str, digest: str) -> str:
    """Return an upload's name, and the beginning of its digest where one is known."""
    return f"“{name[:200]}”" + f" (sha256 {digest[:12]})" * bool(digest)


def formats_in_words() -> str:
    """Return the kinds of files that are read, with the endings of their names, as the registry has them."""
    kinds = [form for form in FORMATS.values() if not form.opens_folders]
    return "Read: " + "; ".join(f"{form.title} ({', '.join(form.suffixes)})" for form in kinds) + "."
