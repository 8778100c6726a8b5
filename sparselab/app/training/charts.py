"""Plotly figures of trainings: accuracy curves, a run as it goes, layers, updates of dynamic masks, published points."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import plotly.graph_objects as go

from sparselab.app.looks import GREY
from sparselab.training.paired import Verdict, in_points
from sparselab.training.paper_results import PublishedPoint
from sparselab.training.runs.judging import judgement_text
from sparselab.training.runs.outcomes import NAMES
from sparselab.training.runs.points import Point
from sparselab.training.tasks import ACCURACY

AXES: Mapping[str, tuple[str, Callable[[Point], float | None]]] = MappingProxyType(
    {
        "weights kept": ("prunable weights kept, %", lambda point: 100 * point.density),
        "channels": ("channels with a kept weight, %", lambda point: 100 * point.channels),
        "blocks": ("dense blocks in the network", lambda point: point.blocks),
    }
)
"""What accuracy may be drawn against: the axis' title, and a point's place on it."""

_STYLES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "IMP (unstructured)": ("#0072B2", "circle"),
        "Refill": ("#56B4E9", "triangle-up"),
        "Refill+": ("#CC79A7", "triangle-down"),
        "Regroup": ("#009E73", "square"),
        "Shuffled blocks": ("#D55E00", "star"),
        "DSB": ("#D55E00", "diamond"),
        "SSB (static blocks)": ("#E69F00", "diamond"),
        "RigL": ("#E69F00", "cross"),
        "SET": (GREY, "hexagon"),
    }
)
"""Colour and symbol of the series seen most; no two share both."""

_FROM_START = frozenset({"DSB", "SSB (static blocks)", "RigL", "SET"})
"""Series that are sparse from their first step: dotted."""

_FILL: Mapping[Verdict | None, str] = MappingProxyType(
    {"better": "", "tie": "-open-dot", "worse": "-open", None: "-open-dot"}
)
"""How a symbol is filled by what the interval to dense says."""

_TICKS = (100, 80, 60, 50, 40, 30, 20, 15, 10, 5, 2, 1)
_OTHERS = (
    *("pentagon", "hourglass", "bowtie", "hexagram", "star-square", "hexagon2", "octagon"),
    *("star-diamond", "diamond-wide", "diamond-tall", "square-cross"),
)
_GREY_PLACES: Mapping[str, int] = MappingProxyType(
    {name: place for place, name in enumerate(name for name in NAMES.values() if name not in _STYLES)}
)
STANDARD = ("IMP (unstructured)", "Refill", "Refill+", "Regroup", "Shuffled blocks", "RigL", "DSB")
"""The series shown before anybody chooses."""


def style_of(series: str) -> dict[str, Any]:
    """Return colour, dash and symbol of a series: the same in every figure; a refined one has its twin's, dashed; sparse from the start is dotted."""
    plain = series.removesuffix(", refined")
    place = _GREY_PLACES.get(plain, sum(map(ord, plain)))
    colour, symbol = _STYLES.get(plain, (GREY, _OTHERS[place % len(_OTHERS)]))
    dash = "dash" if plain != series else "dot" if plain in _FROM_START else "solid"
    return {
        "line": {"color": colour, "dash": dash, "width": 2},
        "marker": {"symbol": symbol, "size": 10, "color": colour},
    }


def curves_figure(points: Sequence[Point], dense: Sequence[Point | None], axis: str) -> go.Figure:
    """Show accuracy against sparsity: a line a series, bars from the least to the most seed, dense across.

    Band: a point in it is a tie with dense. Filled: a winning ticket; open: worse than dense; open with a dot: a tie, or not judged.
    """
    title, place = AXES[axis]
    figure = go.Figure()
    lines = [line for line in dense if line is not None]
    metric = next((point.metric for point in (*points, *lines)), ACCURACY.name)
    factor, unit = (100, " %") if metric == ACCURACY.name else (1, "")
    for line in lines:
        whose = "dense" if line.study else "dense, this run"
        figure.add_hline(
            y=factor * line.mean,
            line={"color": GREY, "dash": "solid" if line.study else "dot", "width": 1.5},
            annotation_text=f"{whose}: {judgement_text(metric, line.mean)}",
            annotation_position="bottom left" if line.study else "top left",
        )
        if margin := _margin(points, line.study):
            low, high = factor * (line.mean - margin), factor * (line.mean + margin)
            figure.add_hrect(y0=low, y1=high, fillcolor=GREY, opacity=0.12, line_width=0)
    for series, study in dict.fromkeys((point.series, point.study) for point in points):
        mine = [p for p in points if (p.series, p.study) == (series, study) and place(p) is not None]
        if not mine:
            continue
        style = style_of(series)
        symbol = style["marker"]["symbol"]
        marker = style["marker"] | {"symbol": [symbol + _FILL[_verdict(point)] for point in mine]}
        means = [factor * point.mean for point in mine]
        spread = {
            "type": "data",
            "symmetric": False,
            "array": [factor * (point.high - point.mean) for point in mine],
            "arrayminus": [factor * (point.mean - point.low) for point in mine],
            "thickness": 1,
            "width": 3,
        }
        figure.add_scatter(
            x=[place(point) for point in mine],
            y=means,
            error_y=spread if any(point.seeds > 1 for point in mine) else None,
            name=series if study else f"{series} (this run)",
            mode="lines+markers" if len(mine) > 1 else "markers",
            line=style["line"] | ({} if study else {"width": 3}),
            marker=marker,
            customdata=[[p.level, p.seeds, _to_dense(p, factor)] for p in mine],
            hovertemplate=f"%{{y:.4g}}{unit} at %{{x:.3g}}<br>"
            "level %{customdata[0]}, %{customdata[1]} seed(s), %{customdata[2]}"
            "<extra>%{fullData.name}</extra>",
        )
    log = axis != "channels"
    figure.update_xaxes(title_text=title, type="log" if log else "linear", autorange="reversed")
    if axis == "weights kept":
        figure.update_xaxes(tickvals=_TICKS)
    figure.update_yaxes(title_text=f"test {metric}" + (", %" if unit else ""))
    figure.update_layout(legend={"orientation": "h", "yanchor": "top", "y": -0.22, "x": 0})
    return finish(figure, 520)


def progress_figure(events: Sequence[Mapping[str, Any]], total: int) -> go.Figure:
    """Show the loss of the training images as it falls, and the accuracy on the validation images, one stage after another."""
    figure = go.Figure()
    before, begun, reached = 0, 0, 0
    steps: list[float | None] = []
    losses: list[float | None] = []
    looks: list[tuple[float, float]] = []
    metric = ACCURACY.name
    for event in events:
        if event["event"] == "stage":
            before += reached - begun
            begun = reached = event["start"]
            steps.append(None)
            losses.append(None)
        elif event["event"] in ("loss", "epoch"):
            reached = event["step"]
            at = before + reached - begun
            if event["event"] == "loss":
                steps.append(at)
                losses.append(event["loss"])
            else:
                metric = event.get("metric", ACCURACY.name)
                share = event["validation"] if "metric" in event else 100 * event["validation_accuracy"]
                looks.append((at, share))
    is_share = metric == ACCURACY.name
    figure.add_scatter(x=steps, y=losses, name="training loss", line={"color": "#0072B2", "width": 1})
    figure.add_scatter(
        x=[at for at, _ in looks],
        y=[right for _, right in looks],
        name=f"validation {metric}",
        yaxis="y2",
        mode="markers",
        marker={"color": "#D55E00", "symbol": "diamond", "size": 6},
        hovertemplate="%{y:.1f} %<extra>accuracy</extra>" if is_share else "%{y:.4g}<extra></extra>",
    )
    figure.update_xaxes(title_text="training step, summed over the trainings", range=[0, max(total, 1)])
    figure.update_yaxes(title_text="loss", rangemode="tozero")
    figure.update_layout(
        yaxis2={
            "title": "accuracy, %" if is_share else metric,
            "overlaying": "y",
            "side": "right",
            "showgrid": False,
            **({"range": [0, 100], "dtick": 20} if is_share else {}),
        },
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
    )
    return finish(figure, 320)


def layers_figure(densities: Mapping[str, Mapping[str, float]]) -> go.Figure:
    """Show the density of every layer at every stage: rows stages, columns layers."""
    stages, layers = list(densities), list(next(iter(densities.values())))
    values = [[100 * densities[stage][layer] for layer in layers] for stage in stages]
    heat = go.Heatmap(
        z=values,
        x=layers,
        y=stages,
        zmin=0,
        zmax=100,
        colorscale="Cividis",
        colorbar={"title": "kept, %"},
        texttemplate="%{z:.0f}" if len(layers) <= 14 else None,
        hovertemplate="%{y}, %{x}: %{z:.2f} % kept<extra></extra>",
    )
    figure = go.Figure(heat)
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_xaxes(type="category", side="top")
    return finish(figure, 90 + 24 * len(stages))


def updates_figure(updates: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Show how many weights each update of a dynamic mask dropped and grew: a share of those kept, against the step."""
    figure = go.Figure()
    for name, dash in (("dropped", "solid"), ("grown", "dot")):
        colour = "#D55E00" if name == "dropped" else "#009E73"
        figure.add_scatter(
            x=[update["step"] for update in updates],
            y=[100 * update[name] / max(1, update["kept"]) for update in updates],
            name=name,
            line={"color": colour, "dash": dash},
        )
    figure.update_xaxes(title_text="step")
    figure.update_yaxes(title_text="% of the kept weights", rangemode="tozero")
    return finish(figure, 300)


def published_figure(points: Sequence[PublishedPoint]) -> go.Figure:
    """Show accuracies that papers print against the share of weights kept: theirs, on their data and networks."""
    figure = go.Figure()
    for method, model in dict.fromkeys((point.method, point.model) for point in points):
        mine = sorted(
            (p for p in points if (p.method, p.model) == (method, model)), key=lambda p: -(p.remaining_percent or 0)
        )
        style = style_of(NAMES.get(method, method))
        figure.add_scatter(
            x=[point.remaining_percent for point in mine],
            y=[point.accuracy_percent for point in mine],
            name=f"{NAMES.get(method, method)}, {model}",
            mode="lines+markers" if len(mine) > 1 else "markers",
            **style,
            customdata=[[p.paper, p.table, p.note] for p in mine],
            hovertemplate="%{y:.2f} % at %{x:.3g} % kept<br>%{customdata[0]}, %{customdata[1]}<br>%{customdata[2]}"
            "<extra>%{fullData.name}</extra>",
        )
    figure.update_xaxes(title_text="weights kept, %", type="log", autorange="reversed", tickvals=_TICKS)
    figure.update_yaxes(title_text="published accuracy, %")
    figure.update_layout(legend={"orientation": "h", "yanchor": "top", "y": -0.22, "x": 0})
    return finish(figure, 460)


def _margin(points: Sequence[Point], study: bool) -> float | None:
    """Return half the width of the interval to dense, which all points of a study share."""
    return next((point.to_dense.margin for point in points if point.study == study and point.to_dense), None)


def _verdict(point: Point) -> Verdict | None:
    return None if point.to_dense is None else point.to_dense.verdict


def _to_dense(point: Point, factor: float) -> str:
    if point.to_dense is None:
        return "no dense network beside it"
    told = (
        in_points(point.to_dense, factor=factor)
        if factor == 100
        else in_points(point.to_dense, factor=factor, digits=4)
    )
    if point.to_dense.margin is None:
        return f"{told} to dense; too few seeds for an interval"
    return f"{told} to dense" + (", a winning ticket" if point.wins else "")


def finish(figure: go.Figure, height: int) -> go.Figure:
    """Return the figure at a height in pixels, with the margins of all."""
    figure.update_layout(height=height, margin={"l": 10, "r": 10, "t": 30, "b": 10})
    return figure
