"""No two lines or points of a chart look alike."""

from __future__ import annotations

from sparselab.app.charts import curves_figure
from sparselab.app.looks import line_look, point_symbol
from sparselab.app.training.charts import NAMES, style_of
from sparselab.workflows.compare import contenders, curve_contenders


def test_looks_differ_in_colour_and_without_it() -> None:
    looks = [line_look(place) for place in range(42)]
    assert len({(look.colour, look.dash) for look in looks}) == len(looks)
    assert len({(look.dash, look.symbol) for look in looks}) == len(looks)
    symbols = [point_symbol(place) for place in range(22)]
    assert len(set(symbols)) == len(symbols)


def test_every_contender_of_compare_is_drawn_in_a_look_of_its_own() -> None:
    # As curves and as points, whatever comes to be registered.
    titles = [item.title for item in (*curve_contenders(), *contenders(0.1))]
    figure = curves_figure(
        [(f"{title}", [(0.1, 0.5)]) for title in titles], [(title, 0.1, 0.5) for title in titles], 0.1
    )
    assert len(figure.data) == 2 * len(titles)
    drawn = [
        (trace.mode, trace.line.color, trace.line.dash) if "lines" in trace.mode else (trace.mode, trace.marker.symbol)
        for trace in figure.data[: 2 * len(titles)]
    ]
    lines, points = drawn[: len(titles)], drawn[len(titles) :]
    assert len(set(lines)) == len(lines)
    assert len(set(points)) == min(len(points), 22)


def test_every_method_of_a_training_has_a_style_of_its_own() -> None:
    styles = [style_of(name + refined) for name in NAMES.values() for refined in ("", ", refined")]
    seen = {(style["line"]["color"], style["line"]["dash"], style["marker"]["symbol"]) for style in styles}
    assert len(seen) == len(styles)
