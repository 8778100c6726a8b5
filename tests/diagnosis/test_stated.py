"""What is said of a layer that was not measured: the nearest product's word, of this device before all others."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sparselab.benchmarking.csv_table import stored_results
from sparselab.diagnosis.evidence import LayerEvidence
from sparselab.diagnosis.stated import modelled, state

SESSIONS = [session for session in stored_results() if session.dtype == "float32"]
LAYER = LayerEvidence(name="a", shape=(512, 4608), density=0.1, positions=1024)
SIZES = st.integers(1, 10**5)


@given(SIZES, SIZES, SIZES)
def test_a_model_is_of_a_measured_product_near_by_or_there_is_none(rows: int, cols: int, positions: int) -> None:
    layer = replace(LAYER, shape=(rows, cols), positions=positions)
    found = modelled(layer, SESSIONS[:80], "")
    if found is not None:
        ratios = [rows / found.shape[0], cols / found.shape[1], positions / found.positions]
        factor = 1.0
        for ratio in ratios:
            factor *= max(ratio, 1 / ratio)
        assert factor <= 64 * (1 + 1e-9)
        assert (found.shape, found.positions) in {(each.shape, each.positions) for each in SESSIONS[:80]}


def test_a_measured_product_speaks_for_itself_and_this_device_goes_first() -> None:
    for session in {each.device["name"]: each for each in SESSIONS}.values():
        layer = replace(LAYER, shape=session.shape, positions=session.positions)
        found = modelled(layer, SESSIONS, str(session.device["name"]))
        if state(layer, [session], None).measured:
            assert found is not None
            assert (found.shape, found.positions, found.is_here) == (session.shape, session.positions, True)
    assert modelled(replace(LAYER, dtype="float64"), SESSIONS, "") is None
