"""Layers of kinds that no sparse product here stands in for: depthwise and transposed convolutions, attention, and a few more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sparselab.diagnosis.causes.base import (
    NOTHING_RUNS_IT,
    Cause,
    Explanation,
    calls_dominate,
    ms_shown,
    named,
    share_shown,
)
from sparselab.diagnosis.causes.small_share import LEAST_SHARE
from sparselab.diagnosis.evidence import KINDS_LEFT_DENSE, THIS_MACHINE, Evidence, LayerEvidence


@dataclass(frozen=True)
class _Kind:
    """What is said of layers of one kind: a sentence after their names, and what to do. line: more of one layer; trial: as in `Explanation`."""

    sentence: Callable[[Evidence, Sequence[LayerEvidence]], str]
    cure: str
    line: Callable[[Evidence, LayerEvidence], str] = lambda _evidence, _layer: ""


def _judge(kind: str, says: _Kind) -> Callable[[Evidence], Explanation | None]:
    def judge(evidence: Evidence) -> Explanation | None:
        layers = [layer for layer in evidence.pruned if layer.kind == kind and not layer.is_sparse_run]
        spent = sum(layer.ms for layer in layers)
        if not layers or calls_dominate(evidence) or spent < LEAST_SHARE * evidence.ops_ms:
            return None
        return Explanation(
            sentence=f"{named(layers)}: {says.sentence(evidence, layers)}",
            lines=tuple(_line(evidence, layer) + says.line(evidence, layer) for layer in layers),
            cure=says.cure,
            basis="seen",
            layers=tuple(layer.name for layer in layers),
        )

    return judge


def _line(evidence: Evidence, layer: LayerEvidence) -> str:
    told = f"{layer.name}: {share_shown(layer.density)} kept, multiplied by {layer.op}"
    if layer.op in evidence.fused:
        return f"{told}, {ms_shown(layer.ms)} of it by its share of the weights, all else that it does included"
    return f"{told}, {ms_shown(layer.ms)}, {share_shown(layer.ms / evidence.ops_ms)} of the time"


def _operations_a_byte(layer: LayerEvidence) -> float:
    """Operations a byte of a depthwise convolution at stride 1: 2 k products, an input and an output number each."""
    size = 2 if layer.dtype in ("float16", "bfloat16") else 8 if layer.dtype == "float64" else 4
    return 2 * layer.shape[1] / (2 * size)


def _ridge(evidence: Evidence) -> float:
    """Operations a byte from which on arithmetic decides on this machine; infinite where it was not measured."""
    return evidence.gflops / evidence.gbytes if evidence.gflops and evidence.gbytes else float("inf")


def _depthwise(evidence: Evidence, layers: Sequence[LayerEvidence]) -> str:
    is_memory = all(_operations_a_byte(layer) < _ridge(evidence) for layer in layers)
    return (
        "a depthwise convolution has one input channel a group: no two of its outputs share an input, so there is nothing to gather, and "
        "the dense one runs, zeros too." + " Its time is memory, images read and written, and not products." * is_memory
    )


def _depthwise_line(evidence: Evidence, layer: LayerEvidence) -> str:
    return (
        f"; {layer.shape[1]} products an output number are about {_operations_a_byte(layer):.2g} operations a byte, and below "
        f"{_ridge(evidence):.1f} memory decides here"
    )


def _says(kind: str) -> Callable[[Evidence, Sequence[LayerEvidence]], str]:
    return lambda _evidence, _layers: f"{KINDS_LEFT_DENSE[kind]}, so the dense one runs, zeros too."


def _attention(_evidence: Evidence, _layers: Sequence[LayerEvidence]) -> str:
    return (
        "nn.MultiheadAttention multiplies with its weights itself: in_proj is a parameter and no layer, and out_proj is a layer that it "
        "reads and never calls, so nothing can be put in their place and the dense products run, zeros too."
    )


def _cause(kind: str, title: str, says: _Kind) -> Cause:
    return Cause(title=title, judge=_judge(kind, says), rank=NOTHING_RUNS_IT, targets=(THIS_MACHINE,))


DEPTHWISE = _cause(
    "depthwise",
    "A depthwise convolution leaves nothing to gather",
    _Kind(
        _depthwise,
        "Leave it dense, and prune the 1x1 convolutions beside it, where the products are. Whole channels that are zero can be cut away "
        "in both; bfloat16 halves what is moved.",
        _depthwise_line,
    ),
)
TRANSPOSED = _cause(
    "transposed",
    "No kernel here multiplies a transposed convolution",
    _Kind(
        _says("transposed"),
        "Leave it dense, or cut whole channels away; where the network may be trained again, nn.Upsample and an nn.Conv2d can take its "
        "place, and sparselab.convert runs the kept weights of that alone.",
    ),
)
ATTENTION = _cause(
    "attention",
    "nn.MultiheadAttention reads its weights and calls no layer",
    _Kind(
        _attention,
        "Write the attention with an nn.Linear each for q, k, v and the output, around "
        "torch.nn.functional.scaled_dot_product_attention, and copy the rows of in_proj_weight into the first three: the outputs stay, "
        "and sparselab.convert runs the kept weights of these layers alone.",
    ),
)
RECURRENT = _cause(
    "recurrent",
    "A recurrent layer reads its weights and calls no layer",
    _Kind(
        _says("recurrent"),
        "Leave it dense; in int8, quantised dynamically, its weights are a quarter of the bytes. Written out with nn.Linear layers it "
        "can be converted, and loses torch's fused loop over the steps.",
    ),
)
VOLUME = _cause(
    "volume",
    "No kernel here multiplies a convolution in three dimensions",
    _Kind(_says("volume"), "Leave it dense, or cut whole channels that are zero away."),
)
