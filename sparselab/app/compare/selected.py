"""Rows of the table that were selected: their masks side by side, and the way to Explore."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import streamlit as st

from sparselab.analysis.worth import measure_of
from sparselab.app.compare.entries import Entry
from sparselab.app.inputs.source import Source
from sparselab.app.panes_view import panes_view
from sparselab.app.shell.escape import literal
from sparselab.app.shell.faults import show_fault
from sparselab.app.shell.open_in import open_in_explore
from sparselab.app.shell.session import session
from sparselab.app.shell.work import run_once
from sparselab.core.errors import SparselabError
from sparselab.core.mask import Mask
from sparselab.display.panes_message import MOST_PANES, Pane, panes_message
from sparselab.runtime.pipes import Limits
from sparselab.runtime.worker import WorkerError
from sparselab.workflows.stored_compare import stored_masks


def show_selected(source: Source, layer: str, chosen: Sequence[Entry], seed: int, store: str) -> None:
    """Show the masks of two or three contenders under one zoom, and a button for each that opens it in Explore."""
    if not chosen:
        st.caption(
            "Tick two or three rows to see their masks side by side under one zoom, or any to open it in Explore."
        )
        return
    with st.container(horizontal=True, gap="small"):
        for entry in chosen[:MOST_PANES]:
            title = literal(entry.contender.title)
            if st.button(f"Open {title} in Explore", icon=":material/grid_on:", key=f"_open_{entry.contender.name}"):
                open_in_explore(source, layer, entry.contender.transform, entry.settings, seed)
    if len(chosen) > MOST_PANES:
        st.caption(f"{len(chosen)} rows are ticked: the first {MOST_PANES} are shown.")
    if len(chosen) == 1:
        st.caption("Tick a second row to see their masks side by side.")
        return
    try:
        masks = [_masks(source, layer, entry, seed, store) for entry in chosen[:MOST_PANES]]
    except (SparselabError, WorkerError) as error:
        show_fault(error)
        return
    before = masks[0][0]
    panes = [
        Pane(entry.contender.title, _caption(entry), after) for entry, (_, after) in zip(chosen, masks, strict=False)
    ]
    panes_view(panes_message(layer, before, panes), key="_panes")


def _caption(entry: Entry) -> str:
    row = entry.row
    if row["coverage"] is None:
        return "nothing found: the mask is unchanged"
    measure = measure_of(row)
    energy = f"{100 * row['energy']:.1f} % of the energy, " if measure == "energy" else ""
    return f"kept: {energy}{100 * row['coverage']:.1f} % of the weights; density {100 * row['density_after']:.1f} %"


def _masks(source: Source, layer: str, entry: Entry, seed: int, store: str) -> tuple[Mask, Mask]:
    asked = (source.path, layer, asdict(entry.contender), seed, source.options, store)
    digest = next(item["digest"] for item in source.card["layers"] if item["name"] == layer)
    key = json.dumps(["masks", *asked[:4], asdict(source.options), digest, source.stamp])

    def made() -> Any:
        return run_once(stored_masks, *asked, limits=Limits(threads=1), what=f"Fetching {entry.contender.title}")

    # Of a visitor's file kept for this visit alone, as all that is computed of it.
    found = session().memory.remembered(key, made)
    shape = found["rows"], found["cols"]
    return Mask.from_packed(found["before"], shape), Mask.from_packed(found["after"], shape)
