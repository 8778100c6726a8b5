"""The type in which a layer is multiplied is one that no exact kernel here runs."""

from __future__ import annotations

from sparselab.diagnosis.causes.base import UNDOES, Cause, Explanation, named
from sparselab.diagnosis.evidence import THIS_MACHINE, Evidence


def _judge(evidence: Evidence) -> Explanation | None:
    layers = [layer for layer in evidence.pruned if layer.obstacle and not layer.float32_obstacle]
    if not layers:
        return None
    types = sorted({layer.dtype for layer in layers})
    how = f"autocast multiplies in {evidence.autocast}" if evidence.autocast else f"the model is in {', '.join(types)}"
    return Explanation(
        sentence=f"{named(layers)}: {how}, a type that no exact kernel here runs, so the dense product runs.",
        lines=tuple(
            f"{layer.name}: stored as {layer.stored}, multiplied as {layer.dtype}; the exact kernel {layer.obstacle}"
            for layer in layers
        ),
        cure="Keep these layers in float32 (leave autocast there, or model.float()) and let sparselab.convert run them; where dense "
        "in the shorter type is faster still, which is timed below, keep that and the zeros cost nothing.",
        trial="float32",
        basis="seen",
        layers=tuple(layer.name for layer in layers),
    )


CAUSE = Cause(
    title="The type it is multiplied in has no exact kernel", judge=_judge, rank=UNDOES, targets=(THIS_MACHINE,)
)
