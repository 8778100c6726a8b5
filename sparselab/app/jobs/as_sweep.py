"""What a page runs, as commands for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from sparselab.app.inputs.source import Source
from sparselab.formats import ReadOptions
from sparselab.workflows.sweeps.command import commands_of


def show_as_sweep(
    source: Source, layers: Sequence[str], runs: Sequence[tuple[str, Mapping[str, Any]]], seed: int, note: str
) -> None:
    """Show the commands of `sparselab sweep` that run transforms with these settings on layers of a source; none for all layers."""
    if not runs:
        return
    with st.expander("As a sweep on the command line", icon=":material/terminal:"):
        commands = commands_of(_file(source), layers, runs, seed)
        st.code("\n\n".join(commands), language="bash", wrap_lines=True)
        text = note
        if len(commands) > 1:
            text += " A command runs every combination of its values, so there are several: together they are what this page runs."
        if source.options != ReadOptions():
            text += " The file is read here with options of its own: give them to the command too (`sparselab sweep --help`)."
        st.caption(text)


SHARED = "What this page computed is not computed again on this machine, nor here what a sweep computed."
"""The note where the commands ask for the very runs of the page."""


def _file(source: Source) -> str:
    """Return the file's name as its owner knows it: of a sample or an upload, no path of the server."""
    return Path(source.path).name if source.is_public else source.title if source.original else source.path
