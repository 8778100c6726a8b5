"""One forward pass through all layers, dense and converted: whether the gains of single layers add up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import streamlit as st

from sparselab.app.latency.kernel_names import choice_of
from sparselab.app.latency.measurement import MeasurementPlan, Results
from sparselab.app.latency.run import measured_by, said_instead
from sparselab.app.shell.escape import literal
from sparselab.benchmarking.end_to_end import EndToEnd, end_to_end
from sparselab.benchmarking.requests import MeasurementRequest
from sparselab.benchmarking.verdicts import ratio_shown
from sparselab.kernels import DENSE

_FASTEST = "fastest per layer"


def show_end_to_end(
    requests: Sequence[MeasurementRequest],
    transform: str,
    settings: Mapping[str, Any],
    fastest: Sequence[str],
    everywhere: Sequence[str],
) -> None:
    """Show the button that converts the layers, and what that gave: with the kernels `fastest`, or one that runs `everywhere`."""
    st.markdown("**End to end**")
    st.caption(
        "All layers in one forward pass, each on its own random input: the masked dense modules, and the same modules after "
        "`sparselab.nn.convert`. The operations between the layers are not in the file and are not timed."
    )
    with_kernel = st.selectbox(
        "Kernels of the converted layers",
        [_FASTEST, *everywhere],
        format_func=lambda name: name if name == _FASTEST else choice_of(name),
        key="_end_kernel",
        width=320,
    )
    kernels = list(fastest) if with_kernel == _FASTEST else [with_kernel] * len(requests)
    if set(kernels) <= set(DENSE):
        st.info("Every layer stays dense, so no layer is converted. Choose a kernel to see its time.")
        return
    key = json.dumps(["end", [asdict(request) for request in requests], transform, dict(settings), kernels])
    calls = [(end_to_end, (list(requests), transform, dict(settings), kernels))]
    plan = MeasurementPlan(tab="end", key=key, calls=calls, threads=requests[0].effort.threads or 1)
    told = f"all {len(requests)} layers in one forward pass, dense and converted in turns"
    measured_by(plan, label="Check end to end", what="checks", told=told, show=partial(_show, len(requests)))


def _show(layers: int, results: Results) -> None:
    if 0 not in results or said_instead(results[0]):
        return
    found = EndToEnd(**results[0])
    said = f"largest difference of an output / largest output: {found.difference:.1e}; at most {found.tolerance:.0e} is right"
    if not found.is_right:
        st.error(f"**Wrong, and not timed**: {said}.", icon=":material/error:")
        return
    assert found.ratio is not None
    with st.container(horizontal=True, gap="medium"):
        st.metric("Dense modules", f"{found.dense_ms:.3g} ms", width="content")
        st.metric("Converted", f"{found.converted_ms:.3g} ms", width="content")
        st.metric(
            "Speedup", f"{found.speedup:.2f}x", width="content", help="median over the rounds; both are run in turns"
        )
        st.metric("Layers converted", f"{found.swapped} of {layers}", width="content")
    st.markdown(
        f"The converted layers: **{ratio_shown(found.ratio, found.rounds)}**, over {found.rounds} rounds; {said}."
    )
    if found.flags:
        st.warning(f"Flagged as {', '.join(found.flags)}: measure again.", icon=":material/warning:")
    for why in dict.fromkeys(found.stayed.values()):
        names = ", ".join(literal(layer) for layer, reason in found.stayed.items() if reason == why)
        st.caption(f"Not converted, because {literal(why)}: {names}")
