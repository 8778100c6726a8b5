"""The strip of an audit: a row a block of the network, a column a part of it; colour is density, the sign the pattern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from sparselab.audit import LayerAudit
from sparselab.audit.card import share_words
from sparselab.audit.places import place_of

ROWS_SHOWN = 22
"""Of longer strips so many rows are seen at once."""

_MOST_COLUMNS = 12
_SIGNS = {
    "whole rows": ("▤", "whole rows"),
    "whole columns": ("▥", "whole columns"),
    "heads": ("H", "whole heads"),
    "constant fan-in": ("≡", "constant fan-in"),
}
_DENSE, _NONE, _BLOCKS = ("■", "dense: nothing is pruned"), ("·", "no pattern beyond chance"), ("▦", "whole blocks")
_SCALE = ((0.0, "#00204C"), (0.5, "#7C7B78"), (1.0, "#FFE945"))  # of Cividis, which is even without colour too
_ROW = 28


@dataclass(frozen=True)
class Strip:
    """Layers by where they stand: (block, part, layer)."""

    blocks: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[str, str, LayerAudit], ...]


def strip_of(layers: Sequence[LayerAudit]) -> Strip:
    """Return the places of layers; a network with too many different parts has one column."""
    cells = [(*place_of(layer.name), layer) for layer in layers]
    if len({part for _, part, _ in cells}) > _MOST_COLUMNS or len({(b, p) for b, p, _ in cells}) < len(cells):
        cells = [(layer.name, "weight", layer) for layer in layers]
    blocks, columns = (tuple(dict.fromkeys(cell[i] for cell in cells)) for i in (0, 1))
    return Strip(blocks, columns, tuple(cells))


def strip_figure(strip: Strip) -> go.Figure:
    """Show the strip; each cell bears the name of its layer."""
    layers = [layer for _, _, layer in strip.cells]
    figure = go.Figure(
        go.Scatter(
            x=[part for _, part, _ in strip.cells],
            y=[block for block, _, _ in strip.cells],
            mode="markers+text",
            text=[sign_of(layer)[0] for layer in layers],
            textfont={"color": ["#FFFFFF" if layer.density < 0.6 else "#000000" for layer in layers], "size": 11},
            marker={
                "symbol": "square",
                "size": _ROW - 3,
                "color": [100 * layer.density for layer in layers],
                "colorscale": _SCALE,
                "cmin": 0,
                "cmax": 100,
                "opacity": 1,
                "line": {"width": 1, "color": "#7F7F7F"},
                "colorbar": {
                    "title": {"text": "density, %", "side": "right"},
                    "orientation": "h",
                    "thickness": 10,
                    "y": 0,
                    "yref": "container",
                    "yanchor": "bottom",
                },
            },
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}, "textfont": {"color": None}},
            customdata=[[layer.name] for layer in layers],
            hovertext=[_told(layer) for layer in layers],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    figure.update_xaxes(type="category", side="top", showgrid=False, fixedrange=True, categoryarray=strip.columns)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False, fixedrange=True, automargin=True)
    figure.update_layout(
        height=150 + _ROW * len(strip.blocks), margin={"l": 10, "r": 10, "t": 60, "b": 70}, dragmode=False
    )
    return figure


def sign_of(layer: LayerAudit) -> tuple[str, str]:
    """Return the sign of a layer's pattern, and what it means.

    Example: >>> sign_of(LayerAudit("a", (2, 2), "float32", 1.0, 0, 0, ()))[0]
             '■'
    """
    if layer.density in (0.0, 1.0):
        return _DENSE if layer.density else ("○", "empty: everything is pruned")
    finding = layer.best or layer.nearest
    if finding is None:
        return _NONE
    sign, means = _SIGNS.get(finding.pattern, (finding.pattern, f"{finding.pattern} in every window"))
    if "x" in finding.pattern:
        sign, means = _BLOCKS
    elif finding.pattern.count(":") == 2:
        sign, means = "V", "V:N:M"
    if finding.axis == "out" and ":" in finding.pattern:
        sign, means = f"{sign}↓", f"{means}, along the outputs"
    return (sign, means) if layer.best is not None else (f"~{sign}", f"nearly {means}")


def glyph_legend(strip: Strip) -> str:
    """Return what the signs of a strip mean, in words."""
    meanings = dict(sign_of(layer) for _, _, layer in strip.cells)
    told = "; ".join(f"{sign} {means}" for sign, means in meanings.items())
    return f"{told}. A click opens the layer in Explore."


def _told(layer: LayerAudit) -> str:
    finding = layer.best or layer.nearest
    lines = [layer.name, f"{' x '.join(map(str, layer.shape))}, density {100 * layer.density:.1f} %", layer.words]
    if finding is not None and finding.share_by_chance is not None:
        lines.append(f"{share_words(finding.share)} of its units; by chance {share_words(finding.share_by_chance)}")
    if layer.claimed is not None and layer.claimed.first_break is not None:
        at = layer.claimed.first_break
        lines.append(f"the claim breaks first at {list(at.index)}: {at.found}")
    return "<br>".join(lines)
