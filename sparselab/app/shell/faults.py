"""What is shown in place of an answer that did not come."""

from __future__ import annotations

import sys

import streamlit as st

from sparselab.app.shell.escape import literal
from sparselab.core.errors import SparselabError
from sparselab.core.plugins import skipped


def fault_text(error: Exception) -> str:
    """Return what a visitor is told of `error`: its own sentence where the visitor can mend it, else where to look."""
    return str(error) if isinstance(error, SparselabError) else "Internal error; see the server log"


def show_fault(error: Exception) -> None:
    """Show `error` as a box with one sentence."""
    if isinstance(error, OSError):
        reason = error.strerror or "it failed"
        st.error(f"The server could not keep the file: {literal(reason)}", icon=":material/storage:")
        return
    mendable = isinstance(error, SparselabError)
    if not mendable:
        print(error, file=sys.stderr, flush=True)  # for the operator's log; a visitor is told what it means for them
    st.error(literal(fault_text(error)), icon=":material/block:" if mendable else ":material/bug_report:")


def show_skipped_plugins() -> None:
    """Name in the sidebar the plug-ins that were skipped, where there are any. They are loaded once a server."""
    for plugin in skipped():
        st.sidebar.caption(f"Skipped plug-in: {literal(str(plugin))}")
