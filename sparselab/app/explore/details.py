"""Below the pictures of Explore: charts, checks, all numbers and downloads, each in a tab."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import streamlit as st

from sparselab.analysis.tiles import tile_view
from sparselab.app.charts import block_density_figure, similarity_figure, tiles_figure
from sparselab.app.explore.downloads import show_takeaway
from sparselab.app.explore.numbers import show_all_numbers
from sparselab.app.explore.sweep import show_sweep
from sparselab.app.inputs.explore_request import ExploreRequest
from sparselab.app.jobs.chance_job import chance_of_view
from sparselab.app.motion_view import motion_view
from sparselab.app.shell.address_keys import TILES
from sparselab.app.shell.url_state import linked_tabs
from sparselab.app.shell.visit import chosen, held
from sparselab.display.motion_message import motion_message, why_still
from sparselab.workflows.chance import Chance
from sparselab.workflows.explore import View


@dataclass(frozen=True)
class Tab:
    """What a tab is called on the page, and what fills it."""

    label: str
    show: Callable[[View, ExploreRequest], None]
    waits: bool = False
    """Whether it stays for work of its own: all else on the page is to be done before."""


def details(view: View, request: ExploreRequest) -> None:
    """Show the charts, the checks, all numbers and the downloads: only the open tab is made, the others cost nothing."""
    broken = [law for law in view.invariants if not law.holds]
    if broken:
        st.error(
            f"Invariant violated: {broken[0].name} ({broken[0].figure}). Please report it.", icon=":material/error:"
        )
    for name, place in linked_tabs({name: tab.label for name, tab in TABS.items()}, "tab").items():
        if place.open:
            with place:
                TABS[name].show(view, request)


def waits_itself() -> bool:
    """Whether the open tab stays for work of its own."""
    tab = TABS.get(chosen("tab", ""))
    return tab is not None and tab.waits


def _similarity(view: View, request: ExploreRequest) -> None:
    st.caption(
        "Jaccard similarity of every two rows. Bright squares along the diagonal of the right picture are groups of similar rows."
    )
    less = st.toggle(
        "Minus what chance gives",
        **held("minus_chance", False),
        help="Less the similarity to be expected of two rows that keep as many columns each, anywhere: what is left, orange, is likeness.",
    )
    figure = request.source.memory.remembered(
        f"similarity|{less}|{request.key}", lambda: similarity_figure(view, minus_chance=less)
    )
    st.plotly_chart(figure, key="_similarity")


def _reordering(view: View, request: ExploreRequest) -> None:
    if still := why_still(view.layout):
        st.info(still)
        return
    payload = request.source.memory.remembered(
        f"motion|{request.key}", lambda: motion_message(request.layer, view.layout)
    )
    motion_view(payload, key="_motion_view")


def _block_density(view: View, _request: ExploreRequest) -> None:
    if not view.layout.blocks:
        st.info("The layout has no blocks.")
        return
    st.caption(
        "Number of blocks by their density before they were filled. Blocks further to the right need less fill-in."
    )
    st.plotly_chart(block_density_figure(view), key="_block_density")


def _tiles(view: View, _request: ExploreRequest) -> None:
    """Show the tiles a kernel computes, how full each is, and what is computed for nothing."""
    tile = st.select_slider(
        "Tile",
        TILES,
        **held("tile", 16),
        help="side of the kernel's square tile, in weights",
    )
    seen = tile_view(view.layout, tile)
    st.caption(
        "The blocks cut into the tiles that a kernel computes, block under block, columns packed. Each cell is one tile; its "
        "colour is the share of its weights that were kept before. A kernel computes whole tiles."
    )
    with st.container(horizontal=True, gap="medium"):
        st.metric("Tiles computed", f"{seen.tiles:,}", width="content")
        st.metric(
            "Zeros computed",
            f"{100 * seen.zeros_computed:.1f} %",
            width="content",
            help="share of the computed weights that were pruned before",
        )
        st.metric(
            "Padding waste",
            f"{100 * seen.padding_waste:.2f} %",
            width="content",
            help="share of the computed weights that lie outside every block",
        )
    if seen.tiles:
        st.plotly_chart(tiles_figure(seen, tile), key="_tiles")


def _checks(view: View, _request: ExploreRequest) -> None:
    st.caption("Invariants of every layout, checked on this one.")
    for law in view.invariants:
        mark = ":green[:material/check_circle: holds]" if law.holds else ":red[:material/error: violated]"
        st.markdown(f"{mark} {law.name}: `{law.figure}`")


def _numbers(view: View, request: ExploreRequest) -> None:
    chance = chance_of_view(request, view)
    show_all_numbers(view, chance if isinstance(chance, Chance) else None)


TABS: Mapping[str, Tab] = MappingProxyType(
    {
        "Similarity": Tab("Similarity", _similarity),
        "Reordering": Tab("Watch the reordering", _reordering),
        "Block density": Tab("Block density", _block_density),
        "Kernel's eye": Tab("Tiles", _tiles),
        "Sweep": Tab("Sweep", show_sweep, waits=True),
        "Checks": Tab("Checks", _checks),
        "All numbers": Tab("All numbers", _numbers),
        "Take away": Tab("Download", show_takeaway),
    }
)
"""The tabs by their names in the address, which outlive a change of label."""
