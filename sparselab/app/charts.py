"""Plotly figures: similarity before and after, block density, and the plain picture of a mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from sparselab.analysis.expected import expected_jaccard
from sparselab.analysis.metrics import labels
from sparselab.analysis.pooling import Level, pool
from sparselab.analysis.tiles import TileView
from sparselab.app.looks import GREY, line_look, point_symbol
from sparselab.core.mask import IntVector, Mask
from sparselab.workflows.explore import View

GROWN_COLOUR, DROPPED_COLOUR = "#e69f00", "#56b4e9"
"""What grown and dropped weights are painted in, as in the mask view (`sparselab/display/mask_view`)."""

LIGHT_INK, DARK_INK = "#2f2d2b", "#edebe8"
"""What kept weights are painted in: the colour of the page's text in the light and in the dark theme."""

_KINDS = ("kept", "fill-in (grown)", "dropped")
_PLAIN_ROWS, _PLAIN_COLS = 256, 512
_SCALE = "Cividis"

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
    figure = make_subplots(cols=2, subplot_titles=("as in the file", "by group"), horizontal_spacing=0.06)
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
    # Below the pictures, so that a phone's width is left to them.
    bar = {"title": {"text": title, "side": "right"}, "orientation": "h", "thickness": 12, "y": -0.22, "yanchor": "top"}
    figure.update_layout(coloraxis={**look, "cmax": top, "colorbar": bar})
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
        line_color=GREY,
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
    for place, (label, line) in enumerate(curves):
        found = [(spent, covered) for spent, covered in line if covered is not None]
        x, y = [100 * spent for spent, _ in found], [100 * covered for _, covered in found]
        look = line_look(place)
        style, marker = {"color": look.colour, "dash": look.dash}, {"symbol": look.symbol, "size": 7}
        figure.add_scatter(x=x, y=y, name=label, mode="lines+markers", line=style, marker=marker)
    for place, (label, spent, covered) in enumerate(points):
        marker = {"symbol": point_symbol(place), "size": 11, "color": GREY, "line": {"width": 1.5}}
        figure.add_scatter(x=[100 * spent], y=[100 * covered], name=label, mode="markers", marker=marker)
    figure.add_vline(
        x=100 * density,
        line_dash="dot",
        line_color=GREY,
        annotation_text="budget",
        annotation_position="bottom right",
    )
    figure.update_xaxes(title_text="density after, % of the layer's weights", rangemode="tozero")
    figure.update_yaxes(title_text=f"{labels()['coverage'].lower()}, %", range=[0, 102])
    figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    return _finish(figure, 520)


@dataclass(frozen=True)
class PlainPicture:
    """A side of the mask view as a plain image, with the words above and below it."""

    title: str
    figure: go.Figure
    scale: str


def plain_pictures(left: Mapping[str, Any], right: Mapping[str, Any] | None, *, dark: bool) -> list[PlainPicture]:
    """Return both sides of the mask view as plain images in its colours: for browsers that cannot draw the view itself.

    A pixel is the exact share of kept, grown and dropped weights of the area that it stands for; at most 256 x 512 of them a side.

    Args:
        left, right: the sides as `sparselab.display.message.sides` returns them.
        dark: whether the page's theme is, so that kept weights are seen.
    """
    seen = [side for side in (left, right) if side is not None]
    pooled = [_pooled_kinds(side) for side in seen]
    top = max(float(np.sum([level.density for level in levels], axis=0).max()) for levels in pooled) or 1.0
    return [
        PlainPicture(
            title=f"**{side['label']}** {side['caption']}",
            figure=_plain_figure(levels, top, DARK_INK if dark else LIGHT_INK),
            scale=f"1 pixel = {levels[0].step_rows} x {levels[0].step_cols} weights; full colour = {100 * top:.3g} % of them",
        )
        for side, levels in zip(seen, pooled, strict=True)
    ]


def _plain_figure(levels: Sequence[Level], top: float, ink: str) -> go.Figure:
    colours = (ink, GROWN_COLOUR, DROPPED_COLOUR)[: len(levels)]
    kinds = _KINDS[: len(levels)]
    shares = np.stack([level.density for level in levels], axis=-1)
    total = shares.sum(axis=-1, keepdims=True)
    # Mixed by how many weights there are of each kind, and as opaque as there are weights: the page's ground is the rest.
    mixed = shares @ np.array([_channels(colour) for colour in colours]) / np.maximum(total, np.finfo(float).tiny)
    height, width = levels[0].step_rows, levels[0].step_cols
    told = "<br>".join(f"%{{customdata[{i}]}} % {kind}" for i, kind in enumerate(kinds))
    image = go.Image(
        z=np.rint(np.concatenate([mixed, 255 * total / top], axis=-1)).astype(np.uint8),
        colormodel="rgba256",
        dx=width,
        dy=height,
        customdata=np.rint(100 * shares).astype(np.uint8),
        hovertemplate=f"{height} x {width} weights<br>from row %{{y}}, column %{{x}}:<br>{told}<extra></extra>",
    )
    figure = go.Figure(image)
    for kind, colour in zip(kinds, colours, strict=True):
        marker = {"symbol": "square", "size": 11, "color": colour}
        figure.add_scatter(x=[None], y=[None], mode="markers", name=kind, marker=marker, showlegend=True)
    figure.update_yaxes(scaleanchor=False, autorange="reversed", showgrid=False, title_text="row")
    figure.update_xaxes(showgrid=False, title_text="column")
    figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    return _finish(figure, 420)


def _pooled_kinds(side: Mapping[str, Any]) -> list[Level]:
    """Return the kept weights of a side, pooled; where it shows a mask after too, also those that grew and were dropped."""
    shape = side["height"], side["width"]
    before = Mask.from_packed(side["before"], shape)
    kinds = [before]
    if side["after"] is not None:
        after = Mask.from_packed(side["after"], shape)
        kinds = [before & after, after - before, before - after]
    return [pool(kind, most_rows=_PLAIN_ROWS, most_cols=_PLAIN_COLS) for kind in kinds]


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _finish(figure: go.Figure, height: int) -> go.Figure:
    figure.update_layout(height=height, margin={"l": 10, "r": 10, "t": 36, "b": 10})
    return figure
