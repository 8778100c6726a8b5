"""A sweep as small multiples: weights kept against weights spent, and what random groups keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from sparselab.analysis.worth import Measure
from sparselab.app.looks import line_look
from sparselab.app.sweeps.lines import MOST_LINES, text_of
from sparselab.workflows.sweeps.table import Row

Charts = Mapping[Any, Mapping[str, Sequence[Row]]]
"""Rows by chart and by line."""

AXES: Mapping[Measure, str] = MappingProxyType({"coverage": "weights kept, %", "energy": "energy kept, %"})
"""What stands at the vertical axis."""

_COLUMNS = 2  # whose titles a phone is wide enough for
_HEIGHT, _TOP, _AXIS, _LEGEND_LINE = 250, 55, 60, 20


def sweep_figure(charts: Charts, measure: Measure) -> go.Figure:
    """Draw a chart a value, with the same axes, and a line of one look in all of them; of random groups a thin dotted one."""
    columns = min(_COLUMNS, len(charts))
    rows = -(-len(charts) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        shared_yaxes="all",
        shared_xaxes="all",
        subplot_titles=[escape(_short(text_of(value))) for value in charts],
        vertical_spacing=min(0.2, 0.5 / rows),
        horizontal_spacing=0.03,
    )
    names = list(dict.fromkeys(line for lines in charts.values() for line in lines))[:MOST_LINES]
    shown: set[str] = set()
    for place, lines in enumerate(charts.values()):
        at = {"row": place // columns + 1, "col": place % columns + 1}
        for name in (each for each in names if each in lines):
            for trace in _traces(name, names.index(name) + 1, lines[name], measure, is_first=name not in shown):
                figure.add_trace(trace, **at)
            shown.add(name)
    figure.update_annotations(font_size=13)
    figure.update_xaxes(rangemode="tozero", title_standoff=4)
    for column in range(1, columns + 1):
        figure.update_xaxes(title_text="weights spent, %", row=rows, col=column)
    figure.update_yaxes(rangemode="tozero")
    figure.update_yaxes(col=1, title_text=AXES[measure])
    charts_high = _HEIGHT * rows
    figure.update_layout(
        height=charts_high + _TOP + _LEGEND_LINE * len(names),
        margin={"l": 10, "r": 10, "t": _TOP, "b": 10},
        # Below the charts, where its lines push them up: above, the buttons that Plotly lays over a chart would hide it on a phone.
        legend={"orientation": "h", "y": -_AXIS / charts_high, "yanchor": "top"},
    )
    return figure


def in_words(charts: Charts, measure: Measure) -> str:
    """Return what the charts show, for who does not see them."""
    points = sum(len(rows) for lines in charts.values() for rows in lines.values())
    lines = len({line for each in charts.values() for line in each})
    told = f"{_count(len(charts), 'chart')} of {AXES[measure].partition(',')[0]} against weights spent"
    return f"{told}, with {_count(lines, 'line')} and {_count(points, 'point')}; the table below has them all"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _traces(name: str, look_of: int, rows: Sequence[Row], measure: Measure, *, is_first: bool) -> list[go.Scatter]:
    look = line_look(look_of)
    spent = [100 * float(row["density_after"]) for row in rows]
    found = [
        go.Scatter(
            x=spent,
            y=[100 * float(row[measure]) for row in rows],
            name=escape(name),
            mode="lines+markers",
            line={"color": look.colour, "dash": look.dash},
            marker={"symbol": look.symbol, "size": 7},
            legendgroup=name,
            showlegend=is_first,
            text=[_hover(name, row) for row in rows],
            hovertemplate="%{text}<extra></extra>",
        )
    ]
    drawn = [
        (x, row["random_mean"])
        for x, row in zip(spent, rows, strict=True)
        if row.get("measure") == measure and row.get("random_mean") is not None
    ]
    if drawn:
        line = {"color": look.colour, "dash": "dot", "width": 1}
        y = [100 * float(mean) for _, mean in drawn]
        found.append(
            go.Scatter(
                x=[x for x, _ in drawn],
                y=y,
                mode="lines",
                line=line,
                legendgroup=name,
                showlegend=False,
                hoverinfo="skip",
            )
        )
    return found


def _hover(name: str, row: Row) -> str:
    share = "a share unknown" if row.get("coverage") is None else f"{100 * float(row['coverage']):.1f} %"
    text = f"{escape(name)}<br>{share} of the weights kept with {100 * float(row['density_after']):.3g} % spent"
    gain = row.get("gain")
    measure = "energy" if row.get("measure") == "energy" else "weights"
    return text if gain is None else f"{text}<br>{100 * float(gain):+.1f} points of {measure} over random groups"


def _short(text: str) -> str:
    return text if len(text) <= 22 else f"{text[:9]}…{text[-12:]}"
