"""What 2:4 on CUDA asks of a layer, by rule: windows along in, in every one at most two kept, sizes, a matrix product."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sparselab.diagnosis.causes.base import SIZE, UNDOES, Cause, Explanation, named, share_shown
from sparselab.diagnosis.evidence import CUDA_24, Evidence, LayerEvidence, Windows

_TRANSFORM = "sparselab transform FILE n-m --n 2 --m 4 keeps the best two of every four along the input"
_ROWS, _COLS = 32, 64
"""Multiples that torch's kernels for 2:4 in 2-byte types need: those of CUTLASS, the stricter of its two libraries."""

MOST_BROKEN = 0.5
"""Up to this share of the windows that chance would break, a pattern counts as meant and broken, and not as absent."""

Test = Callable[[LayerEvidence, Windows, Windows], bool]


def _sorted(evidence: Evidence, test: Test) -> list[LayerEvidence]:
    return [
        layer
        for layer in evidence.pruned
        if layer.along_in is not None and layer.along_out is not None and test(layer, layer.along_in, layer.along_out)
    ]


def _is_turned(_layer: LayerEvidence, along_in: Windows, along_out: Windows) -> bool:
    return not along_in.holds and along_out.holds


def _is_broken(_layer: LayerEvidence, along_in: Windows, along_out: Windows) -> bool:
    return not along_in.holds and not along_out.holds and along_in.broken_share <= MOST_BROKEN * along_in.chance


def _is_absent(layer: LayerEvidence, along_in: Windows, along_out: Windows) -> bool:
    return not along_in.holds and not along_out.holds and not _is_broken(layer, along_in, along_out)


def _does_not_fit(layer: LayerEvidence, along_in: Windows, _out: Windows) -> bool:
    return along_in.holds and (layer.is_convolution or layer.shape[0] % _ROWS != 0 or layer.shape[1] % _COLS != 0)


def _windows_line(layer: LayerEvidence) -> str:
    along_in, along_out = layer.along_in, layer.along_out
    assert along_in is not None
    assert along_out is not None
    told = (
        f"{layer.name}: {along_in.broken:,} of {along_in.count:,} windows along the input keep more than two "
        f"(by chance {share_shown(along_in.chance)}), {along_out.broken:,} of {along_out.count:,} along the output"
    )
    return told + (f"; the first: row {along_in.first[0]}, column {along_in.first[1]}" if along_in.first else "")


def _finding(
    layers: Sequence[LayerEvidence], sentence: str, cure: str, lines: Sequence[str] | None = None
) -> Explanation | None:
    if not layers:
        return None
    return Explanation(
        sentence=f"{named(layers)}: {sentence}",
        lines=tuple(lines or map(_windows_line, layers)),
        cure=cure,
        basis="rule",
        layers=tuple(layer.name for layer in layers),
    )


def _wrong_axis(evidence: Evidence) -> Explanation | None:
    return _finding(
        _sorted(evidence, _is_turned),
        "the 2:4 pattern holds along the outputs; the hardware takes windows of four neighbours along the inputs, so it is never used.",
        f"Prune along the input axis (dimension 1 of an nn.Linear's weight): {_TRANSFORM}.",
    )


def _broken_window(evidence: Evidence) -> Explanation | None:
    return _finding(
        _sorted(evidence, _is_broken),
        "the 2:4 pattern is broken: one window of four that keeps more than two is enough for the layer to run dense, or to be wrong.",
        f"Drop the smallest weight of those windows: {_TRANSFORM}, which leaves all others as they are.",
    )


def _no_pattern(evidence: Evidence) -> Explanation | None:
    return _finding(
        _sorted(evidence, _is_absent),
        "the mask has no 2:4 pattern along either axis, about as many windows are broken as by chance.",
        f"{_TRANSFORM}; it drops weights, so train again after it.",
    )


def _shape(evidence: Evidence) -> Explanation | None:
    layers = _sorted(evidence, _does_not_fit)
    lines = [
        f"{layer.name}: {layer.shape[0]} x {layer.shape[1]}" + (", a convolution" if layer.is_convolution else "")
        for layer in layers
    ]
    return _finding(
        layers,
        f"torch runs 2:4 in matrix products alone, with multiples of {_ROWS} rows and {_COLS} columns.",
        "Pad the layer to these multiples, or leave it dense; convolutions need a runtime that takes them, such as TensorRT.",
        lines,
    )


WRONG_AXIS = Cause(title="The pattern lies along the wrong axis", judge=_wrong_axis, rank=UNDOES, targets=(CUDA_24,))
BROKEN_WINDOW = Cause(title="The pattern is broken", judge=_broken_window, rank=UNDOES, targets=(CUDA_24,))
NO_PATTERN = Cause(title="There is no 2:4 pattern", judge=_no_pattern, rank=SIZE, targets=(CUDA_24,))
SHAPE = Cause(title="The hardware does not take this shape", judge=_shape, rank=SIZE, targets=(CUDA_24,))
