"""The strip of an audit: a row a block of the network, a column a part of it; colour is density, the sign the pattern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from sparselab.auditing import LayerAudit
from sparselab.auditing.card import share_words
from sparselab.auditing.places import in_order, place_of

ROWS_SHOWN = 22
"""Of longer strips so many rows are seen at once."""

_MOST_COLUMNS = 12
_SIGNS = {
    "whole rows": ("▤", "whole rows"),
    "whole columns": ("▥", "whole columns"),
    "heads": ("H", "whole heads"),
    "constant fan-in": ("≡", "constant fan-in"),
}
_DENSE, _NONE, _BLOCKS = ("", "dense: nothing is pruned"), ("·", "no pattern beyond chance"), ("▦", "whole blocks")
_SCALE = ((0.0, "#00204C"), (0.5, "#7C7B78"), (1.0, "#FFE945"))  # of Cividis, which is even without colour too
_ROW, _AROUND = 28, 160


@dataclass(frozen=True)
class Strip:
    """Layers by where they stand: (block, part, layer)."""

    blocks: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[str, str, LayerAudit], ...]


def strip_of(layers: Sequence[LayerAudit]) -> Strip:
    """Return the places of layers; a network with too many different parts has one column."""
    places = [place_of(layer.name) for layer in layers]
    if len({part for _, part in places}) > _MOST_COLUMNS or len(set(places)) < len(places):
        places = [(layer.name, "weight") for layer in layers]
    blocks, columns = (list(dict.fromkeys(place[i] for place in places)) for i in (0, 1))
    cells = tuple((block, part, layer) for (block, part), layer in zip(places, layers, strict=True))
    return Strip(tuple(in_order(blocks)), tuple(columns), cells)


def strip_figure(strip: Strip) -> go.Figure:
    """Show the strip; each cell bears the name of its layer."""
    layers = [layer for _, _, layer in strip.cells]
    x, y = [part for _, part, _ in strip.cells], [block for block, _, _ in strip.cells]
    heat = go.Heatmap(
        x=x,
        y=y,
        z=[100 * layer.density for layer in layers],
        zmin=0,
        zmax=100,
        colorscale=_SCALE,
        xgap=2,
        ygap=2,
        hoverinfo="skip",
        colorbar={
            "title": {"text": "density, %", "side": "bottom"},
            "orientation": "h",
            "thickness": 10,
            "y": 0,
            "yref": "container",
            "yanchor": "bottom",
        },
    )
    # The signs are points of their own, because a cell of a heat map cannot be chosen by a click.
    signs = go.Scatter(
        x=x,
        y=y,
        mode="markers+text",
        text=[sign_of(layer)[0] for layer in layers],
        textfont={"color": [_ink(layer) for layer in layers], "size": 12},
        marker={"symbol": "square", "size": _ROW - 4, "color": "rgba(0,0,0,0)"},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        customdata=[[layer.name] for layer in layers],
        hovertext=[_told(layer) for layer in layers],
        hovertemplate="%{hovertext}<extra></extra>",
        hoverlabel={"bgcolor": "#FFFFFF", "bordercolor": "#7F7F7F", "font": {"color": "#000000"}},
    )
    figure = go.Figure([heat, signs])
    figure.update_xaxes(categoryorder="array", categoryarray=strip.columns, side="top")
    figure.update_yaxes(categoryorder="array", categoryarray=strip.blocks, range=[len(strip.blocks) - 0.5, -0.5])
    for axes in (figure.update_xaxes, figure.update_yaxes):
        axes(type="category", showgrid=False, zeroline=False, fixedrange=True, automargin=True)
    height = _AROUND + _ROW * len(strip.blocks)
    figure.update_layout(height=height, margin={"l": 10, "r": 10, "t": 10, "b": 60}, dragmode=False)
    return figure


def _ink(layer: LayerAudit) -> str:
    """Return white or black, whichever is seen on the layer's colour: each has at least 4.5:1 on its side."""
    return "#FFFFFF" if layer.density < 0.47 else "#000000"


def sign_of(layer: LayerAudit) -> tuple[str, str]:
    """Return the sign of a layer's pattern, or that it breaks the claim, and what it means.

    Example: >>> sign_of(LayerAudit("a", (2, 2), "float32", 1.0, 0, 0, ()))[0]
             ''
    """
    if layer.holds is False:
        return "✗", "the claim breaks"
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
    told = "; ".join(f"{sign or 'no sign'}: {means}" for sign, means in meanings.items())
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
