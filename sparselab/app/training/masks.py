"""The masks behind the curves: every layer's density stage by stage, one layer's mask as thumbnails, and buttons that open a ticket on other pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from sparselab.analysis.pooling import pool
from sparselab.app.shell.escape import literal
from sparselab.app.shell.icon import embedded
from sparselab.app.shell.navigation import page_called
from sparselab.app.shell.open_in import AtPath, open_in
from sparselab.app.training.charts import layers_figure, updates_figure
from sparselab.core.data_files import STUDY_UPDATES
from sparselab.formats import read_ticket
from sparselab.training.runs.judging import judgement_text
from sparselab.training.runs.mask_history import study_updates, updates_of
from sparselab.training.runs.outcomes import Outcome
from sparselab.training.runs.views import RunView

_SIDE = 96
_PICTURE_WIDTH = 112
_MOST_PICTURES = 12


def show_masks(outcomes: Sequence[Outcome], view: RunView | None) -> None:
    """Show the masks of one run, and the buttons that open them on other pages."""
    here = [outcome for outcome in outcomes if outcome.ticket is not None and outcome.ticket.is_file()]
    if not here:
        return
    st.divider()
    runs = list(dict.fromkeys(outcome.run for outcome in here))
    titles = {outcome.run: _title(outcome) for outcome in here}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        own = None if view is None else view.info.run
        start = runs.index(own) if own in runs else 0
        run = st.selectbox(
            "Masks of run", runs, index=start, format_func=lambda key: titles[key], key="_masks_of", width=340
        )
    mine = [outcome for outcome in here if outcome.run == run]
    if any(outcome.transformed for outcome in mine) and any(not outcome.transformed for outcome in mine):
        kinds = ("levels", "transformed tickets", "all")
        kind = st.segmented_control(
            "Stages", kinds, default=kinds[0], key="_masks_kind", required=True, label_visibility="collapsed"
        )
        mine = [one for one in mine if kind == kinds[2] or one.transformed == (kind == kinds[1])]
    densities = {outcome.stage: _densities(str(outcome.ticket), _modified(outcome)) for outcome in mine}
    st.plotly_chart(layers_figure(densities), key="_layers")
    layers = list(next(iter(densities.values())))
    layer = st.selectbox("Layer thumbnails", layers, index=len(layers) - 1, key="_masks_layer", width=340)
    _pictures(mine, layer)
    _open(mine, layer)
    updates = updates_of(view) if view is not None and view.info.run == run else study_updates(STUDY_UPDATES, run)
    if updates:
        st.markdown("**Mask updates during training**")
        st.plotly_chart(updates_figure(updates), key="_updates")


def _title(outcome: Outcome) -> str:
    whose = "study" if outcome.study else "selected run"
    return f"{outcome.run if outcome.study else outcome.method + ' ' + outcome.run[:6]} ({whose})"


def _modified(outcome: Outcome) -> int:
    return 0 if outcome.ticket is None else outcome.ticket.stat().st_mtime_ns


@st.cache_data(show_spinner=False, max_entries=256)
def _densities(path: str, _modified: int) -> dict[str, float]:
    return {found.name: found.mask().density for found in read_ticket(Path(path)).entries}


@st.cache_data(show_spinner=False, max_entries=256)
def _picture(path: str, modified: int, layer: str) -> str:
    """Return the thumbnail of a mask, dark where weights are kept: exact mean densities, at most _SIDE numbers a side."""
    level = pool(read_ticket(Path(path)).found(layer).mask(), most_rows=_SIDE, most_cols=2 * _SIDE)
    return embedded(not_thin(np.rint(255 * (1.0 - np.sqrt(level.density))).astype(np.uint8)))


def not_thin(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture no more than twice as high as wide and eight times as wide as high, thin ones made thicker: all are shown as wide."""
    rows, cols = pixels.shape
    return pixels.repeat(-(-cols // (8 * rows)), axis=0).repeat(-(-rows // (2 * cols)), axis=1)


def _pictures(mine: Sequence[Outcome], layer: str) -> None:
    """Show one layer at up to twelve stages, side by side."""
    step = -(-len(mine) // _MOST_PICTURES)
    shown = list(mine[::step])
    # One list, not columns: on a phone it wraps, and the order of the stages stays.
    st.image(
        [_picture(str(outcome.ticket), _modified(outcome), layer) for outcome in shown],
        caption=[f"{each.stage}: {judgement_text(each.metric, each.test_accuracy)}" for each in shown],
        alt=[f"Mask of {layer} at {each.stage}" for each in shown],
        width=_PICTURE_WIDTH,
    )
    more = f" Of {len(mine)} stages, one in {step} is shown." if step > 1 else ""
    st.caption(
        f"Gray level: square root of the density, so that sparse areas differ from empty ones. Caption: stage and test {literal(shown[0].metric)}.{more}"
    )


def _open(mine: Sequence[Outcome], layer: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        stages = {outcome.stage: outcome for outcome in mine}
        stage = st.selectbox("Ticket", list(stages), index=len(stages) - 1, key="_masks_stage", width=260)
        ticket = stages[stage].ticket
        assert ticket is not None
        for name in ("explore", "compare", "latency"):
            page = page_called(name)
            if st.button(f"Open in {page.title}", icon=page.icon, key=f"_open_{page.title}"):
                open_in(name, AtPath(ticket), layer)
        st.download_button(
            "Ticket (.safetensors)", data=ticket.read_bytes, file_name=f"{stages[stage].run[:12]}-{stage}.safetensors",
            on_click="ignore", icon=":material/download:", key="_ticket_file",
        )  # fmt: skip
