"""Latency of a whole network: every layer under one transform, the fastest kernel per layer, the sums."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import streamlit as st

from sparselab.app.inputs.setting_widget import linked_setting
from sparselab.app.inputs.source import Source
from sparselab.app.latency.controls import choose_arithmetic
from sparselab.app.latency.end_to_end import show_end_to_end
from sparselab.app.latency.kernel_names import title_of
from sparselab.app.latency.measurement import MeasurementPlan, Results
from sparselab.app.latency.run import measured_by, measured_or_said
from sparselab.benchmarking.network import add_up, choose, measure_layer
from sparselab.benchmarking.records import Session
from sparselab.benchmarking.requests import Effort, Measured, MeasurementRequest
from sparselab.kernels import DENSE, KERNELS

_SIDE = "side of the input"


def show_whole_model(source: Source, transform: str, settings: Mapping[str, Any], seed: int) -> None:
    """Show the inputs of every layer, the button, and the sums of what was measured."""
    layers = source.card["layers"]
    st.caption(
        "Every layer gets the structure chosen on the left and is measured by itself, as it runs in a network. The file does "
        "not hold the sizes of the inputs: the sides below assume that a side halves when the channels double. Correct them "
        "where the network differs."
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        batch = int(linked_setting("batch", 1, width=130))
        side = int(linked_setting("side", width=130))
    dtype, device, effort = choose_arithmetic(
        seed, key="seconds_each", seconds=2, what="approximate time for each layer"
    )
    sides = _choose_sides(layers, side)
    requests = [
        _request(source, layer, batch=batch, side=side, dtype=dtype, device=device, effort=effort)
        for layer, side in zip(layers, sides, strict=True)
    ]
    digests = [x["digest"] for x in layers]
    key = json.dumps(["model", source.path, digests, source.stamp, transform, dict(settings), batch, sides])
    key += json.dumps([dtype, device, asdict(effort)])
    calls = [(measure_layer, (request, transform, dict(settings))) for request in requests]
    measured_by(
        MeasurementPlan(tab="model", key=key, calls=calls, threads=effort.threads or 1),
        label=f"Measure all {len(layers)} layers" if len(layers) > 1 else "Measure the layer",
        what="layers",
        show=lambda results: _show(layers, results, requests, transform, settings),
        partial=partial(_table, layers, key=None),
    )


def _choose_sides(layers: Sequence[dict[str, Any]], side: int) -> list[int]:
    """Show the side of every convolution's input, to be corrected; return them, 1 for a linear layer."""
    first = next((layer["shape"][0] for layer in layers if layer["kernel_shape"]), 1)
    supposed = [
        max(1, round(side * min(1.0, first / layer["shape"][0]))) if layer["kernel_shape"] else 1 for layer in layers
    ]
    edited = st.data_editor(
        [
            {"layer": layer["name"], "shape": f"{layer['shape'][0]} x {layer['shape'][1]}", _SIDE: supposed[index]}
            for index, layer in enumerate(layers)
        ],
        hide_index=True,
        disabled=("layer", "shape"),
        column_config={_SIDE: st.column_config.NumberColumn(min_value=1, max_value=4096, step=1)},
        key=f"_sides_{side}_{len(layers)}",
        height=min(38 + 35 * len(layers), 250),
        width=560,
    )
    return [int(row[_SIDE] or 1) for row in edited]


def _request(
    source: Source, layer: dict[str, Any], *, batch: int, side: int, dtype: str, device: str, effort: Effort
) -> MeasurementRequest:
    kernel = layer["kernel_shape"]
    product: dict[str, Any] = {"positions": batch}
    if kernel is not None and len(kernel) == 2:
        channels = layer["shape"][1] // (kernel[0] * kernel[1])
        product = {"images": (batch, channels, side, side), "padding": kernel[0] // 2}
    elif kernel is not None:
        product = {"positions": batch * side}
    kernels = tuple(name for name in KERNELS if name not in DENSE)
    about = {"file": source.title, "layer": layer["name"]}
    return MeasurementRequest(
        path=source.path,
        layer=layer["name"],
        options=source.options,
        dtype=dtype,
        device=device,
        kernels=kernels,
        about=about,
        effort=effort,
        **product,
    )


def _show(
    layers: Sequence[dict[str, Any]],
    results: Results,
    requests: Sequence[MeasurementRequest],
    transform: str,
    settings: Mapping[str, Any],
) -> None:
    sessions = [Measured.from_json(result).session for result in results.values() if isinstance(result, dict)]
    if sessions:
        _sums(sessions, len(layers))
    _table(layers, results, key="_model_latency")
    for result in results.values():
        if not isinstance(result, dict) or result["not_stored"]:
            measured_or_said(result)
            break
    if len(sessions) == len(layers):
        kernels = [choose(Measured.from_json(results[index]).session).kernel for index in range(len(layers))]
        everywhere = [name for name, total in add_up(sessions).by_kernel.items() if total is not None]
        show_end_to_end(requests, transform, settings, kernels, everywhere)


def _sums(sessions: Sequence[Session], layers: int) -> None:
    sums = add_up(sessions)
    choices = [choose(session) for session in sessions]
    changed = sum(choice.kernel not in DENSE for choice in choices)
    doubtful = sum(not choice.is_trusted for choice in choices)
    with st.container(horizontal=True, gap="medium"):
        st.metric("Layers measured", f"{len(sessions)} of {layers}", width="content")
        st.metric("Dense, all layers", f"{sums.dense_ms:.3g} ms", width="content")
        st.metric(
            "Fastest per layer",
            f"{sums.chosen_ms:.3g} ms",
            width="content",
            help="sum over the layers of the fastest kernel whose verdict is “faster”; dense where there is none",
        )
        st.metric("Speedup", f"{sums.speedup:.2f}x", width="content", help="Dense, all layers / Fastest per layer")
        st.metric("Layers not dense", f"{changed}", width="content")
    for kernel, total in sums.by_kernel.items():
        if total is not None and total > 0:
            st.caption(
                f"{title_of(kernel)} on every layer: {total:.3g} ms, {sums.dense_ms / total:.2f} times as fast as dense"
            )
    if doubtful:
        st.warning(
            f"{doubtful} of {len(sessions)} layers were measured on a noisy or busy machine. Measure again before you "
            "rely on the sums.",
            icon=":material/warning:",
        )


def _table(layers: Sequence[dict[str, Any]], results: Results, *, key: str | None) -> None:
    rows = [_row(layer, results.get(index)) for index, layer in enumerate(layers)]
    config: dict[str, Any] = {
        name: st.column_config.NumberColumn(format="%.4g ms") for name in ("dense", "time of the fastest")
    }
    config["density after"] = st.column_config.NumberColumn(format="percent")
    st.dataframe(rows, hide_index=True, column_config=config, height=min(38 + 35 * len(rows), 560), key=key)


def _row(layer: dict[str, Any], result: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"layer": layer["name"], "shape": f"{layer['shape'][0]} x {layer['shape'][1]}"}
    if not isinstance(result, dict):
        return row | {"input": "", "fastest": "", "verdict": "" if result is None else f"not measured: {result}"}
    session = Measured.from_json(result).session
    choice = choose(session)
    return row | {
        "input": " x ".join(map(str, session.input_shape)),
        "density after": session.density,
        "dense": choice.dense_ms,
        "fastest": title_of(choice.kernel),
        "time of the fastest": choice.best_ms,
        "verdict": choice.verdict,
        "flags": ", ".join(dict.fromkeys(flag for row in session.rows for flag in row.flags)),
    }
