"""Whether structure pays: the sentence follows from the intervals, and the opponent is the mask before the transform."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.benchmarking.break_even import exact_row, structure_shown, structure_verdict, structured_row
from sparselab.benchmarking.measurement import measure
from sparselab.benchmarking.records import Row, Session
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.kernels.base import Work


def row(kernel: str, speedup: float, role: str = "kernel", spread: float = 0.01) -> Row:
    interval = (speedup * (1 - spread), speedup * (1 + spread))
    return Row(kernel, role, median_ms=10 / speedup, speedup_vs_dense=speedup, interval=interval, rounds=20)


def session(*rows: Row, **opponents: dict[str, str]) -> Session:
    return Session(
        rows=(row("dense", 1.0, "baseline"), *rows),
        shape=(8, 8),
        input_shape=(8, 4),
        positions=4,
        dtype="float32",
        threads=1,
        density=0.2,
        date="2026",
        protocol={"opponents": opponents} if opponents else {},
    )


HALF = {"half": {"in_words": "dense in half", "arithmetic": "bfloat16"}}
OTHER = {"other": {"in_words": "another dense", "arithmetic": "float32"}}


@pytest.mark.parametrize(
    ("half", "other", "told"),
    [
        (3.0, 1.1, "structure pays here: 1.20x over the exact product, the best of 4 opponents ("),
        (3.0, 5.5, "structure pays here: 1.09x over another dense, the best of 4 opponents ("),
        (3.0, 9.0, "structure does not pay here: another dense is 1.50x faster (1."),
        (7.5, 1.1, "structure does not pay here: dense in half is 1.25x faster (1."),
    ],
)
def test_the_sentence_names_the_best_of_all_opponents(half: float, other: float, told: str) -> None:
    blocks, exact = row("native-blocks", 6.0), row("native-sparse", 5.0, "exact")
    found = session(blocks, exact, row("half", half, "opponent"), row("other", other, "opponent"), **HALF, **OTHER)
    said = structure_shown(found)
    assert said.startswith(told)
    own = "; in the same arithmetic structure pays: 1.20x over the exact product"
    assert (own in said) == (half > max(other, 5.0))
    assert "the best of 4 opponents" in said


def test_an_opponent_without_a_time_is_no_opponent() -> None:
    missing = replace(row("half", 9.0, "opponent"), median_ms=None, obstacle="not installed")
    found = session(row("native-blocks", 6.0), row("native-sparse", 5.0, "exact"), missing, **HALF)
    assert "1.20x over the exact product, the best of 2 opponents" in structure_shown(found)


def test_old_sessions_had_two_opponents_and_keep_their_keys() -> None:
    found = session(row("native-blocks", 6.5), row("native-sparse", 5.0, "exact"))
    assert "opponents" not in found.protocol
    assert "1.30x over the exact product, the best of 2 opponents" in structure_shown(found)


@given(st.floats(0.01, 100), st.floats(0.01, 100), st.floats(0.05, 20))
def test_a_speedup_shown_is_the_quotient_of_the_times_beside_it(dense: float, ours: float, of_rounds: float) -> None:
    timed = replace(row("native-blocks", of_rounds), median_ms=ours)
    found = session(timed)
    found = replace(found, rows=(replace(found.rows[0], median_ms=dense), timed))
    shown = found.shown(timed)
    assert shown is not None
    assert shown.value == dense / ours
    assert shown.low <= min(shown.value, timed.ratio.low)
    assert shown.high >= max(shown.value, timed.ratio.high)


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
    verdict = structure_verdict(found)
    assert verdict is not None
    assert verdict.best.ratio.low < blocks / exact < verdict.best.ratio.high


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
    assert "structure" in structure_shown(found)  # which way depends on the machine's minute
    again = Session.from_json(found.as_json())
    assert structure_shown(again) == structure_shown(found)
    unchanged = replace(work, layout=Layout.masked(before, before, reason="as it is"))
    assert not [r for r in measure(unchanged, ["native-sparse"], rounds=8, seconds=0.2).rows if r.role == "exact"]
