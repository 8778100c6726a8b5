"""The cases of the GPU benchmark: what is asked for is what is timed."""

from __future__ import annotations

import pytest

from benchmarks.gpu_latency import DTYPES, Case, cases, layout_of, small
from sparselab.kernels.support.panels import panels
from sparselab.kernels.torch_ops.semi_structured import window_order

SMALL = {small(case).name: small(case) for case in cases() if case.dtype == "bfloat16"}


@pytest.mark.parametrize("case", SMALL.values(), ids=SMALL)
def test_a_case_has_the_density_and_the_groups_it_names(case: Case) -> None:
    layout = layout_of(case)
    if case.pattern == "2:4":
        assert window_order(layout) is not None
        assert layout.after.density == 0.5
        return
    share, size = 1 - int(case.pattern.split("%")[0]) / 100, int(case.pattern.split()[-1])
    assert layout.after.density == pytest.approx(share, abs=0.06)  # blocks of 64 in 256 columns round coarsely
    assert {panel.rows.size for panel in panels(layout)} == {size}


def test_every_arithmetic_is_asked_for() -> None:
    assert {case.dtype for case in cases()} == set(DTYPES)
    assert len({case.name for case in cases()}) == len(list(cases()))
