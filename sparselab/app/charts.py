"""Plotly figures: similarity before and after, block density, and the plain picture of a mask."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from sparselab.analysis.expected import expected_jaccard
from sparselab.analysis.metrics import labels
from sparselab.analysis.pooling import pool
from sparselab.analysis.tiles import TileView
from sparselab.core.mask import IntVector, Mask
from sparselab.workflows.explore import View

_PLAIN_ROWS, _PLAIN_COLS = 256, 512
_SCALE = "Cividis"
_OKABE_ITO = ("#999999", "#0072B2", "#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#D55E00")
_DASHES = ("dot", "solid", "dash", "dashdot", "longdash", "solid", "dash")
_SYMBOLS = ("diamond", "square", "triangle-up", "star", "cross", "hexagon", "x")

Curve = tuple[str, Sequence[tuple[float, float | None]]]
"""A label, and pairs of the density after and the share of weights kept."""


def similarity_figure(view: View, *, minus_chance: bool = False) -> go.Figure:
    """Show the Jaccard similarity of every pair of rows, in natural order and group by group, on one scale.

    minus_chance: less what is to be expected of rows that keep as many columns each, anywhere; then 0 has a colour of its own.
    """
    # As float32, because every visitor's browser is sent each of up to 65,536 numbers a picture.
    pictures = [image / np.float32(255) for image in (view.similarity_before, view.similarity_after)]
    if minus_chance:
        orders = (np.arange(view.layout.before.rows), view.layout.row_order.order)
        pictures = [
            picture - _expected(view, order, len(picture)) for picture, order in zip(pictures, orders, strict=True)
        ]
    figure = make_subplots(
        cols=2, subplot_titles=("rows as in the file", "rows group by group"), horizontal_spacing=0.06
    )
    for column, picture in enumerate(pictures, start=1):
        step = view.layout.before.rows / len(picture)
        heat = go.Heatmap(
            z=picture,
            dx=step,
            dy=step,
            coloraxis="coloraxis",
            hovertemplate="rows near %{y:.0f} and %{x:.0f}: mean similarity %{z:.3f}<extra></extra>",
        )
        figure.add_trace(heat, row=1, col=column)
    top = max(*(float(np.quantile(picture, 0.999)) for picture in pictures), 0.01)
    look = {"colorscale": "PuOr_r", "cmin": -top} if minus_chance else {"colorscale": _SCALE, "cmin": 0}
    title = "Jaccard - chance" if minus_chance else "Jaccard"
    figure.update_layout(coloraxis={**look, "cmax": top, "colorbar": {"title": title}})
    figure.update_yaxes(autorange="reversed", title_text="row", col=1)
    figure.update_yaxes(autorange="reversed", col=2)
    figure.update_xaxes(title_text="row")
    return _finish(figure, 380)


def _expected(view: View, order: IntVector, pixels: int) -> NDArray[np.float32]:
    """Return what chance gives for every pixel of a similarity picture, by the mean number of columns that its rows keep."""
    rows, cols = view.layout.before.shape
    counts = view.layout.before.kept.sum(axis=1)[order]
    starts = np.arange(0, rows, -(-rows // pixels))
    heights = np.diff(np.append(starts, rows))
    means = np.add.reduceat(counts, starts) / heights
    found = expected_jaccard(means, means, cols).astype(np.float32)
    alone = np.flatnonzero(heights == 1)  # a row beside itself is no pair: the picture has 0 there
    found[alone, alone] = 0.0
    return found


def block_density_figure(view: View) -> go.Figure:
    """Show how dense the blocks were before they were filled: one bar a range of density."""
    edges = np.linspace(0, 1, 41)
    counts, _ = np.histogram(view.block_densities, edges)
    figure = go.Figure(
        go.Bar(
            x=100 * (edges[:-1] + edges[1:]) / 2,
            y=counts,
            width=2.5,
            marker_color="#0072B2",
            hovertemplate="%{y} blocks of about %{x:.0f} % kept before<extra></extra>",
        )
    )
    mean = view.report["block_density"]
    if mean is not None:
        figure.add_vline(
            x=100 * mean, line_dash="dash", line_color="#D55E00", annotation_text=f"all blocks: {100 * mean:.1f} %"
        )
    before = view.report["density_before"]
    figure.add_vline(
        x=100 * before,
        line_dash="dot",
        line_color="#999999",
        annotation_text=f"layer: {100 * before:.1f} %",
        annotation_position="bottom right",
    )
    figure.update_xaxes(title_text="weights kept before inside the block, %", range=[0, 100])
    figure.update_yaxes(title_text="blocks")
    return _finish(figure, 320)


def tiles_figure(seen: TileView, tile: int) -> go.Figure:
    """Show every computed tile, as full as it was before the blocks were filled; at most 256 x 512 tiles are drawn."""
    shown = seen.densities[:_PLAIN_ROWS, :_PLAIN_COLS]
    cut = seen.densities.shape != shown.shape
    heat = go.Heatmap(
        z=np.where(shown < 0, np.nan, 100 * shown),
        colorscale=_SCALE,
        zmin=0,
        zmax=100,
        colorbar={"title": "kept, %"},
        hovertemplate=f"tile %{{y}}, %{{x}} of {tile} x {tile}: %{{z:.1f}} % kept before<extra></extra>",
    )
    figure = go.Figure(heat)
    figure.update_yaxes(autorange="reversed", title_text="strip of tiles")
    figure.update_xaxes(
        title_text="tile" + (f" (the first {shown.shape[0]} x {shown.shape[1]} are drawn)" if cut else "")
    )
    return _finish(figure, 360)


def curves_figure(curves: Sequence[Curve], points: Sequence[tuple[str, float, float]], density: float) -> go.Figure:
    """Show the weights kept against density: a line for a contender with a budget, a point for one with a density of its own."""
    figure = go.Figure()
    for (label, line), colour, dash in zip(curves, _OKABE_ITO * 2, _DASHES * 2, strict=False):
        found = [(spent, covered) for spent, covered in line if covered is not None]
        x, y = [100 * spent for spent, _ in found], [100 * covered for _, covered in found]
        style = {"color": colour, "dash": dash}
        figure.add_scatter(x=x, y=y, name=label, mode="lines+markers", line=style, marker_size=5)
    for (label, spent, covered), symbol in zip(points, _SYMBOLS * 2, strict=False):
        marker = {"symbol": symbol, "size": 11, "color": "#999999", "line": {"width": 1, "color": "#000000"}}
        figure.add_scatter(x=[100 * spent], y=[100 * covered], name=label, mode="markers", marker=marker)
    figure.add_vline(
        x=100 * density,
        line_dash="dot",
        line_color="#999999",
        annotation_text="budget",
        annotation_position="bottom right",
    )
    figure.update_xaxes(title_text="density after, % of the layer's weights", rangemode="tozero")
    figure.update_yaxes(title_text=f"{labels()['coverage'].lower()}, %", range=[0, 102])
    figure.update_layout(legend={"orientation": "h", "y": -0.15, "yanchor": "top"})
    return _finish(figure, 520)


def plain_figure(before: Mask, after: Mask | None) -> go.Figure:
    """Show masks as heatmaps of exact densities, at most 256 x 512 pixels each: for browsers without a canvas."""
    masks = [mask for mask in (before, after) if mask is not None]
    figure = make_subplots(cols=len(masks), subplot_titles=("before", "after")[: len(masks)], horizontal_spacing=0.06)
    for column, mask in enumerate(masks, start=1):
        level = pool(mask, most_rows=_PLAIN_ROWS, most_cols=_PLAIN_COLS)
        picture: NDArray[np.uint8] = np.rint(255 * level.density).astype(np.uint8)
        heat = go.Heatmap(
            z=picture,
            dx=level.step_cols,
            dy=level.step_rows,
            coloraxis="coloraxis",
            customdata=100 * level.density,
            hovertemplate=f"{level.step_rows} x {level.step_cols} weights from row %{{y}}, column %{{x}}: "
            "%{customdata:.1f} % kept<extra></extra>",
        )
        figure.add_trace(heat, row=1, col=column)
    figure.update_layout(coloraxis={"colorscale": "Greys", "showscale": False})
    figure.update_yaxes(autorange="reversed", title_text="row", col=1)
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title_text="column")
    return _finish(figure, 460)


def _finish(figure: go.Figure, height: int) -> go.Figure:
    figure.update_layout(height=height, margin={"l": 10, "r": 10, "t": 36, "b": 10})
    return figure
