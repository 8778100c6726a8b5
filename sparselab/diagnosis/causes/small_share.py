"""Amdahl: little of the time is in the layers that were pruned."""

from __future__ import annotations

from sparselab.diagnosis.causes.base import SIZE, Cause, Explanation, calls_dominate, ms_shown, named, share_shown
from sparselab.diagnosis.evidence import ONNXRUNTIME, THIS_MACHINE, Evidence

LEAST_SHARE = 0.15
LEAST_INSIDE = 0.1
"""Where operations of torch have a smaller share of a pass, the pass waits for something else, and no noise explains that."""


def outside_ms(evidence: Evidence) -> float:
    """Return the milliseconds of a pass that are in no operation of torch, where these are nearly all of it; else 0. The operations are those of
    the quickest pass, so that on a busy machine nothing follows: 0."""
    if evidence.is_busy:
        return 0.0
    outside = evidence.total_ms - evidence.ops_ms
    return outside if evidence.ops_ms < LEAST_INSIDE * evidence.total_ms else 0.0


def _judge(evidence: Evidence) -> Explanation | None:
    pruned = evidence.pruned
    if not pruned or not evidence.ops_ms or calls_dominate(evidence):
        return None
    outside = outside_ms(evidence)
    share = evidence.share * evidence.ops_ms / (evidence.ops_ms + outside)
    if share >= LEAST_SHARE:
        return None
    bound = 1 / (1 - share)
    others = sorted((layer for layer in evidence.layers if not layer.is_pruned), key=lambda layer: -layer.ms)[:3]
    lines = [
        f"all operations: {ms_shown(evidence.ops_ms)}; pruned layers: {ms_shown(sum(each.dense_ms for each in pruned))}"
    ]
    lines += [f"not pruned: {layer.name}, {ms_shown(layer.ms)}" for layer in others]
    where = f" Most of it is in {others[0].name}." if others else ""
    if outside:
        lines.append(f"in no operation of torch: {ms_shown(outside)} of a pass of {ms_shown(evidence.total_ms)}")
        where = " Most of it is in no operation of torch: Python, loading or waiting."
    return Explanation(
        sentence=f"{named(pruned)} {'have' if len(pruned) > 1 else 'has'} {share_shown(share)} of the time: if that took no "
        f"time at all, the model would be {bound:.2f}x as fast.{where}",
        lines=tuple(lines),
        gain=bound,
        cure="Mend what the pass waits for: no weight has a part in it."
        if outside
        else "Prune where the time is: "
        + (
            f"{', '.join(layer.name for layer in others)}."
            if others
            else "the operations at the top of the list of kernels."
        ),
        basis="measured",
        layers=tuple(layer.name for layer in pruned),
    )


CAUSE = Cause(
    title="Little of the time is in the pruned layers", judge=_judge, rank=SIZE, targets=(THIS_MACHINE, ONNXRUNTIME)
)
