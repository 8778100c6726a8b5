"""What each cause says of evidence that was made up, and that it says nothing of a near miss."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sparselab.diagnosis import CAUSES, Evidence, LayerEvidence, diagnose
from sparselab.diagnosis.causes import Explanation
from sparselab.diagnosis.evidence import CUDA_24, KINDS_LEFT_DENSE, OpTime, Product, Threads
from sparselab.diagnosis.gathering.windows import windows_of
from sparselab.diagnosis.report import Diagnosis, Tried

PRODUCT = Product(dense_ms=1.0, exact_ms=0.25, floor_ms=0.1, speedup=4.0, low=3.9, high=4.1, rounds=40)
SLOW = replace(PRODUCT, exact_ms=1.5, floor_ms=0.5, speedup=0.66, low=0.6, high=0.7)
LAYER = LayerEvidence(
    name="a.weight", shape=(512, 512), density=0.1, positions=256, op="addmm", ms=1.0, product=PRODUCT
)
OTHER = LayerEvidence(name="b.weight", shape=(512, 512), density=1.0, positions=256, op="addmm", ms=1.0)
BLOCKS = replace(LAYER, how="in blocks", runs="native-sparse", op="native-sparse", ms=0.3)
EVIDENCE = Evidence(
    target="this-machine",
    layers=(LAYER, OTHER),
    total_ms=2.1,
    ops_ms=2.1,
    ops=6,
    call_ms=0.004,
    threads=Threads(used=2, cores=2, ms={1: 4.0, 2: 2.1}),
    gflops=100.0,
    gbytes=20.0,
)
GOOD = replace(EVIDENCE, layers=(BLOCKS, OTHER))
KEPT = np.tile(np.array([1, 1, 0, 0], bool), (64, 32))
BROKEN = KEPT.copy()
BROKEN[5, 8:11] = True
RANDOM = np.random.default_rng(0).random((64, 128)) < 0.5


def with_windows(kept: Any) -> Evidence:
    layer = replace(OTHER, shape=kept.shape, density=0.5, along_in=windows_of(kept, 1), along_out=windows_of(kept, 0))
    return Evidence(target=CUDA_24, layers=(layer,))


def of(layer: LayerEvidence, **more: Any) -> Evidence:
    return replace(EVIDENCE, layers=(layer, OTHER), **more)


CASES: dict[str, tuple[Evidence, Evidence]] = {
    "prune-pairs": (of(replace(LAYER, how="pruned by torch.nn.utils.prune", remade=("mul",), remade_ms=0.1)), GOOD),
    "own-mask": (of(replace(LAYER, remade=("mul",), remade_ms=0.1)), of(replace(LAYER, how="computed by Norm"))),
    "fast-path": (
        of(replace(LAYER, op="_transformer_encoder_layer_fwd"), fused=("_transformer_encoder_layer_fwd",)),
        of(replace(OTHER, op="_transformer_encoder_layer_fwd"), fused=("_transformer_encoder_layer_fwd",)),
    ),
    "compiled-blocks": (replace(GOOD, compiled=("the model",)), replace(GOOD, compiled=("b",))),
    "autocast": (
        of(replace(LAYER, dtype="bfloat16", obstacle="computes in float32"), autocast="bfloat16"),
        of(replace(LAYER, obstacle="runs on the CPU", float32_obstacle="runs on the CPU")),
    ),
    "threads": (
        replace(GOOD, threads=Threads(used=8, cores=2, ms={1: 3.0, 2: 2.1, 8: 9.0})),
        replace(GOOD, threads=Threads(used=1, cores=2, ms={1: 3.0, 2: 2.1})),
    ),
    "wrong-axis": (with_windows(KEPT.T.copy()), with_windows(KEPT)),
    "broken-window": (with_windows(BROKEN), with_windows(KEPT)),
    "no-pattern": (with_windows(RANDOM), with_windows(BROKEN)),
    "hardware-shape": (with_windows(KEPT[:40, :40]), with_windows(KEPT)),
    "small-share": (replace(EVIDENCE, ops_ms=20.0, total_ms=20.0), replace(EVIDENCE, ops_ms=4.0)),
    "cannot-pay": (replace(EVIDENCE, call_ms=0.3), EVIDENCE),
    "memory-bound": (
        of(replace(LAYER, shape=(4096, 4096), positions=1, ms=4.0), ops_ms=5.0),
        of(replace(LAYER, positions=256)),
    ),
    "break-even": (of(replace(LAYER, product=SLOW)), of(replace(LAYER, product=PRODUCT))),
    "zeros-multiplied": (EVIDENCE, GOOD),
    **{kind: (of(replace(LAYER, kind=kind)), of(replace(LAYER, kind=kind, ms=0.1))) for kind in KINDS_LEFT_DENSE},
}


@pytest.mark.parametrize("name", CAUSES)
def test_a_cause_finds_its_own_and_not_the_near_miss(name: str) -> None:
    fault, healthy = CASES[name]
    found = {finding.cause: finding for finding in diagnose(fault)}
    assert name in found
    assert found[name].title == CAUSES[name].title
    assert name not in {finding.cause for finding in diagnose(healthy)}


def test_what_undoes_the_pruning_comes_before_what_sizes_allow_and_the_larger_gain_first() -> None:
    evidence = of(replace(LAYER, remade=("mul",), remade_ms=0.5), threads=Threads(used=8, cores=2, ms={2: 1.0, 8: 5.0}))
    found = diagnose(replace(evidence, ops_ms=3.0))
    assert [finding.cause for finding in found] == ["threads", "own-mask", "zeros-multiplied"]
    ranks = [CAUSES[finding.cause].rank for finding in found]
    assert ranks == sorted(ranks)


def test_what_noise_hides_raises_no_alarm() -> None:
    """A sparse layer whose interval holds 1, and whose quickest turn was faster, is left in peace."""
    noisy = replace(PRODUCT, own_ms=0.25, low=0.2, high=9.0)
    for shape, positions in (((512, 512), 256), ((4096, 4096), 1)):
        layer = replace(BLOCKS, shape=shape, positions=positions, product=replace(noisy, dense_ms=4.0))
        assert diagnose(replace(EVIDENCE, layers=(layer, OTHER), ops_ms=2.0)) == ()


def test_no_cause_speaks_of_a_target_that_is_not_its_own() -> None:
    for fault, _ in CASES.values():
        for finding in diagnose(fault):
            assert fault.target in CAUSES[finding.cause].targets


@given(share=st.floats(0.01, 0.98), gain=st.floats(1.01, 50))
def test_no_gain_of_the_pruned_layers_exceeds_the_bound(share: float, gain: float) -> None:
    layer = replace(LAYER, ms=share, product=replace(PRODUCT, dense_ms=1.0, exact_ms=1 / gain))
    evidence = replace(EVIDENCE, layers=(layer,), ops_ms=1.0)
    assert evidence.share == pytest.approx(share)
    faster = 1.0 / (1 - share + share / gain)
    assert faster <= evidence.bound + 1e-9
    for finding in diagnose(evidence):
        assert finding.gain is None or finding.gain <= evidence.bound + 1e-6


@given(
    kept=arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3))), axis=st.sampled_from((0, 1))
)
def test_windows_are_those_counted_one_by_one(kept: np.ndarray, axis: int) -> None:
    moved = np.moveaxis(kept, axis, -1)
    places = [
        (*index, start)
        for index in np.ndindex(*moved.shape[:-1])
        for start in range(0, moved.shape[-1], 4)
        if moved[index][start : start + 4].sum() > 2
    ]
    found = windows_of(kept, axis)
    assert found.broken == len(places)
    if places:
        *index, start = places[0]
        index.insert(axis, start)
        assert found.first == (index[0], index[1] * kept.shape[2] + index[2])


def test_evidence_is_plain_values() -> None:
    import json

    text = json.dumps(replace(EVIDENCE, kernels=(OpTime(name="addmm", ms=1.0, calls=2),)).as_json(), allow_nan=False)
    assert json.loads(text)["layers"][0]["product"]["exact_ms"] == PRODUCT.exact_ms


def test_what_a_busy_machine_left_open_is_called_undecided_and_no_cause() -> None:
    open_ = replace(PRODUCT, exact_ms=36.0, dense_ms=1.6, speedup=0.9, low=0.2, high=16.0)
    layer = replace(LAYER, product=open_)
    busy = replace(EVIDENCE, layers=(layer,), is_busy=True)
    assert not open_.does_not_pay
    assert "break-even" not in {finding.cause for finding in diagnose(busy)}
    report = Diagnosis(evidence=busy, findings=())
    assert "Undecided: other programs used the processor meanwhile" in report.paragraph
    assert "--threads 1" in report.paragraph
    assert "Nothing is wrong" not in report.paragraph


def test_the_paragraph_leads_with_what_was_measured_and_loses_no_finding() -> None:
    pairs = Explanation(
        sentence="Pairs.", lines=(), cure="Remove them.", basis="seen", gain=1.02, trial="exact", title="A"
    )
    zeros = Explanation(
        sentence="Zeros.", lines=(), cure="Convert.", basis="measured", trial="exact", title="Zeros too"
    )
    open_ = Tried(name="exact", title="converted", before_ms=3, after_ms=3, speedup=1.1, low=0.4, high=9.0, rounds=9)
    thread = replace(open_, name="one-thread", title="one thread", speedup=15.0, low=4.0, high=21.0)
    told = Diagnosis(evidence=EVIDENCE, findings=(pairs, zeros), tried=(open_, thread)).paragraph
    assert told.index("one thread") < told.index("Remove them.")
    assert "Cheapest cure" not in told
    assert "Zeros too" in told
    decided = replace(open_, speedup=2.0, low=1.9, high=2.1)
    assert "Cheapest cure: Remove them." in Diagnosis(evidence=EVIDENCE, findings=(pairs,), tried=(decided,)).paragraph


def test_a_pass_that_waits_outside_torch_is_no_matter_of_weights() -> None:
    waits = replace(EVIDENCE, total_ms=100.0)
    assert diagnose(waits)[0].cause == "small-share"
    assert "no operation of torch" in diagnose(waits)[0].sentence
    busy = replace(waits, is_busy=True)
    assert "small-share" not in {finding.cause for finding in diagnose(busy)}, "others had the processor meanwhile"
    noisy = replace(EVIDENCE, total_ms=5 * EVIDENCE.ops_ms)
    assert "small-share" not in {finding.cause for finding in diagnose(noisy)}


def test_what_was_tried_and_faster_is_told_though_no_cause_was_found() -> None:
    tried = Tried(name="exact", title="converted", before_ms=3, after_ms=1, speedup=3.0, low=2.8, high=3.2, rounds=9)
    told = Diagnosis(evidence=EVIDENCE, findings=(), tried=(tried,)).paragraph
    assert "Measured here: converted: 3.0x faster" in told
    assert "Nothing is wrong" not in told
