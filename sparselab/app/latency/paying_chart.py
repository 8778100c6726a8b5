"""The figure of when structure pays: the density of a mask against that of a layout."""

from __future__ import annotations

import plotly.graph_objects as go

from sparselab.app.latency.charts import ONE_LINE, finish
from sparselab.app.latency.map_charts import COLOURS, CONTOUR, ink
from sparselab.benchmarking.break_even import PayingMap
from sparselab.benchmarking.verdicts import Verdict


def paying_figure(found: PayingMap) -> go.Figure:
    """Show the best opponent's time / the layout's time by both densities, and where it crosses 1.

    A speed-up whose interval holds 1 stands in brackets; cells of equal densities are framed.
    """
    masks = sorted({cell.mask_density for cell in found.cells})
    layouts = sorted({cell.layout_density for cell in found.cells})
    cells = {(cell.mask_density, cell.layout_density): cell for cell in found.cells}
    grid = [[cells.get((mask, layout)) for mask in masks] for layout in layouts]
    x, y = [_percent(mask) for mask in masks], [_percent(layout) for layout in layouts]
    z = [[None if cell is None else cell.ratio.value for cell in line] for line in grid]
    figure = go.Figure(
        go.Heatmap(
            z=z,
            x=x,
            y=y,
            colorscale=[[place / 2, f"rgb{colour}"] for place, colour in enumerate(COLOURS)],
            zmid=1.0,
            zmin=0.0,
            zmax=2.0,
            showscale=False,
            hovertemplate="mask of %{x}, layout of %{y}: %{z:.2f} times as fast as the best way to leave the mask alone<extra></extra>",
        )
    )
    known = [(cell, a, b) for line, b in zip(grid, y, strict=True) for cell, a in zip(line, x, strict=True) if cell]
    figure.add_scatter(
        x=[a for _, a, _ in known],
        y=[b for _, _, b in known],
        text=[_text(cell.ratio.value, cell.verdict) for cell, _, _ in known],
        mode="text",
        textfont={"color": [ink(cell.ratio.value) for cell, _, _ in known]},
        showlegend=False,
        hoverinfo="skip",
    )
    if len(masks) > 1 and len(layouts) > 1:
        figure.add_contour(
            z=z,
            x=x,
            y=y,
            contours={"start": 1.0, "end": 1.0, "size": 1.0, "coloring": "none"},
            line={"color": CONTOUR, "width": 4, "dash": "dash"},
            showscale=False,
            name="as fast as the mask left alone",
            showlegend=True,
            hoverinfo="skip",
        )
    for place, density in enumerate(masks):
        if density in layouts:
            row = layouts.index(density)
            figure.add_shape(
                type="rect",
                x0=place - 0.48,
                x1=place + 0.48,
                y0=row - 0.46,
                y1=row + 0.46,
                line={"color": "#000000", "width": 2, "dash": "dot"},
            )
    figure.update_xaxes(title_text="density of the mask", type="category")
    figure.update_yaxes(title_text="density of the layout", type="category")
    figure.update_layout(legend={"orientation": "h", "y": 1.0, "yanchor": "bottom"})
    return finish(figure, 165 + 40 * len(layouts), top=ONE_LINE)


def _text(ratio: float, verdict: Verdict) -> str:
    said = f"{ratio:.2f}x" if ratio < 10 else f"{ratio:.0f}x"
    return said if verdict in (Verdict.FASTER, Verdict.SLOWER) else f"({said})"


def _percent(share: float) -> str:
    return f"{round(100 * share, 1):g} %"
