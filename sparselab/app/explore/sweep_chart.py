"""A sweep as small multiples: a chart a budget, what is kept by the knob, and the band of random groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from sparselab.app.explore.sweep_points import SweptPoint, label_of, measure_of_all, same_point
from sparselab.workflows.sweep import Sweep

_KEPT, _CHANCE, _BAND = "#0072B2", "#767676", "rgba(118, 118, 118, 0.3)"
_COLUMNS = 3
_HEIGHT = 230


def sweep_figure(sweep: Sweep, points: Sequence[SweptPoint], now: Mapping[str, Any]) -> go.Figure:
    """Draw every point found. now: the knobs as they stand; their point has a ring."""
    shown = [density for density in sweep.densities if any(each.point.density == density for each in points)]
    columns = min(_COLUMNS, len(shown))
    figure = make_subplots(
        rows=-(-len(shown) // columns),
        cols=columns,
        shared_yaxes="all",
        subplot_titles=[_title(sweep, density) for density in shown] if sweep.budget else None,
        vertical_spacing=0.2,
        horizontal_spacing=0.03,
    )
    for place, density in enumerate(shown):
        row, column = divmod(place, columns)
        for trace in _traces(
            sweep, [each for each in points if each.point.density == density], now, is_first=not place
        ):
            figure.add_trace(trace, row=row + 1, col=column + 1)
    figure.update_annotations(font_size=13)
    figure.update_xaxes(type="category", title_text=sweep.knob.label, title_standoff=4)
    figure.update_yaxes(col=1, title_text="energy kept, %" if measure_of_all(points) == "energy" else "weights kept, %")
    figure.update_layout(
        height=90 + _HEIGHT * -(-len(shown) // columns),
        margin={"l": 10, "r": 10, "t": 80, "b": 10},
        legend={"orientation": "h", "y": 1.0, "yref": "container", "yanchor": "top"},
        clickmode="event+select",
    )
    return figure


def _title(sweep: Sweep, density: float | None) -> str:
    """Short, so that three stand side by side on a phone."""
    return f"{100 * sweep.density:.3g} %, its own" if density is None else f"{100 * density:.3g} %"


def _traces(sweep: Sweep, points: Sequence[SweptPoint], now: Mapping[str, Any], *, is_first: bool) -> list[go.Scatter]:
    beside = [each for each in points if each.chance is not None]
    places = [f"{each.point.value:g}" for each in beside]

    def line(name: str, of: Callable[[Any], float], **look: Any) -> go.Scatter:
        values = [100 * of(each.chance) for each in beside]
        return go.Scatter(x=places, y=values, name=name, hoverinfo="skip", showlegend=is_first, **look)

    found: list[go.Scatter] = []
    if beside:
        bare: dict[str, Any] = {"mode": "lines", "line": {"width": 0}, "legendgroup": "band"}
        low = line("least of random groups", lambda chance: chance.low, **bare).update(showlegend=False)
        high = line("random groups, least to most", lambda chance: chance.high, fill="tonexty", fillcolor=_BAND, **bare)
        look = {"mode": "lines", "line": {"color": _CHANCE, "dash": "dot"}, "legendgroup": "mean"}
        found += [low, high, line("random groups, mean", lambda chance: chance.mean, **look)]
    ring = [3 if same_point(each.point, now) else 0 for each in points]
    found.append(
        go.Scatter(
            x=[f"{each.point.value:g}" for each in points],
            y=[100 * each.worth for each in points],
            name="kept",
            mode="lines+markers",
            line={"color": _KEPT},
            marker={"size": 11, "color": _KEPT, "line": {"width": ring, "color": "#D55E00"}},
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
            text=[label_of(sweep, each) for each in points],
            customdata=[sweep.points.index(each.point) for each in points],
            hovertemplate="%{text}<br>click: set the knobs to it<extra></extra>",
            legendgroup="kept",
            showlegend=is_first,
        )
    )
    return found
