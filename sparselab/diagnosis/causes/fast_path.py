"""torch's fast path of a transformer's encoder reads weights and calls no layer."""

from __future__ import annotations

from sparselab.diagnosis.causes.base import UNDOES, Cause, Explanation, named
from sparselab.diagnosis.evidence import Evidence

OPERATION = "_transformer_encoder_layer_fwd"


def _judge(evidence: Evidence) -> Explanation | None:
    read = [layer for layer in evidence.pruned if layer.op == OPERATION and not layer.kind]
    passed_by = [layer for layer in evidence.layers if layer.how == "in blocks" and not layer.is_called]
    if not read and not (passed_by and evidence.fused):
        return None
    lines = [f"{layer.name}: read as a dense weight by {OPERATION}; its module was not called" for layer in read]
    lines += [f"{layer.name}: a sparse layer that nothing called" for layer in passed_by]
    ms = sum(layer.ms for layer in read)
    return Explanation(
        sentence=f"{named([*read, *passed_by])}: in inference, nn.TransformerEncoderLayer hands its weights to one dense operation and "
        "calls none of its layers, so neither a mask nor a sparse layer in it is ever used.",
        lines=tuple(lines),
        gain=evidence.ops_ms / max(evidence.ops_ms - ms, 1e-9) if evidence.ops_ms else None,
        cure="sparselab.convert(model) swaps the layers and has the encoder call them; by hand: encoder_layer.activation_relu_or_gelu "
        "= 0 keeps torch from its fast path.",
        trial="exact",
        basis="seen",
        layers=tuple(layer.name for layer in (*read, *passed_by)),
    )


CAUSE = Cause(title="torch's fast path reads the weights and calls no layer", judge=_judge, rank=UNDOES)
