"""What views of lessons say of themselves as a reader turns them."""

from __future__ import annotations

import numpy as np
import pytest

from sparselab.lessons.views.curves import CurvesView, _look, _points, short_name

SERIES = tuple(sorted({point.series for point in _points()}))


@pytest.mark.parametrize("series", [("Refill", "Refill+", "RigL"), ("DSB", "RigL"), SERIES])
def test_curves_are_read_wherever_their_control_goes(series: tuple[str, ...]) -> None:
    low, high = CurvesView(series, 0.4).limits["kept"]
    reads = set()
    for kept in np.linspace(low, high, 9):
        view = CurvesView(series, float(kept))
        facts, readings = view.facts(), view.readings()
        for name, line in zip(series, readings, strict=True):
            assert line.startswith(f"**{name}**")
            is_near = f"accuracy_{short_name(name)}" in facts
            assert ("left out" in line) != is_near
            assert str(facts.get(f"verdict_{short_name(name)}", "left out")) in line
            reads.add(is_near)
        assert view.drawing("")
    assert True in reads


def test_a_series_has_one_look_everywhere_and_no_other_has_it() -> None:
    assert len({_look(name) for name in SERIES}) == len(SERIES)
    alone, among = (CurvesView(series, 0.5).drawing("") for series in (("Regroup",), ("IMP (unstructured)", "Regroup")))
    assert all(_look("Regroup")[0] in drawing for drawing in (alone, among))
