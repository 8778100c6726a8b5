"""The break-even map: where blocks of a height begin to be faster than dense, measured here or taken from stored sessions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import streamlit as st

from sparselab.app.latency.charts import limit_figure, map_figure
from sparselab.app.latency.controls import choose_product
from sparselab.app.latency.kernel_names import choice_of, title_of
from sparselab.app.latency.measurement import MeasurementPlan, Results
from sparselab.app.latency.run import measured_by, measured_or_said
from sparselab.app.latency.stored import all_sessions
from sparselab.app.shell.address import HERE, STORED
from sparselab.app.shell.escape import literal
from sparselab.app.shell.url_state import linked_segments, linked_select
from sparselab.benchmarking.break_even import (
    BreakEvenPoint,
    SyntheticLayout,
    break_even,
    measure_cell,
    pays_up_to,
    points,
)
from sparselab.benchmarking.records import Session
from sparselab.benchmarking.requests import Measured
from sparselab.benchmarking.store import shape_text
from sparselab.kernels import KERNELS, preferred_kernels

_HEIGHTS = (8, 16, 32, 64, 128, 256)
_DENSITIES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.26, 0.35, 0.5, 0.7)
_BLOCK_KERNELS = tuple(name for name, kernel in KERNELS.items() if kernel.runs_blocks)


def show_map(card: dict[str, Any], seed: int) -> None:
    """Show the map of the product of the layer at hand, or one that stored sessions hold."""
    st.caption(
        "Random layouts of the layer's size: all groups have one height, and each group keeps random columns. A cell is the "
        "speedup over the dense product: 1 is as fast as dense, 2 is twice as fast. At the rate of the dense product, 1 / density is the most."
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        where = linked_segments("Figures", {name: name for name in (HERE, STORED)}, "figures", default=HERE)
        kernel = linked_select("Kernel", _BLOCK_KERNELS, "map_kernel", default=_preferred(), label_of=choice_of)
    if where == STORED:
        _from_stored(kernel)
    else:
        _measured(card, kernel, seed)


def _preferred() -> str:
    """Return the kernel that a converted model prefers on every machine, one without CUDA too."""
    return next(name for name in preferred_kernels() if name in _BLOCK_KERNELS and "cpu" in KERNELS[name].devices)


def _measured(card: dict[str, Any], kernel: str, seed: int) -> None:
    product = choose_product(card, seed, key="seconds_cell", seconds=1)
    rows, cols = card["shape"]
    fitting = [height for height in _HEIGHTS if height <= rows]
    usual = [height for height in (16, 32, 64, 128) if height <= rows]
    heights = st.multiselect("Group heights, rows", fitting, default=usual, key="_map_heights")
    densities = st.multiselect("Densities", _DENSITIES, default=[0.05, 0.1, 0.2, 0.35, 0.5], key="_map_densities")
    if not heights or not densities:
        st.info("Choose one group height and one density or more.")
        return
    shape = card["kernel_shape"]
    geometry = {name: value for name, value in product.settings.items() if value is not None}
    synthetic = SyntheticLayout(
        rows=rows, cols=cols, kernel=kernel, kernel_shape=None if shape is None else tuple(shape), **geometry
    )
    cells = [(height, density) for density in sorted(densities) for height in sorted(heights)]
    # Threads of the arithmetic and the seconds are in the effort; the key holds all that a cell depends on.
    key = json.dumps(["map", asdict(synthetic), cells])

    def show(results: Results) -> None:
        _refusals(results)
        _figures(points(_sessions(results), kernel))

    calls = [(measure_cell, (synthetic, height, density)) for height, density in cells]
    measured_by(
        MeasurementPlan(tab="map", key=key, calls=calls, threads=product.effort.threads or 1),
        label=f"Measure {len(cells)} cells",
        what="cells",
        show=show,
        partial=lambda results: _figures(points(_sessions(results), kernel), partial=True),
    )


def _sessions(results: Results) -> list[Session]:
    return [Measured.from_json(result).session for result in results.values() if isinstance(result, dict)]


def _refusals(results: Results) -> None:
    """Say once why cells are missing, or were not stored."""
    for result in results.values():
        if not isinstance(result, dict) or result["not_stored"]:
            measured_or_said(result)
            return
    for session in _sessions(results):
        for row in session.rows:
            if row.role == "kernel" and row.obstacle:
                st.warning(f"{title_of(row.kernel)}: {literal(row.obstacle)}", icon=":material/block:")
                return


def _from_stored(kernel: str) -> None:
    sessions = [session for session in all_sessions() if session.about.get("group_rows", "").isdigit()]
    groups = {_name(session): [s for s in sessions if _name(s) == _name(session)] for session in sessions}
    if not groups:
        st.info(
            "No stored session holds cells of a break-even map. Choose “measure here” to add some.",
            icon=":material/database:",
        )
        return
    chosen = st.selectbox("Device and product", list(groups), key="_map_stored")
    found = points(groups[chosen], kernel)
    if not found:
        st.info(
            f"These sessions hold no measurement of {title_of(kernel)}. Choose another kernel.",
            icon=":material/search_off:",
        )
        return
    dates = sorted({session.date[:10] for session in groups[chosen]})
    st.caption(f"Measured {' to '.join(dict.fromkeys((dates[0], dates[-1])))}.")
    _figures(found)


def _name(session: Session) -> str:
    taken = " x ".join(map(str, session.input_shape))
    return f"{session.device.get('name')}: {shape_text(session)}, input {taken}, {session.dtype}, {session.threads} threads"


def _figures(found: Sequence[BreakEvenPoint], *, partial: bool = False) -> None:
    timed = [point for point in found if point.row.speedup_vs_dense is not None]
    if not timed:
        return
    suffix = "_partial" if partial else ""
    if not partial:
        _sentences(timed)
        noisy = sum(bool(set(point.row.flags) & {"noisy", "busy", "control"}) for point in timed)
        if noisy:
            st.warning(
                f"{noisy} of {len(timed)} cells are noisy, because other programs used the machine. Measure again before you rely on them.",
                icon=":material/warning:",
            )
    st.plotly_chart(map_figure(timed), key=None if partial else f"_map{suffix}")
    if not partial:
        st.plotly_chart(limit_figure(timed), key="_limit")


def _sentences(timed: Sequence[BreakEvenPoint]) -> None:
    """Say per height up to which density blocks are faster, by the verdicts, and where the speedups cross 1."""
    lines = []
    for height in sorted({point.group_rows for point in timed}):
        line = [point for point in timed if point.group_rows == height]
        most, crossing = pays_up_to(line), break_even(line)
        said = (
            "were not shown to be faster than dense"
            if most is None
            else f"are faster than dense up to density {most:.2f}"
        )
        if most is not None and crossing is not None and crossing > most:
            said += f", and as fast as dense near {crossing:.2f}"
        lines.append(f"- Groups of **{height} rows** {said}.")
    st.markdown("\n".join(lines))
