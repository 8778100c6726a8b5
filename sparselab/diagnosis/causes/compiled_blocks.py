"""torch.compile traces through sparse layers, which then run as dense tensor operations."""

from __future__ import annotations

from sparselab.diagnosis.causes.base import UNDOES, Cause, Explanation, named
from sparselab.diagnosis.evidence import THIS_MACHINE, Evidence


def _judge(evidence: Evidence) -> Explanation | None:
    parts = [part for part in evidence.compiled if part != WHOLE]
    inside = [
        layer
        for layer in evidence.layers
        if layer.how == "in blocks" and (len(parts) < len(evidence.compiled) or any(map(layer.name.startswith, parts)))
    ]
    if not inside:
        return None
    return Explanation(
        sentence=f"{named(inside)}: torch.compile traces through layers of blocks, which it sees as tensor operations: the kernel that "
        "skips zeros is not called.",
        lines=(
            f"under torch.compile: {', '.join(evidence.compiled)}",
            *(f"{layer.name}: {layer.runs} runs it when it is not compiled" for layer in inside),
        ),
        cure="Run the converted model without torch.compile, or compile the other parts of it alone.",
        trial="eager",
        basis="seen",
        layers=tuple(layer.name for layer in inside),
    )


WHOLE = "the model"
CAUSE = Cause(title="torch.compile undoes the sparse layers", judge=_judge, rank=UNDOES, targets=(THIS_MACHINE,))
