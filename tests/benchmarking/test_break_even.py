"""The break-even map: layouts of one height, and where they begin to pay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.benchmarking.break_even import (
    BreakEvenPoint,
    SyntheticLayout,
    break_even,
    measure_cell,
    pays_up_to,
    points,
    random_groups,
)
from sparselab.benchmarking.records import Row
from sparselab.benchmarking.requests import Effort, Measured
from sparselab.core.errors import SettingError


@given(st.integers(1, 60), st.integers(1, 40), st.data())
def test_groups_have_one_height_and_one_width(rows: int, cols: int, data: st.DataObject) -> None:
    height = data.draw(st.integers(1, rows))
    width = data.draw(st.integers(1, cols))
    layout = random_groups(rows, cols, height, width / cols, seed=3)
    assert {block.cols.size for block in layout.blocks} == {width}
    assert [block.rows.size for block in layout.blocks][:-1] == [height] * (len(layout.blocks) - 1)
    assert layout.after.density == pytest.approx(width / cols)
    assert random_groups(rows, cols, height, width / cols, seed=3).after == layout.after


@pytest.mark.parametrize(("height", "density"), [(0, 0.5), (9, 0.5), (4, 0.0), (4, 1.5), (4, 0.01)])
def test_what_gives_no_groups_is_refused(height: int, density: float) -> None:
    with pytest.raises(SettingError, match="groups of 1 to 8 rows"):
        random_groups(8, 8, height, density)


@pytest.mark.usefixtures("quick")
def test_a_cell_is_measured_and_found_again() -> None:
    product = SyntheticLayout(
        rows=32,
        cols=40,
        kernel="gather-gemm",
        positions=8,
        device="cpu",
        effort=Effort(rounds=8, seconds=0.1, threads=1),
    )
    found = [Measured.from_json(measure_cell(product, *cell)).session for cell in ((8, 0.1), (16, 0.1), (8, 0.5))]
    cells = points(found, "gather-gemm")
    assert [(cell.group_rows, round(cell.density, 2)) for cell in cells] == [(8, 0.1), (8, 0.5), (16, 0.1)]
    assert cells[0].limit == pytest.approx(10.0)
    assert points(found, "csr") == ()


def point(density: float, speedup: float | None) -> BreakEvenPoint:
    return BreakEvenPoint(group_rows=32, density=density, row=Row("gather-gemm", speedup_vs_dense=speedup))


def test_break_even_lies_between_the_neighbours_that_enclose_it() -> None:
    line = [point(0.4, 0.5), point(0.2, 1.0), point(0.1, 2.0)]
    assert break_even(line) == pytest.approx(0.2)
    assert break_even([point(0.4, 0.5), point(0.1, 2.0)]) == pytest.approx(0.2)
    assert break_even([point(0.4, 2.0), point(0.1, 4.0)]) is None
    assert break_even([point(0.4, 0.2), point(0.1, 0.4)]) is None
    assert break_even([point(0.4, None), point(0.3, 0.5), point(0.1, 4.5)]) == pytest.approx(
        np.exp(np.log(0.3) + np.log(2) / np.log(9) * np.log(0.1 / 0.3))
    )


def test_blocks_pay_as_far_as_every_verdict_says_so() -> None:
    def verdicts(**faster: bool) -> list[BreakEvenPoint]:
        timed = {True: (2.0, (1.9, 2.1)), False: (1.1, (0.9, 1.2))}
        rows = {
            name: Row("gather-gemm", rounds=9, speedup_vs_dense=timed[yes][0], interval=timed[yes][1])
            for name, yes in faster.items()
        }
        return [BreakEvenPoint(group_rows=32, density=float(d[1:]) / 100, row=row) for d, row in rows.items()]

    assert pays_up_to(verdicts(d5=True, d20=True, d50=False)) == 0.2
    assert pays_up_to(verdicts(d50=True, d20=False, d5=True)) == 0.05
    assert pays_up_to(verdicts(d5=False, d20=True)) is None
    assert pays_up_to([]) is None
