"""Figures of the doctor: time by kernel, cures before and after, and Amdahl's bound."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from sparselab.app.looks import GREY, line_look
from sparselab.diagnosis.evidence import OpTime
from sparselab.diagnosis.report import Tried
from sparselab.diagnosis.stated import amdahl

_MOST_BARS = 12
_LONGEST = 34
_LEAST_SHARE = 0.005
"""Bars of a smaller share of the time are put together."""

_LEAST_TOP = 2.2
_FACTORS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)


def kernels_figure(kernels: Sequence[OpTime]) -> go.Figure:
    """Show the own time of the slowest operations and kernels as bars, the rest as one."""
    ordered = sorted(kernels, key=lambda kernel: -kernel.ms)
    least = _LEAST_SHARE * sum(kernel.ms for kernel in kernels)
    alone = [kernel for kernel in ordered if kernel.ms >= least][:_MOST_BARS]
    shown = [(kernel.name, kernel.ms, f"{kernel.calls} calls") for kernel in alone]
    if rest := ordered[len(alone) :]:
        shown.append((f"{len(rest)} others", sum(kernel.ms for kernel in rest), "together"))
    figure = go.Figure()
    figure.add_bar(
        orientation="h",
        y=[_short(name) for name, _, _ in shown][::-1],
        x=[ms for _, ms, _ in shown][::-1],
        customdata=[[escape(name), told] for name, _, told in shown][::-1],
        marker={"color": line_look(1).colour},
        hovertemplate="%{customdata[0]}: %{x:.4g} ms, %{customdata[1]}<extra></extra>",
    )
    figure.update_xaxes(title_text="own time in one pass, ms", rangemode="tozero")
    figure.update_yaxes(type="category")
    return _finish(figure, 90 + 26 * len(shown))


def tried_figure(tried: Sequence[Tried]) -> go.Figure:
    """Show the time of the model as it is beside every change that was timed."""
    timed = [each for each in tried if each.before_ms is not None and each.after_ms is not None][::-1]
    figure = go.Figure()
    looks = (("as it is", "before_ms", GREY, ""), ("changed", "after_ms", line_look(1).colour, "/"))
    for name, field, colour, pattern in reversed(looks):
        figure.add_bar(
            name=name,
            orientation="h",
            y=[_short(each.title) for each in timed],
            x=[getattr(each, field) for each in timed],
            marker={"color": colour, "pattern": {"shape": pattern, "fillmode": "overlay", "size": 6}},
            hovertemplate=f"%{{y}}, {name}: %{{x:.4g}} ms<extra></extra>",
        )
    figure.update_xaxes(title_text="one pass, median ms", rangemode="tozero")
    figure.update_yaxes(type="category")
    figure.update_layout(
        barmode="group", legend={"orientation": "h", "y": -0.35, "yanchor": "top", "traceorder": "reversed"}
    )
    return _finish(figure, 150 + 46 * len(timed))


def amdahl_figure(share: float) -> go.Figure:
    """Show how much faster a model is when a share of its time becomes faster, and the bound that no speed passes."""
    bound = 1 / max(1 - share, 1e-6)
    look = line_look(1)
    figure = go.Figure()
    figure.add_scatter(
        x=list(_FACTORS),
        y=[amdahl(share, factor) for factor in _FACTORS],
        mode="lines+markers",
        line={"color": look.colour},
        marker={"symbol": look.symbol, "size": 8},
        hovertemplate="layers %{x:g}x faster: the model %{y:.2f}x<extra></extra>",
    )
    if bound < _FACTORS[-1]:
        figure.add_hline(
            y=bound,
            line_dash="dot",
            line_color=GREY,
            annotation_text=f"bound {bound:.2f}x",
            annotation_position="top left",
        )
    figure.update_xaxes(
        title_text="how many times faster those layers are",
        type="log",
        tickvals=list(_FACTORS),
        ticktext=[f"{f:g}" for f in _FACTORS],
    )
    top = max(_LEAST_TOP, 1.15 * min(bound, amdahl(share, _FACTORS[-1])))
    figure.update_yaxes(title_text="times as fast, the model", range=[0, top])
    return _finish(figure, 300)


def _short(name: str) -> str:
    return escape(name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…")


def _finish(figure: go.Figure, height: int) -> go.Figure:
    figure.update_layout(height=height, margin={"l": 10, "r": 10, "t": 30, "b": 10})
    return figure
