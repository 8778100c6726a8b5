"""What the updates of a dynamic run's masks cost: the energy each of them threw away, drawn and said."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from sparselab.app.training.charts import style_of
from sparselab.training.runs.mask_history import EnergyLost
from sparselab.training.runs.outcomes import NAMES


def show_energy_lost(lost: Sequence[EnergyLost], method: str) -> None:
    """Show the energy lost at every update, and in words the first, the largest and the last of them; nothing where none is known."""
    if not lost:
        return
    st.markdown("**Energy lost per update of the masks**")
    # Drawn again and again while a run goes on: no key, as for the other figures of a run.
    st.plotly_chart(energy_figure(lost, method))
    st.caption(energy_text(lost))


def energy_figure(lost: Sequence[EnergyLost], method: str) -> go.Figure:
    """Show the share of energy that each update dropped against its step."""
    name = NAMES.get(method, method)
    style = style_of(name)
    figure = go.Figure()
    figure.add_scatter(
        x=[one.step for one in lost],
        y=[100 * one.share for one in lost],
        name=name,
        mode="lines+markers",
        line=style["line"],
        marker={**style["marker"], "size": 6},
        hovertemplate="step %{x:,}: %{y:.2f} % of the energy<extra></extra>",
    )
    figure.update_xaxes(title_text="step")
    figure.update_yaxes(title_text="energy lost, %", rangemode="tozero")
    figure.update_layout(height=260, margin={"l": 10, "r": 10, "t": 30, "b": 10}, showlegend=False)
    return figure


def energy_text(lost: Sequence[EnergyLost]) -> str:
    """Return what the chart shows in words.

    Example: >>> energy_text([EnergyLost(100, 0.013), EnergyLost(200, 0.004)])
             'Sum of w² of the dropped weights / sum of w² of all kept weights, before each of 2 updates. First and largest, step 100: 1.30 %. Last, step 200: 0.40 %.'
    """
    largest = max(lost, key=lambda one: one.share)
    named: dict[EnergyLost, list[str]] = {}
    for word, one in (("first", lost[0]), ("largest", largest), ("last", lost[-1])):
        named.setdefault(one, []).append(word)
    said = " ".join(
        f"{' and '.join(words).capitalize()}, step {one.step:,}: {100 * one.share:.2f} %."
        for one, words in named.items()
    )
    count = f"each of {len(lost)} updates" if len(lost) > 1 else "the one update"
    return f"Sum of w² of the dropped weights / sum of w² of all kept weights, before {count}. {said}"
