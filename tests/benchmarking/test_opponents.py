"""Whether structure pays: the sentence follows from the intervals, and the opponent is the mask before the transform."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sparselab.benchmarking.break_even import exact_row, structure_ratio, structure_shown, structured_row
from sparselab.benchmarking.measurement import measure
from sparselab.benchmarking.records import Row, Session
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.kernels.base import Work


def row(kernel: str, speedup: float, role: str = "kernel", spread: float = 0.01) -> Row:
    interval = (speedup * (1 - spread), speedup * (1 + spread))
    return Row(kernel, role, median_ms=10 / speedup, speedup_vs_dense=speedup, interval=interval, rounds=20)


def session(*rows: Row) -> Session:
    return Session(
        rows=rows, shape=(8, 8), input_shape=(8, 4), positions=4, dtype="float32", threads=1, density=0.2, date="2026"
    )


@pytest.mark.parametrize(
    ("blocks", "exact", "spread", "told"),
    [
        (6.5, 5.0, 0.01, "structure pays here: 1.30x over the exact product"),
        (4.0, 5.0, 0.01, "structure does not pay here: the exact product is 1.25x faster"),
        (5.1, 5.0, 0.1, "not decided whether"),
    ],
)
def test_the_sentence_follows_from_the_intervals(blocks: float, exact: float, spread: float, told: str) -> None:
    found = session(row("native-blocks", blocks, spread=spread), row("native-sparse", exact, "exact", spread))
    assert structure_shown(found).startswith(told)
    ratio = structure_ratio(found)
    assert ratio is not None
    assert ratio.low < blocks / exact < ratio.high


def test_the_opponent_is_the_mask_before_where_it_was_measured() -> None:
    both = session(row("native-blocks", 6.0), row("native-sparse", 7.0), row("native-sparse", 3.0, "exact"))
    assert exact_row(both).role == "exact"
    assert structured_row(both).kernel == "native-blocks"
    assert exact_row(session(row("native-sparse", 7.0))).role == "kernel"
    for without in (session(row("native-blocks", 6.0)), session(row("native-sparse", 6.0)), session(row("csr", 1.0))):
        assert structure_shown(without) == ""
    never = replace(row("native-sparse", 1.0), median_ms=None, obstacle="no compiler")
    assert structure_shown(session(row("native-blocks", 6.0), never)) == ""


def test_a_session_measures_the_mask_before_beside_the_layout() -> None:
    rng = np.random.default_rng(0)
    before = Mask(rng.random((32, 48)) < 0.2)
    layout = Layout.from_blocks(before, [Block(np.arange(16), np.arange(30))], reason="")
    work = Work(layout, rng.standard_normal((32, 48), dtype=np.float32), (48, 20))
    found = measure(work, ["native-blocks", "native-sparse"], rounds=8, seconds=0.2)
    assert [r.kernel for r in found.rows if r.role == "exact"] == ["native-sparse"]
    assert exact_row(found).max_error < 1e-4
    assert "exact" in structure_shown(found)
    again = Session.from_json(found.as_json())
    assert structure_shown(again) == structure_shown(found)
    unchanged = replace(work, layout=Layout.masked(before, before, reason="as it is"))
    assert not [r for r in measure(unchanged, ["native-sparse"], rounds=8, seconds=0.2).rows if r.role == "exact"]
