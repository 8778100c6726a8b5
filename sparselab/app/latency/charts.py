"""Figures of latency: bars with their spread, the break-even map, time against density, two sessions side by side."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from sparselab.app.latency.kernel_names import label_of
from sparselab.benchmarking.break_even import BreakEvenPoint
from sparselab.benchmarking.records import Row, Session
from sparselab.benchmarking.verdicts import Verdict

_SPREAD = "#7f7f7f"
_CONTOUR = "#CC79A7"  # seen on orange, white and blue, and on both backgrounds
# Colour and pattern say the same, so that neither is needed alone.
_LOOKS = {
    "dense": ("#999999", ""),
    "dense again, or without zeros": ("#B8B8B8", "/"),
    "faster": ("#0072B2", ""),
    "not decided, or as fast": ("#E69F00", "."),
    "slower": ("#D55E00", "x"),
}
_LINES = (
    ("#0072B2", "solid", "circle"),
    ("#D55E00", "dash", "square"),
    ("#009E73", "dashdot", "diamond"),
    ("#CC79A7", "longdash", "cross"),
    ("#E69F00", "dot", "triangle-up"),
    ("#56B4E9", "solid", "star"),
)


def bars_figure(session: Session) -> go.Figure:
    """Show the median of every row that was timed, its 20th to 80th percentile, and dense time x density."""
    rows = [row for row in session.rows if row.median_ms is not None][::-1]
    figure = go.Figure()
    for name, (colour, pattern) in _LOOKS.items():
        mine = [row for row in rows if _look(row) == name]
        if mine:
            figure.add_bar(
                name=name,
                orientation="h",
                y=[label_of(row) for row in mine],
                x=[row.median_ms for row in mine],
                marker={"color": colour, "pattern": _pattern(pattern)},
                error_x=_spread(mine),
                hovertemplate="%{y}: %{x:.4g} ms<extra></extra>",
            )
    baseline = session.row(role="baseline")
    if baseline is not None and baseline.median_ms is not None and session.density < 1:
        figure.add_vline(
            x=session.density * baseline.median_ms,
            line_dash="dot",
            line_color=_SPREAD,
        )
        figure.add_annotation(
            x=session.density * baseline.median_ms,
            y=1.0,
            yref="paper",
            yanchor="bottom",
            xanchor="left",
            showarrow=False,
            text="dense time x density",
        )
    figure.update_xaxes(title_text="ms: median, p20 to p80", rangemode="tozero")
    labels = [label_of(row) for row in rows]
    # The figures stand in the axis' labels, where no bar is too long for them.
    told = [f"{label_of(row)}<br><b>{_told(row)}</b>" for row in rows]
    figure.update_yaxes(categoryorder="array", categoryarray=labels, tickvals=labels, ticktext=told, title_text="")
    figure.update_layout(barmode="overlay", legend={"orientation": "h", "y": -0.25, "yanchor": "top"})
    return _finish(figure, 170 + 42 * len(rows))


def map_figure(points: Sequence[BreakEvenPoint]) -> go.Figure:
    """Show speedup over sparsity and height of the groups, with the contour where the kernel is as fast as dense."""
    heights = sorted({point.group_rows for point in points})
    densities = sorted({round(point.density, 4) for point in points}, reverse=True)
    cell = {(point.group_rows, round(point.density, 4)): point for point in points}
    grid = [[cell.get((height, density)) for density in densities] for height in heights]
    z = [[None if point is None else point.row.speedup_vs_dense for point in line] for line in grid]
    text = [["" if value is None else f"{value:.2f}x" for value in line] for line in z]
    x = [f"{100 * (1 - density):.1f} %" for density in densities]
    y = [f"{height} rows" for height in heights]
    limit = [[None if point is None else point.limit for point in line] for line in grid]
    heat = go.Heatmap(
        z=z,
        x=x,
        y=y,
        text=text,
        texttemplate="%{text}",
        customdata=limit,
        # Blue above 1, orange below: the middle of the scale is where nothing is gained.
        colorscale=[[0, "#D55E00"], [0.5, "#F0F0F0"], [1, "#0072B2"]],
        zmid=1.0,
        zmin=0.0,
        zmax=2.0,
        colorbar={
            "title": "speedup",
            "tickvals": [0, 0.5, 1, 1.5, 2],
            "ticktext": ["0", "0.5", "1", "1.5", "2+"],
        },
        hovertemplate="%{y}, sparsity %{x}: %{text} as fast as dense; 1 / density is %{customdata:.1f}<extra></extra>",
    )
    figure = go.Figure(heat)
    if len(heights) > 1 and len(densities) > 1:
        figure.add_contour(
            z=z,
            x=x,
            y=y,
            contours={"start": 1.0, "end": 1.0, "size": 1.0, "coloring": "none"},
            line={"color": _CONTOUR, "width": 4, "dash": "dash"},
            showscale=False,
            name="as fast as dense",
            showlegend=True,
            hoverinfo="skip",
        )
    figure.update_xaxes(title_text="sparsity", type="category")
    figure.update_yaxes(title_text="group height", type="category")
    figure.update_layout(legend={"orientation": "h", "y": 1.12})
    return _finish(figure, 160 + 56 * len(heights))


def limit_figure(points: Sequence[BreakEvenPoint]) -> go.Figure:
    """Show time over dense time against density, a line a height, with the line where time / dense time is the density."""
    figure = go.Figure()
    for index, height in enumerate(sorted({point.group_rows for point in points})):
        colour, dash, symbol = _LINES[index % len(_LINES)]
        line = sorted((p for p in points if p.group_rows == height and p.row.interval), key=lambda p: p.density)
        shares = [1 / (p.row.speedup_vs_dense or 1.0) for p in line]
        lows = [1 / p.row.interval[1] for p in line if p.row.interval]
        highs = [1 / p.row.interval[0] for p in line if p.row.interval]
        figure.add_scatter(
            x=[p.density for p in line],
            y=shares,
            name=f"{height} rows",
            mode="lines+markers",
            line={"color": colour, "dash": dash},
            marker={"symbol": symbol, "size": 9},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [high - share for high, share in zip(highs, shares, strict=True)],
                "arrayminus": [share - low for low, share in zip(lows, shares, strict=True)],
            },
            hovertemplate=f"{height} rows, density %{{x:.3f}}: %{{y:.3f}} of dense<extra></extra>",
        )
    most = max((p.density for p in points), default=1.0)
    limit = {"color": _SPREAD, "dash": "dot"}
    figure.add_scatter(x=[0, most], y=[0, most], name="dense time x density", mode="lines", line=limit)
    figure.add_hline(
        y=1.0, line_dash="dash", line_color=_SPREAD, annotation_text="dense", annotation_position="top left"
    )
    figure.update_xaxes(title_text="density", rangemode="tozero")
    # A noisy cell's interval may reach far above; it must not press all the others flat.
    slowest = max((1 / (p.row.speedup_vs_dense or 1.0) for p in points), default=1.0)
    figure.update_yaxes(title_text="time / dense time, 99 % interval", range=[0, 1.25 * max(1.0, slowest)])
    figure.update_layout(legend={"orientation": "h", "y": -0.2, "yanchor": "top"})
    return _finish(figure, 430)


def compare_figure(sessions: Sequence[tuple[str, Session]]) -> go.Figure:
    """Show the medians of several sessions side by side, kernel by kernel."""
    figure = go.Figure()
    for index, (name, session) in enumerate(sessions):
        rows = [row for row in session.rows if row.median_ms is not None]
        colour = _LINES[index % len(_LINES)][0]
        figure.add_bar(
            name=name,
            x=[label_of(row) for row in rows],
            y=[row.median_ms for row in rows],
            marker={"color": colour, "pattern": _pattern(("", "/", "x", ".")[index % 4])},
            error_y=_spread(rows),
        )
    figure.update_yaxes(title_text="one run, milliseconds", rangemode="tozero")
    figure.update_layout(barmode="group", legend={"orientation": "h", "y": 1.12})
    figure.update_layout(legend={"orientation": "h", "y": -0.2, "yanchor": "top"})
    return _finish(figure, 430)


def _look(row: Row) -> str:
    if row.role == "baseline":
        return "dense"
    if row.role in ("control", "full"):
        return "dense again, or without zeros"
    return {Verdict.FASTER: "faster", Verdict.SLOWER: "slower"}.get(row.verdict, "not decided, or as fast")


def _pattern(shape: str) -> dict[str, object]:
    return {"shape": shape, "fillmode": "overlay", "fgcolor": "#FFFFFF", "size": 7, "solidity": 0.35}


def _told(row: Row) -> str:
    said = f"{row.median_ms:.3g} ms"
    if row.role == "kernel" and row.speedup_vs_dense is not None:
        said += f" · {row.speedup_vs_dense:.2f}x"
    return said + (" · noisy" if {"noisy", "busy"} & set(row.flags) else "")


def _spread(rows: Sequence[Row]) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [(row.p80_ms or 0.0) - (row.median_ms or 0.0) for row in rows],
        "arrayminus": [(row.median_ms or 0.0) - (row.p20_ms or 0.0) for row in rows],
        "color": _SPREAD,
        "thickness": 2,
    }


def _finish(figure: go.Figure, height: int) -> go.Figure:
    figure.update_layout(height=height, margin={"l": 10, "r": 10, "t": 40, "b": 10})
    return figure
