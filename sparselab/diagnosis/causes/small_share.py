"""Amdahl: little of the time is in the layers that were pruned."""

from __future__ import annotations

from sparselab.diagnosis.causes.base import SIZE, Cause, Explanation, calls_dominate, ms_shown, named, share_shown
from sparselab.diagnosis.evidence import ONNXRUNTIME, THIS_MACHINE, Evidence

LEAST_SHARE = 0.15


def _judge(evidence: Evidence) -> Explanation | None:
    pruned = evidence.pruned
    if not pruned or not evidence.ops_ms or evidence.share >= LEAST_SHARE or calls_dominate(evidence):
        return None
    others = sorted((layer for layer in evidence.layers if not layer.is_pruned), key=lambda layer: -layer.ms)[:3]
    lines = [
        f"all operations: {ms_shown(evidence.ops_ms)}; pruned layers: {ms_shown(sum(each.dense_ms for each in pruned))}"
    ]
    lines += [f"not pruned: {layer.name}, {ms_shown(layer.ms)}" for layer in others]
    where = f" Most of it is in {others[0].name}." if others else ""
    return Explanation(
        sentence=f"{named(pruned)} {'have' if len(pruned) > 1 else 'has'} {share_shown(evidence.share)} of the time: if that took no "
        f"time at all, the model would be {evidence.bound:.2f}x as fast.{where}",
        lines=tuple(lines),
        gain=evidence.bound,
        cure="Prune where the time is: "
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
