"""A forward pass, a parametrization or a hook of one's own that applies a mask at every call."""

from __future__ import annotations

from sparselab.diagnosis.causes.base import UNDOES, Cause, Explanation, gain_without, ms_shown, named, saved_by_exact
from sparselab.diagnosis.causes.prune_pairs import HOW
from sparselab.diagnosis.evidence import Evidence


def _judge(evidence: Evidence) -> Explanation | None:
    layers = [layer for layer in evidence.layers if layer.remade and layer.how != HOW]
    if not layers and not evidence.gates:
        return None
    spent = sum(layer.remade_ms for layer in layers) + sum(gate.ms for gate in evidence.gates)
    lines = [
        f"{layer.name}: made anew by {', '.join(layer.remade)} at every call: {ms_shown(layer.remade_ms)} beside "
        f"{ms_shown(layer.ms)} of the product" + (f"; its weight is {layer.how}" if layer.how else "")
        for layer in layers
    ]
    lines += [
        f"activations are multiplied by {gate.name}, zeros and ones, after they were computed"
        for gate in evidence.gates
    ]
    what = named(layers) if layers else ", ".join(gate.name for gate in evidence.gates)
    return Explanation(
        sentence=f"{what}: a mask is multiplied at every call, and the dense product runs on what comes out: pruning adds work and "
        "takes none away.",
        lines=tuple(lines),
        gain=gain_without(evidence, spent + saved_by_exact(layers)),
        cure="Apply the mask once (weight.data.mul_(mask), or torch.nn.utils.parametrize.remove_parametrizations), and let the "
        "forward pass use the weight as it is; then sparselab.convert(model) runs the kept weights alone. Channels that a mask "
        "sets to zero can be cut away instead.",
        trial="exact" if any("computed by" in layer.how for layer in layers) else "",
        basis="seen",
        layers=tuple(layer.name for layer in layers),
    )


CAUSE = Cause(title="A mask of your own is applied at every call", judge=_judge, rank=UNDOES)
