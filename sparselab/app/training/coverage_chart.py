"""The chart of weights kept against accuracy after retraining."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import plotly.graph_objects as go

from sparselab.app.looks import GREY
from sparselab.app.training.charts import finish, style_of
from sparselab.app.training.coverage_points import CoveragePoint
from sparselab.training.paired import Verdict, in_points

_FILL: Mapping[Verdict | None, str] = MappingProxyType(
    {"better": "", "worse": "", "tie": "-open-dot", None: "-open-dot"}
)
"""How a symbol is filled by what its interval says."""


def coverage_figure(points: Sequence[CoveragePoint]) -> go.Figure:
    """Show accuracy after retraining, less the unstructured ticket's, against the share of its weights that a structure keeps."""
    figure = go.Figure()
    figure.add_hline(y=0, line={"color": GREY, "width": 1.5}, annotation_text="the unstructured ticket, trained again")
    for series in dict.fromkeys(point.series for point in points):
        mine = [point for point in points if point.series == series]
        # A refined series has its twin's colour and symbol: it is told by its size.
        marker = style_of(series)["marker"] | ({"size": 7} if series.endswith(", refined") else {})
        symbols = [marker["symbol"] + _FILL[point.difference.verdict] for point in mine]
        figure.add_scatter(
            x=[100 * point.coverage for point in mine],
            y=[100 * point.difference.mean for point in mine],
            error_y={
                "type": "data",
                "array": [100 * (p.difference.margin or 0) for p in mine],
                "thickness": 1,
                "width": 3,
            },
            name=series,
            mode="markers",
            marker=marker | {"symbol": symbols},
            customdata=[[100 * p.density, 100 * p.by_chance, in_points(p.difference), 100 * p.coverage] for p in mine],
            hovertemplate="keeps %{customdata[3]:.0f} % of the ticket (chance: %{customdata[1]:.0f} %), %{customdata[0]:.0f} % of all weights"
            "<br>%{customdata[2]} points<extra>%{fullData.name}</extra>",
        )
    figure.update_xaxes(title_text="weights of the ticket still kept, %")
    figure.update_yaxes(title_text="test accuracy to the ticket, points")
    figure.update_layout(legend={"orientation": "h", "yanchor": "top", "y": -0.22, "x": 0})
    return finish(figure, 460)
