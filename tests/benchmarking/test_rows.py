"""Rows under several conditions, as a CUDA device gives them; no device is needed to put times into words."""

from __future__ import annotations

import numpy as np

from sparselab.benchmarking.host import Load
from sparselab.benchmarking.roofline import Roofline
from sparselab.benchmarking.rows import rows_of
from sparselab.benchmarking.timing import Timings
from sparselab.benchmarking.verdicts import Verdict
from sparselab.benchmarking.verification import Participant
from sparselab.kernels.base import Work

PARTICIPANTS = (
    Participant(name="dense", role="baseline", run=lambda x: x, error=0.0),
    Participant(name="dense", role="control", run=lambda x: x, error=0.0),
    Participant(name="triton-blocks", role="kernel", run=lambda x: x, error=0.0),
)


def test_each_condition_has_its_own_baseline_and_control(work: Work) -> None:
    milliseconds = {
        (0, "hot"): 2.0,
        (0, "cold"): 3.0,
        (1, "hot"): 2.0,
        (1, "cold"): 4.0,
        (2, "hot"): 1.0,
        (2, "cold"): 1.0,
        (2, "graph"): 0.5,
    }
    times = {key: np.full(10, value) for key, value in milliseconds.items()}
    taken = Timings(times=times, repeats=dict.fromkeys(times, 1), rounds=10, seconds=1.0)
    refused = {(0, "graph"): "it cannot be recorded"}
    loads = Load(0.0, 0.0), Load(0.0, 0.0)
    found = rows_of(
        work, participants=PARTICIPANTS, taken=taken, refused=refused, roofline=Roofline(1e9, 1e9), loads=loads, seed=0
    )
    rows = {row.label: row for row in found}
    assert len(rows) == 8
    assert rows["triton-blocks"].speedup_vs_dense == 2.0
    assert rows["triton-blocks, cold"].speedup_vs_dense == 3.0
    assert rows["dense, cold"].verdict is Verdict.BASELINE
    assert rows["dense, graph"].obstacle == "it cannot be recorded"
    assert rows["triton-blocks, graph"].speedup_vs_dense is None
    assert rows["triton-blocks, graph"].verdict is Verdict.NOT_COMPARED
    # The baseline differed from itself when cold, and only then.
    assert {label for label, row in rows.items() if "control" in row.flags} == {
        "dense, cold",
        "dense (again), cold",
        "triton-blocks, cold",
    }
