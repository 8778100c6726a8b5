"""Figures of the break-even map: speed-up by height and density, as cells and as lines. All show times as fast as dense."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import plotly.graph_objects as go

from sparselab.app.latency.charts import SPEEDUP, SPREAD, TWO_LINES, finish
from sparselab.app.looks import line_look
from sparselab.benchmarking.break_even import BreakEvenPoint

COLOURS = ((213, 94, 0), (240, 240, 240), (0, 114, 178))
"""The colours of speed-ups 0, 1, and 2 or more: blue above 1, orange below, and in the middle nothing is gained."""

_TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
CONTOUR = "#CC79A7"  # seen on orange, white and blue, and on both backgrounds
_CONTOUR_EXACT = "#00C08B"
_EXACT = "#9467BD"
_LIMIT = "#A6761D"


def map_figure(points: Sequence[BreakEvenPoint]) -> go.Figure:
    """Show speed-up by density and height of the groups, with contours where blocks are as fast as dense and as the exact product."""
    heights = sorted({point.group_rows for point in points})
    densities = sorted({point.cell[1] for point in points})
    cell = {point.cell: point for point in points}
    grid = [[cell.get((height, density)) for density in densities] for height in heights]
    x = [f"{round(100 * density, 1):g} %" for density in densities]
    y = [f"{height} rows" for height in heights]
    z = [[None if point is None else point.row.speedup_vs_dense for point in line] for line in grid]
    over = [[_over_exact(point) for point in line] for line in grid]
    heat = go.Heatmap(
        z=z,
        x=x,
        y=y,
        customdata=[[None if point is None else point.limit for point in line] for line in grid],
        colorscale=[[place / 2, f"rgb{colour}"] for place, colour in enumerate(COLOURS)],
        zmid=1.0,
        zmin=0.0,
        zmax=2.0,
        showscale=False,
        hovertemplate="%{y}, density %{x}: %{z:.2f} times as fast as dense; 1 / density is %{customdata:.1f}<extra></extra>",
    )
    figure = go.Figure(heat)
    # Plotly's own text on a cell is grey or white, too pale on a middle blue.
    cells = [(a, b, z[i][j], over[i][j]) for i, b in enumerate(y) for j, a in enumerate(x)]
    figure.add_scatter(
        x=[a for a, *_ in cells],
        y=[b for _, b, *_ in cells],
        text=[_cell_text(speedup, exact) for _, _, speedup, exact in cells],
        mode="text",
        textfont={"color": [ink(speedup) for _, _, speedup, _ in cells]},
        showlegend=False,
        hoverinfo="skip",
    )
    if len(heights) > 1 and len(densities) > 1:
        _contour(figure, x, y, z, "as fast as dense", CONTOUR, "dash")
        if (
            sum(value is not None for line in over for value in line) > 1
        ):  # where cells have it; elsewhere there is a gap
            _contour(figure, x, y, over, "as fast as the exact product", _CONTOUR_EXACT, "dot")
    figure.update_xaxes(title_text="density", type="category")
    figure.update_yaxes(title_text="group height", type="category")
    figure.update_layout(legend={"orientation": "h", "y": 1.0, "yanchor": "bottom"})
    return finish(figure, 165 + 46 * len(heights), top=TWO_LINES)


def lines_figure(points: Sequence[BreakEvenPoint]) -> go.Figure:
    """Show speed-up against density: a line a height, the exact product of as many weights, and 1 / density."""
    figure = go.Figure()
    for index, height in enumerate(sorted({point.group_rows for point in points})):
        colour, dash, symbol = line_look(index + 1)
        line = sorted((p for p in points if p.group_rows == height and p.row.ratio), key=lambda p: p.density)
        ratios = [p.row.ratio for p in line if p.row.ratio is not None]
        figure.add_scatter(
            x=[100 * p.density for p in line],
            y=[ratio.value for ratio in ratios],
            name=f"{height} rows",
            mode="lines+markers",
            line={"color": colour, "dash": dash},
            marker={"symbol": symbol, "size": 9},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [ratio.high - ratio.value for ratio in ratios],
                "arrayminus": [ratio.value - ratio.low for ratio in ratios],
            },
            hovertemplate=f"{height} rows, density %{{x:.3g}} %: %{{y:.2f}} times as fast as dense<extra></extra>",
        )
    densities = sorted({point.cell[1] for point in points})
    exact = {density: _exact_at(points, density) for density in densities}
    if known := {density: value for density, value in exact.items() if value is not None}:
        figure.add_scatter(
            x=[100 * density for density in known],
            y=list(known.values()),
            name="exact product of as many weights",
            mode="lines+markers",
            line={"color": _EXACT, "dash": "longdashdot", "width": 3},
            marker={"symbol": "x", "size": 10},
            hovertemplate="exact product, density %{x:.3g} %: %{y:.2f} times as fast as dense<extra></extra>",
        )
    figure.add_scatter(
        x=[100 * density for density in densities],
        y=[1 / density for density in densities],
        name="at best, at dense's rate: 1 / density",
        mode="lines",
        line={"color": _LIMIT, "dash": "dot"},
    )
    figure.add_hline(y=1.0, line_dash="dash", line_color=SPREAD)
    figure.update_xaxes(title_text="density, %", rangemode="tozero")
    # A noisy cell's interval may reach far off; on a scale of ratios it does not press the others flat.
    figure.update_yaxes(
        title_text=f"{SPEEDUP} (dashed),<br>99 % interval",
        type="log",
        tickvals=_TICKS,
        ticktext=[f"{tick:g}x" for tick in _TICKS],
    )
    figure.update_layout(legend={"orientation": "h", "y": -0.2, "yanchor": "top"})
    return finish(figure, 480)


def _over_exact(point: BreakEvenPoint | None) -> float | None:
    ratio = None if point is None else point.over("exact")
    return None if ratio is None else ratio.value


def ink(speedup: float | None) -> str:
    """Return black or white, whichever is seen better on a cell: 4.5:1 at least.

    Source: WCAG 2.2, relative luminance.
    """
    place = min(max(speedup or 0.0, 0.0), 2.0)
    low, high = (COLOURS[0], COLOURS[1]) if place < 1 else (COLOURS[1], COLOURS[2])
    shares = [(a + (b - a) * (place % 1 if place < 2 else 1)) / 255 for a, b in zip(low, high, strict=True)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    luminance = sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return "#000000" if luminance > 0.179 else "#FFFFFF"


def _cell_text(speedup: float | None, over_exact: float | None) -> str:
    if speedup is None:
        return ""
    return f"{speedup:.2f}x" + ("" if over_exact is None else f"<br>({over_exact:.2f}x)")


def _exact_at(points: Sequence[BreakEvenPoint], density: float) -> float | None:
    """Return the median speed-up of the exact product at a density: it was measured once beside every height."""
    rows = [point.exact for point in points if point.cell[1] == density and point.exact is not None]
    values = [row.speedup_vs_dense for row in rows if row.speedup_vs_dense is not None]
    return statistics.median(values) if values else None


def _contour(
    figure: go.Figure,
    x: Sequence[str],
    y: Sequence[str],
    z: Sequence[Sequence[float | None]],
    name: str,
    colour: str,
    dash: str,
) -> None:
    figure.add_contour(
        z=z,
        x=x,
        y=y,
        contours={"start": 1.0, "end": 1.0, "size": 1.0, "coloring": "none"},
        line={"color": colour, "width": 4, "dash": dash},
        showscale=False,
        name=name,
        showlegend=True,
        hoverinfo="skip",
    )
