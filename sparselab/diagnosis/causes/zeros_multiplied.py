"""The weights are zero, and a dense kernel multiplies zeros as fast as any number."""

from __future__ import annotations

from sparselab.diagnosis.causes.base import (
    NOTHING_RUNS_IT,
    Cause,
    Explanation,
    calls_dominate,
    ms_shown,
    named,
    saved_by_exact,
    share_shown,
)
from sparselab.diagnosis.evidence import ONNXRUNTIME, THIS_MACHINE, Evidence, LayerEvidence

LEAST_GAIN = 1.1


def _judge(evidence: Evidence) -> Explanation | None:
    layers = [layer for layer in evidence.pruned if _is_left_dense(layer, evidence.target)]
    saved = saved_by_exact(layers)
    gain = evidence.ops_ms / max(evidence.ops_ms - saved, 1e-9) if evidence.ops_ms else None
    here = evidence.target == THIS_MACHINE
    if not layers or calls_dominate(evidence) or (here and (gain is None or gain < LEAST_GAIN)):
        return None
    empty = [layer for layer in layers if layer.zero_rows or layer.zero_cols]
    runtime = "" if here else " onnxruntime has no product that skips zeros (rule)."
    cut = " Whole rows or columns are zero: cut away, they leave a smaller dense layer." if empty else ""
    return Explanation(
        sentence=f"{named(layers)}: the weights are zero and a dense kernel multiplies them all: it takes as long for a zero as for any "
        f"number.{runtime}",
        lines=tuple(_line(layer) for layer in layers),
        gain=gain if here else None,
        cure=(
            "sparselab.convert(model) runs the kept weights alone."
            if here
            else "Give the weights a form that a dense kernel gains from: whole channels cut away; or run it by sparselab.convert in torch."
        )
        + cut,
        trial="exact" if here else "",
        basis="measured" if here else "rule",
        layers=tuple(layer.name for layer in layers),
    )


def _is_left_dense(layer: LayerEvidence, target: str) -> bool:
    """Whether a dense kernel runs a layer that a sparse one could; fused operations read weights that nothing can be swapped for."""
    can_run = target != THIS_MACHINE or not layer.obstacle
    return can_run and not layer.is_sparse_run and not layer.op.startswith("_")


def _line(layer: LayerEvidence) -> str:
    told = f"{layer.name}: {share_shown(layer.density)} kept, multiplied by {layer.op}, {ms_shown(layer.ms)}"
    if layer.product is not None and layer.product.best_ms is not None:
        told += f"; alone: dense {ms_shown(layer.product.dense_ms)}, exact {ms_shown(layer.product.best_ms)}"
    if layer.zero_rows or layer.zero_cols:
        told += f"; {layer.zero_rows} rows and {layer.zero_cols} columns are all zero"
    return told


CAUSE = Cause(
    title="A dense kernel multiplies the zeros",
    judge=_judge,
    rank=NOTHING_RUNS_IT,
    targets=(THIS_MACHINE, ONNXRUNTIME),
)
