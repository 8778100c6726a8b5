"""The figure of what structures keep against how fast they are."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from sparselab.app.latency.charts import SPEEDUP, SPREAD, THREE_LINES, finish
from sparselab.app.looks import line_look
from sparselab.benchmarking.tradeoff import EXACT, TradeOff
from sparselab.transforms import TRANSFORMS


def shown_name(point: TradeOff) -> str:
    """Return what a point's structure is called: the transform's title; its name where it is registered no more."""
    if point.structure == EXACT:
        return "Mask as it is, exact product"
    return TRANSFORMS[point.structure].title if point.structure in TRANSFORMS else point.structure


def tradeoff_figure(points: Sequence[TradeOff], best: Sequence[TradeOff], name: str) -> go.Figure:
    """Show worth over speed-up: a point for each structure and density, and the line through those that nothing beats."""
    figure = go.Figure()
    figure.add_scatter(
        x=[point.speedup.value for point in best],
        y=[point.worth for point in best],
        name="nothing is faster and better",
        mode="lines",
        line={"color": SPREAD, "dash": "dot", "shape": "hv"},
        hoverinfo="skip",
    )
    for index, structure in enumerate(dict.fromkeys(shown_name(point) for point in points)):
        colour, _, symbol = line_look(index + 1)
        mine = [point for point in points if shown_name(point) == structure]
        figure.add_scatter(
            x=[point.speedup.value for point in mine],
            y=[point.worth for point in mine],
            name=structure,
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 12},
            customdata=[(f"{100 * p.density:.1f} %", _details(p), f"{p.milliseconds:.3g}") for p in mine],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [point.speedup.high - point.speedup.value for point in mine],
                "arrayminus": [point.speedup.value - point.speedup.low for point in mine],
                "color": SPREAD,
            },
            hovertemplate=f"{structure}, density %{{customdata[0]}}: %{{y:.4g}}, %{{x:.2f}} times as fast as dense, "
            "%{customdata[2]} ms<br>%{customdata[1]}<extra></extra>",
        )
    figure.add_vline(x=1.0, line_dash="dash", line_color=SPREAD)
    figure.update_xaxes(title_text=f"{SPEEDUP} (dashed),<br>99 % interval", rangemode="tozero")
    worths = [point.worth for point in points]
    room = 0.1 * ((max(worths) - min(worths)) or max(worths) or 1.0)
    figure.update_yaxes(title_text=name, range=[min(worths) - room, max(worths) + room])
    figure.update_layout(legend={"orientation": "h", "y": 1.0, "yanchor": "bottom"})
    return finish(figure, 465, top=THREE_LINES)


def _details(point: TradeOff) -> str:
    """Return the settings and sources of a point for its readout; names of runs and layers are no markup."""
    return "<br>".join(escape(text) for text in (point.settings, *point.sources) if text)
