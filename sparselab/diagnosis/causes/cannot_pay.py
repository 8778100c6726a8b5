"""The whole model is so small that calling its operations is what takes the time."""

from __future__ import annotations

from sparselab.diagnosis.causes.base import SIZE, Cause, Explanation, calls_dominate, ms_shown, named
from sparselab.diagnosis.evidence import THIS_MACHINE, Evidence


def _judge(evidence: Evidence) -> Explanation | None:
    if not evidence.pruned or not calls_dominate(evidence):
        return None
    each = evidence.ops_ms / evidence.ops
    return Explanation(
        sentence=f"Nothing is wrong: it cannot pay at this size. {named(evidence.pruned)} "
        f"{'are' if len(evidence.pruned) > 1 else 'is'} part of {evidence.ops} operations that take {ms_shown(each)} each on average, "
        f"and calling one on a single number takes {ms_shown(evidence.call_ms)}.",
        lines=(
            f"{evidence.ops} operations, {ms_shown(evidence.ops_ms)} in all; a whole pass {ms_shown(evidence.total_ms)}",
            f"an operation on one number: {ms_shown(evidence.call_ms)}",
        ),
        gain=1.0,
        cure="Nothing to mend: larger batches, torch.compile or CUDA graphs save calls; fewer weights save nothing here.",
        basis="measured",
        layers=tuple(layer.name for layer in evidence.pruned),
    )


CAUSE = Cause(title="It cannot pay at this size", judge=_judge, rank=SIZE, targets=(THIS_MACHINE,))
