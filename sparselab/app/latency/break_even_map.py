"""The break-even map: where blocks of a height begin to be faster than dense, measured here or taken from stored sessions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab.app.latency.controls import MORE, choose_product
from sparselab.app.latency.kernel_names import choice_of, title_of
from sparselab.app.latency.map_charts import lines_figure, map_figure
from sparselab.app.latency.measurement import MeasurementPlan, Results
from sparselab.app.latency.paying import show_paying, show_paying_from_store
from sparselab.app.latency.run import measured_by, measured_or_said
from sparselab.app.latency.stored import all_sessions, said_meanwhile
from sparselab.app.shell.address_keys import HERE, STORED
from sparselab.app.shell.escape import literal
from sparselab.app.shell.url_state import linked_segments, linked_select
from sparselab.benchmarking.break_even import (
    BreakEvenMap,
    BreakEvenPoint,
    Line,
    SyntheticLayout,
    map_of,
    measure_cell,
    measured_cells,
    points,
)
from sparselab.benchmarking.records import Session
from sparselab.benchmarking.requests import Measured
from sparselab.benchmarking.store import shape_text
from sparselab.kernels import KERNELS, preferred_kernels

_HEIGHTS = (8, 16, 32, 64, 128, 256)
_DENSITIES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.26, 0.35, 0.5, 0.7)
_BLOCK_KERNELS = tuple(name for name, kernel in KERNELS.items() if kernel.runs_blocks)


def show_map(card: dict[str, Any], layers: Sequence[dict[str, Any]], seed: int) -> None:
    """Show the map of the product of the layer at hand, or one that stored sessions hold. layers: of its file, as `card`."""
    answer = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        where = linked_segments("Figures", {name: name for name in (HERE, STORED)}, "figures", default=HERE)
        kernel = linked_select("Kernel", _BLOCK_KERNELS, "map_kernel", default=_preferred(), label_of=choice_of)
    if where == STORED:
        _from_stored(answer, kernel)
    else:
        _measured(answer, card, layers, kernel, seed)
    st.caption(
        "Random layouts of the layer's size: all groups have one height, and each group keeps random columns. A cell is the "
        "speed-up over the dense product: 1 is as fast as dense, 2 is twice as fast; in brackets the speed-up over the exact "
        "product of a random mask with as many weights, where that was measured. At the rate of the dense product, 1 / density is the most."
    )


def _preferred() -> str:
    """Return the kernel that a converted model prefers on every machine, one without CUDA too."""
    return next(name for name in preferred_kernels() if name in _BLOCK_KERNELS and "cpu" in KERNELS[name].devices)


def _measured(
    answer: DeltaGenerator, card: dict[str, Any], layers: Sequence[dict[str, Any]], kernel: str, seed: int
) -> None:
    front, more = st.container(), st.expander(MORE)
    with front:
        product = choose_product(card, layers, seed, more=more, key="seconds_cell", seconds=1)
    rows, cols = card["shape"]
    fitting = [height for height in _HEIGHTS if height <= rows]
    usual = [height for height in (16, 32, 64, 128) if height <= rows]
    heights = st.multiselect("Group heights, rows", fitting, default=usual, key="_map_heights")
    densities = st.multiselect(
        "Densities",
        _DENSITIES,
        default=[0.05, 0.1, 0.2, 0.35, 0.5],
        key="_map_densities",
        format_func=lambda density: f"{100 * density:.0f} %",
    )
    if not heights or not densities:
        st.info("Choose one group height and one density or more.")
        return
    shape = card["kernel_shape"]
    geometry = {name: value for name, value in product.settings.items() if value is not None}
    cells = tuple((height, density) for density in sorted(densities) for height in sorted(heights))
    synthetic = SyntheticLayout(
        rows=rows,
        cols=cols,
        kernel=kernel,
        kernel_shape=None if shape is None else tuple(shape),
        cells=cells,
        **geometry,
    )
    # Threads of the arithmetic and the seconds are in the effort; the key holds all that a cell depends on.
    key = json.dumps(["map", asdict(synthetic)])

    def show(results: Results) -> None:
        _refusals(results)
        sessions = _sessions(results)
        show_paying(sessions, kernel, sessions, "map")
        show_break_even(map_of(sessions, kernel, measured_cells(cells, cols)))

    calls = [(measure_cell, (synthetic, height, density)) for height, density in cells]
    with answer:
        measured_by(
            MeasurementPlan(tab="map", key=key, calls=calls, threads=product.effort.threads or 1),
            label=f"Measure {len(cells)} cells",
            what="cells",
            told=f"random layouts of {rows} x {cols}, {product.shown} for each cell",
            show=show,
            partial=lambda results: _partial(points(_sessions(results), kernel)),
            otherwise=lambda: show_paying_from_store(all_sessions(), kernel),
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


def _from_stored(answer: DeltaGenerator, kernel: str) -> None:
    with answer, said_meanwhile("Reading the stored sessions"):
        sessions = all_sessions()
        maps = stored_maps(sessions, kernel)
    if not maps:
        st.info(
            f"No stored session holds cells of a break-even map of {title_of(kernel)}. Choose “measure here” to add some, or another kernel.",
            icon=":material/database:",
        )
        return
    chosen = st.selectbox("Device and product", list(maps), key="_map_stored")
    found, dates = maps[chosen]
    with answer:
        show_paying([each for each in sessions if _name(each) == chosen], kernel, sessions, "map")
        show_break_even(found)
    st.caption(f"Measured {' to '.join(dict.fromkeys((dates[0], dates[-1])))}.")


def stored_maps(sessions: Sequence[Session], kernel: str) -> dict[str, tuple[BreakEvenMap, list[str]]]:
    """Return the maps that sessions hold for a kernel, with their dates, by device and product: complete ones first."""
    groups: dict[str, list[Session]] = {}
    for session in sessions:
        if session.about.get("group_rows", "").isdigit():
            groups.setdefault(_name(session), []).append(session)
    maps = {
        name: (map_of(group, kernel), sorted({session.date[:10] for session in group}))
        for name, group in groups.items()
    }
    known = [(name, found) for name, found in maps.items() if found[0].points]
    return dict(sorted(known, key=lambda item: (not item[1][0].is_complete, -len(item[1][0].points))))


def _name(session: Session) -> str:
    taken = " x ".join(map(str, session.input_shape))
    return f"{session.device.get('name')}: {shape_text(session)}, input {taken}, {session.dtype}, {session.threads} threads"


def _partial(found: Sequence[BreakEvenPoint]) -> None:
    if timed := [point for point in found if point.row.speedup_vs_dense is not None]:
        st.plotly_chart(map_figure(timed))


def show_break_even(found: BreakEvenMap) -> None:
    """Show what a map says, if it is complete, and its two pictures."""
    timed = [point for point in found.points if point.row.speedup_vs_dense is not None]
    if not timed:
        return
    if found.is_complete:
        st.markdown(sentences(found))
    else:
        total = len(found.points) + len(found.missing)
        st.info(
            f"{len(timed)} of {total} cells were measured. Nothing is said of a map before all its cells, at two densities or more, are.",
            icon=":material/hourglass_empty:",
        )
    st.plotly_chart(map_figure(timed), key="_map")
    noisy = sum(bool(set(point.row.flags) & {"noisy", "busy", "control"}) for point in timed)
    if noisy:
        st.warning(
            f"{noisy} of {len(timed)} cells are noisy, because other programs used the machine. Measure again before you rely on them.",
            icon=":material/warning:",
        )
    st.plotly_chart(lines_figure(timed), key="_limit")


def sentences(found: BreakEvenMap) -> str:
    """Return what a map says: first whether structure pays against the exact product, where that was measured; then against dense.

    "" for an incomplete map.
    """
    exact, dense = found.lines("exact"), found.lines("dense")
    told = []
    if exact:
        paying = [line for line in exact if line.faster_to is not None]
        first = "Structure pays here" if paying else "Structure was not shown to pay here"
        if all(line.slower_from == line.low for line in exact):
            first = "Structure does not pay here"
        told.append(f"**{first}**, against the exact product of a mask with as many weights:")
        told += _said(exact, "the exact product")
    if dense:
        told += _said(dense, "dense")
    return "\n".join(told)


def _said(lines: Sequence[Line], opponent: str) -> list[str]:
    """Return what is said of each height; heights of which the same is said share a sentence."""
    heights: dict[str, list[int]] = {}
    for line in lines:
        heights.setdefault(_predicate(line, opponent), []).append(line.group_rows)
    return [f"- Groups of **{', '.join(map(str, found))} rows** {told}" for told, found in heights.items()]


def _predicate(line: Line, opponent: str) -> str:
    """Return what is said of one height; a crossing only between a density shown faster and one shown slower."""
    span = f"{_percent(line.low)} to {_percent(line.high)}"
    if line.faster_to == line.high:
        return f"are faster than {opponent} at every density measured, {span}."
    if line.slower_from == line.low:
        return f"are slower than {opponent} at every density measured, {span}."
    if line.faster_to is None:
        known = "" if line.slower_from is None else f"; slower from {_percent(line.slower_from)}"
        return f"were not shown to be faster than {opponent}, {span}{known}."
    said = f"are faster than {opponent} up to density {_percent(line.faster_to)}"
    if line.slower_from is not None:
        said += f" and slower from {_percent(line.slower_from)}"
        if line.crossing is not None:
            said += f"; as fast near {_percent(line.crossing)}"
    return f"{said}."


def _percent(share: float) -> str:
    return f"{round(100 * share, 1 if share < 0.1 else None):g} %"
