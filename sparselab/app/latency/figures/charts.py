"""Figures of latency: kernels as bars with their spread, the layers of a network, two sessions side by side."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from sparselab.app.latency.kernel_names import label_of, title_of
from sparselab.app.looks import line_look
from sparselab.benchmarking.break_even import exact_row, structured_row
from sparselab.benchmarking.records import Row, Session
from sparselab.benchmarking.statistics import Ratio
from sparselab.benchmarking.verdicts import Verdict

SPREAD = "#7f7f7f"
SPEEDUP = "speed-up: times as fast as dense"
_EXACT = "#9467BD"
_LONGEST_NAME = 28
ONE_LINE, TWO_LINES, THREE_LINES = 55, 75, 95
"""Pixels above a picture with so many lines of legend there on a phone, where Plotly's own buttons always stand at the top."""
# Colour and pattern say the same, so that neither is needed alone.
_LOOKS = {
    "dense": ("#999999", ""),
    "exact": (_EXACT, "/"),
    "opponent": ("#666666", "-"),
    "faster": ("#0072B2", ""),
    "not decided, or as fast": ("#E69F00", "."),
    "slower": ("#D55E00", "x"),
}


def bars_figure(session: Session) -> go.Figure:
    """Show the median of every kernel that was timed, its 20th to 80th percentile, and dense time x density.

    The dense product's two controls stand in the table: they say whether the figures hold, not what is fast.
    """
    rows = [row for row in session.rows if row.median_ms is not None and row.role not in ("control", "full")][::-1]
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
            line_color=SPREAD,
        )
        figure.add_annotation(
            x=session.density * baseline.median_ms,
            y=1.0,
            yref="paper",
            yanchor="bottom",
            xanchor="left",
            showarrow=False,
            text=f"dense time x density: {1 / session.density:.1f}x",
        )
    figure.update_xaxes(title_text="time, ms: median, p20 to p80;<br>x: speed-up over dense", rangemode="tozero")
    labels, shown = [label_of(row) for row in rows], [session.shown(row) for row in rows]
    # The figures stand in the axis' labels, where no bar is too long for them.
    # What holds of all rows is said once, below.
    flagged = {row.label for row in rows if {"noisy", "busy"} & set(row.flags)}
    flagged = set() if len(flagged) == len(rows) else flagged
    told = [
        f"{label_of(row)}<br><b>{_told(row, ratio)}{' · noisy' * (row.label in flagged)}</b>"
        for row, ratio in zip(rows, shown, strict=True)
    ]
    figure.update_yaxes(categoryorder="array", categoryarray=labels, tickvals=labels, ticktext=told, title_text="")
    figure.update_layout(barmode="overlay", showlegend=False)
    return finish(figure, 115 + 38 * len(rows), top=ONE_LINE)


def layers_figure(sessions: Sequence[Session]) -> go.Figure:
    """Show of every layer how many times as fast as dense its fastest structured kernel and the exact product of its mask are."""
    figure = go.Figure()
    names = [session.about.get("layer", "") for session in sessions]
    # A layer's name comes from a stranger's file: Plotly would read markup in it.
    shown = [f"{place}. {escape(name[-_LONGEST_NAME:])}" for place, name in enumerate(names, start=1)]
    for label, colour, pattern, row_of in (
        ("exact product of the mask before", _EXACT, "/", exact_row),
        ("structured, its fastest kernel", "#0072B2", "", structured_row),
    ):
        known = [(name, row_of(session)) for name, session in zip(shown, sessions, strict=True)]
        timed = [
            (name, row, ratio)
            for (name, row), session in zip(known, sessions, strict=True)
            if row is not None and (ratio := session.shown(row)) is not None
        ]
        figure.add_bar(
            name=label,
            orientation="h",
            y=[name for name, _, _ in timed],
            x=[ratio.value for _, _, ratio in timed],
            marker={"color": colour, "pattern": _pattern(pattern)},
            customdata=[title_of(row.kernel) for _, row, _ in timed],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [ratio.high - ratio.value for _, _, ratio in timed],
                "arrayminus": [ratio.value - ratio.low for _, _, ratio in timed],
                "color": SPREAD,
            },
            hovertemplate="%{y}: %{customdata}, %{x:.2f} times as fast as dense<extra></extra>",
        )
    figure.add_vline(x=1.0, line_dash="dash", line_color=SPREAD)
    figure.update_xaxes(title_text=f"{SPEEDUP} (dashed),<br>99 % interval", rangemode="tozero")
    figure.update_yaxes(categoryorder="array", categoryarray=shown[::-1], title_text="")
    figure.update_layout(
        barmode="group", legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "traceorder": "reversed"}
    )
    return finish(figure, 155 + 40 * len(sessions), top=TWO_LINES)


def compare_figure(sessions: Sequence[tuple[str, Session]]) -> go.Figure:
    """Show the medians of several sessions side by side, kernel by kernel."""
    figure = go.Figure()
    for index, (name, session) in enumerate(sessions):
        rows = [row for row in session.rows if row.median_ms is not None]
        colour = line_look(index + 1).colour
        figure.add_bar(
            name=name,
            x=[label_of(row) for row in rows],
            y=[row.median_ms for row in rows],
            marker={"color": colour, "pattern": _pattern(("", "/", "x", ".")[index % 4])},
            error_y=_spread(rows),
        )
    figure.update_yaxes(title_text="time of one run, ms", rangemode="tozero")
    figure.update_layout(barmode="group", legend={"orientation": "h", "y": -0.2, "yanchor": "top"})
    return finish(figure, 430)


def _look(row: Row) -> str:
    if row.role == "baseline":
        return "dense"
    if row.role in ("exact", "opponent"):
        return row.role
    return {Verdict.FASTER: "faster", Verdict.SLOWER: "slower"}.get(row.verdict, "not decided, or as fast")


def _pattern(shape: str) -> dict[str, object]:
    return {"shape": shape, "fillmode": "overlay", "fgcolor": "#FFFFFF", "size": 7, "solidity": 0.35}


def _told(row: Row, shown: Ratio | None) -> str:
    said = f"{row.median_ms:.4g} ms"
    if row.role in ("kernel", "exact", "opponent") and shown is not None:
        said += f" · {shown.value:.2f}x"
    return said


def _spread(rows: Sequence[Row]) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [(row.p80_ms or 0.0) - (row.median_ms or 0.0) for row in rows],
        "arrayminus": [(row.median_ms or 0.0) - (row.p20_ms or 0.0) for row in rows],
        "color": SPREAD,
        "thickness": 2,
    }


def finish(figure: go.Figure, height: int, *, top: int = 30) -> go.Figure:
    """Return a figure of a height in pixels, with margins that leave a phone's width to the picture; top: above it."""
    figure.update_layout(height=height, margin={"l": 10, "r": 10, "t": top, "b": 10})
    return figure
