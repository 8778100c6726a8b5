"""torch.nn.utils.prune keeps weight and mask apart, and multiplies them before every call."""

from __future__ import annotations

from sparselab.diagnosis.causes.base import UNDOES, Cause, Explanation, gain_without, ms_shown, named, saved_by_exact
from sparselab.diagnosis.evidence import Evidence

HOW = "pruned by torch.nn.utils.prune"


def _judge(evidence: Evidence) -> Explanation | None:
    layers = [layer for layer in evidence.layers if layer.how == HOW]
    if not layers:
        return None
    spent = sum(layer.remade_ms for layer in layers)
    return Explanation(
        sentence=f"{named(layers)}: the mask was never made permanent, so every call multiplies weight and mask first and then "
        "runs the dense product as before.",
        lines=tuple(
            f"{layer.name}: weight_orig x weight_mask, {layer.shape[0]} x {layer.shape[1]}, at every call"
            + (f": {ms_shown(layer.remade_ms)} beside {ms_shown(layer.ms)} of the product" if layer.remade_ms else "")
            for layer in layers
        ),
        gain=gain_without(evidence, spent + saved_by_exact(layers)),
        cure='torch.nn.utils.prune.remove(module, "weight") makes it a plain weight; sparselab.convert(model) does so and runs '
        "the kept weights alone.",
        trial="exact",
        basis="seen",
        layers=tuple(layer.name for layer in layers),
    )


CAUSE = Cause(title="The pruning pairs were never removed", judge=_judge, rank=UNDOES)
