"""The verdict on a whole network in words, and the sums it rests on."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from sparselab.app.latency.charts import layers_figure
from sparselab.app.latency.kernel_names import title_of
from sparselab.app.shell.escape import literal
from sparselab.benchmarking.break_even import Comparison, structure_told
from sparselab.benchmarking.network import NetworkVerdict, add_up, choose, everywhere, verdict_on
from sparselab.benchmarking.records import Session
from sparselab.benchmarking.verdicts import ratio_shown
from sparselab.kernels import DENSE


def show_network_verdict(sessions: Sequence[Session], layers: int, told: str) -> None:
    """Show the verdict, if every one of `layers` was measured, the layers' times and the sums. told: what the network was given."""
    found, choices = verdict_on(sessions, layers), [choose(session) for session in sessions]
    doubtful = sum(not choice.is_trusted for choice in choices)
    if found is None:
        st.info(
            f"{len(sessions)} of {layers} layers were measured. There is no verdict on the network before all are.",
            icon=":material/hourglass_empty:",
        )
    else:
        _say(found, told, doubtful)
    st.plotly_chart(layers_figure(sessions), key="_network_layers")
    sums, changed = add_up(sessions), sum(choice.kernel not in DENSE for choice in choices)
    with st.container(horizontal=True, gap="medium"):
        st.metric("Layers measured", f"{len(sessions)} of {layers}", width="content")
        st.metric("Dense, all layers", f"{sums.dense_ms:.3g} ms", width="content")
        st.metric(
            "Fastest per layer",
            f"{sums.chosen_ms:.3g} ms",
            width="content",
            help="sum over the layers of the fastest kernel whose verdict is “faster”; dense where there is none",
        )
        st.metric("Layers not dense", f"{changed}", width="content")
    if found is None:
        return
    rest = {name: everywhere(sessions, name) for name in sums.by_kernel}
    lines = [
        f"- {title_of(name)}: {ratio_shown(ratio, found.rounds)}" for name, ratio in rest.items() if ratio is not None
    ]
    if lines:
        st.markdown("**One kernel on every layer**\n" + "\n".join(lines))
    if found.structure is not None:
        against = [_against(each) for each in found.structure.comparisons]
        st.markdown(
            "**Structure against each opponent on every layer it can run, dense elsewhere**\n" + "\n".join(against)
        )
    st.caption(
        "Sums of layers that were measured one by one; in each interval all layers lie at their low or their high end at once. "
        "What lies between the layers is not in the file and not in the sums."
    )


def _against(found: Comparison) -> str:
    ratio, name = found.ratio, literal(found.opponent) + " (another arithmetic)" * bool(found.arithmetic)
    return f"- {name}: {ratio.value:.2f} times as fast ({ratio.low:.2f} to {ratio.high:.2f})"


def _say(found: NetworkVerdict, told: str, doubtful: int) -> None:
    first = ""
    if found.structure is not None:
        said = structure_told(found.structure)
        first = f"**{said[0].upper()}{said[1:]}.** "
    text = f"{first}The whole network, each layer on its fastest kernel: **{ratio_shown(found.speedup, found.rounds)}**. Input: {literal(told)}."
    if doubtful:
        text += f" {doubtful} layers were measured on a noisy or busy machine: measure again before you rely on this."
        st.info(text, icon=":material/speed:")
    elif found.speedup.low > 1:
        st.success(text, icon=":material/speed:")
    else:
        st.warning(text, icon=":material/hourglass_empty:")
