"""At few positions the time goes to reading the weights, zeros too."""

from __future__ import annotations

from sparselab.diagnosis.causes.base import SIZE, Cause, Explanation, calls_dominate, ms_shown, named
from sparselab.diagnosis.causes.small_share import LEAST_SHARE
from sparselab.diagnosis.evidence import THIS_MACHINE, Evidence, LayerEvidence

MOST_POSITIONS = 8
LEAST_READING = 0.3
"""Reading the weights takes at least this share of the dense product's time."""


def reading_ms(evidence: Evidence, layer: LayerEvidence) -> float:
    """Return what reading the dense weight once takes at the bandwidth measured here."""
    size = 2 if layer.dtype in ("float16", "bfloat16") else 4
    return size * layer.shape[0] * layer.shape[1] / (evidence.gbytes or 1e9) / 1e6


def _judge(evidence: Evidence) -> Explanation | None:
    if evidence.gflops is None or not evidence.gbytes or calls_dominate(evidence) or evidence.share < LEAST_SHARE:
        return None
    ridge = evidence.gflops / evidence.gbytes
    layers = [
        layer
        for layer in evidence.pruned
        if 0 < layer.positions <= MOST_POSITIONS
        and layer.intensity < ridge
        and reading_ms(evidence, layer) >= LEAST_READING * layer.dense_ms > 0
        and (not layer.is_sparse_run or (layer.product is not None and layer.product.does_not_pay))
    ]
    if not layers:
        return None
    spent = sum(layer.dense_ms for layer in layers)
    return Explanation(
        sentence=f"{named(layers)}: at {max(layer.positions for layer in layers)} position"
        f"{'s' * (max(layer.positions for layer in layers) != 1)} the time goes to reading the weights, not to multiplying them, and "
        "zeros are read like all others.",
        lines=(
            f"this machine: {evidence.gflops:.0f} GFLOP/s and {evidence.gbytes:.1f} GB/s; below {ridge:.1f} operations a byte memory decides",
            *(
                f"{layer.name}: {layer.intensity:.2g} operations a byte; reading {layer.shape[0]} x {layer.shape[1]} takes "
                f"{ms_shown(reading_ms(evidence, layer))} at that bandwidth, the product {ms_shown(layer.dense_ms)}"
                for layer in layers
            ),
        ),
        gain=evidence.ops_ms / max(evidence.ops_ms - spent, 1e-9),
        cure="Read fewer bytes: sparselab.convert(model) stores the kept weights alone, a shorter type halves them, more positions in "
        "one call (a larger batch) share one reading.",
        trial="exact",
        basis="measured",
        layers=tuple(layer.name for layer in layers),
    )


CAUSE = Cause(title="Few positions: memory decides, not products", judge=_judge, rank=SIZE, targets=(THIS_MACHINE,))
