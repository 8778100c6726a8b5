"""Latency of a whole network: every layer under one transform, the fastest kernel per layer, the sums."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import streamlit as st

from sparselab.app.inputs.setting_widget import linked_setting
from sparselab.app.inputs.source import Source
from sparselab.app.latency.controls import MORE, choose_arithmetic
from sparselab.app.latency.end_to_end import show_end_to_end
from sparselab.app.latency.kernel_names import title_of
from sparselab.app.latency.measurement import MeasurementPlan, Results
from sparselab.app.latency.network_input import NetworkInput, ask_side, positions_of, supposed_sides
from sparselab.app.latency.network_verdict import show_network_verdict
from sparselab.app.latency.run import measured_by, measured_or_said
from sparselab.app.shell.url_state import linked_segments
from sparselab.benchmarking.network import add_up, choose, measure_layer
from sparselab.benchmarking.requests import Measured, MeasurementRequest
from sparselab.kernels import DENSE, KERNELS

_SIDE = "side of the input"
_POSITIONS = 1024
_FREE, _NETWORK = "free", "network"
_INPUTS = {_NETWORK: "as in the network", _FREE: f"{_POSITIONS:,} positions each"}


def show_whole_model(source: Source, transform: str, settings: Mapping[str, Any], seed: int) -> None:
    """Show the inputs of every layer, the button, and the sums of what was measured."""
    layers = source.card["layers"]
    answer = st.container()
    whose = linked_segments("Input", _INPUTS, "model_input", default=_NETWORK)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        batch = int(linked_setting("batch", 1, width=130))
        side, assumed = ask_side()
    with st.expander(MORE):
        dtype, device, effort = choose_arithmetic(
            seed, key="seconds_each", seconds=2, what="approximate time for each layer"
        )
    st.caption(
        "Every layer gets the structure chosen on the left and is measured by itself. The file does not tell the sizes of the "
        "inputs: a side is supposed to halve when the channels double. Correct it where the network differs."
    )
    sides = _choose_sides(layers, side)
    given = NetworkInput(batch=batch, side=side, is_assumed=assumed).shown
    told = f"as in the network with {given}" if whose == _NETWORK else f"{_POSITIONS:,} positions each"
    digests = [x["digest"] for x in layers]
    network = hashlib.sha256(json.dumps([[x["name"], x["digest"]] for x in layers]).encode()).hexdigest()
    requests = [
        _request(layer, batch if whose == _NETWORK else None, side) for layer, side in zip(layers, sides, strict=True)
    ]
    requests = [
        replace(
            request,
            path=source.path,
            options=source.options,
            dtype=dtype,
            device=device,
            effort=effort,
            about={
                "file": source.title,
                "layer": request.layer,
                "input": told,
                "network": network,
                "place": f"{place}/{len(layers)}",
            },
        )
        for place, request in enumerate(requests, start=1)
    ]
    key = json.dumps(["model", source.path, digests, source.stamp, transform, dict(settings), batch, sides, told])
    key += json.dumps([dtype, device, asdict(effort)])
    calls = [(measure_layer, (request, transform, dict(settings))) for request in requests]
    with answer:
        measured_by(
            MeasurementPlan(tab="model", key=key, calls=calls, threads=effort.threads or 1),
            label=f"Measure all {len(layers)} layers" if len(layers) > 1 else "Measure the layer",
            what="layers",
            told=f"{len(layers)} layer{'s' * (len(layers) != 1)}, {told}; {dtype}, about {effort.seconds:.0f} s for each",
            show=lambda results: _show(layers, results, requests, transform, settings, told),
            partial=partial(_table, layers, key=None),
        )


def _choose_sides(layers: Sequence[dict[str, Any]], side: int) -> list[int]:
    """Show the side of every convolution's input, to be corrected; return them, 1 for a linear layer."""
    supposed = supposed_sides(layers, side)
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


def _request(layer: dict[str, Any], batch: int | None, side: int) -> MeasurementRequest:
    """Return what to measure of a layer: at its own input in the network, or (batch None) at `_POSITIONS`."""
    kernel = layer["kernel_shape"]
    kernels = tuple(name for name in KERNELS if name not in DENSE)
    request = MeasurementRequest(path="", layer=layer["name"], kernels=kernels)
    if batch is None:
        return replace(request, positions=_POSITIONS)
    if kernel is not None and len(kernel) == 2:
        channels = layer["shape"][1] // (kernel[0] * kernel[1])
        return replace(request, images=(batch, channels, side, side), padding=kernel[0] // 2)
    return replace(request, positions=positions_of(layer, side, batch))


def _show(
    layers: Sequence[dict[str, Any]],
    results: Results,
    requests: Sequence[MeasurementRequest],
    transform: str,
    settings: Mapping[str, Any],
    told: str,
) -> None:
    sessions = [Measured.from_json(result).session for result in results.values() if isinstance(result, dict)]
    if sessions:
        show_network_verdict(sessions, len(layers), told)
    _table(layers, results, key="_model_latency")
    for result in results.values():
        # Says why a layer has no figures, or was not stored: once.
        if measured_or_said(result) is None or result["not_stored"]:
            break
    if len(sessions) == len(layers):
        kernels = [choose(Measured.from_json(results[index]).session).kernel for index in range(len(layers))]
        names = [name for name, total in add_up(sessions).by_kernel.items() if total is not None]
        show_end_to_end(requests, transform, settings, kernels, names)


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
