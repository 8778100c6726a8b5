"""For every rule of formats/kinds a file that it catches, and a near miss that it must not catch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sparselab.formats import ReadOptions
from sparselab.formats.options import DEFAULT_OPTIONS

RNG = np.random.default_rng(11)


@dataclass(frozen=True)
class Example:
    """Tensors as a checkpoint nests them, and the one that a rule catches; `near` and `misses` likewise for the near miss."""

    tensors: dict[str, Any]
    catches: str
    near: dict[str, Any]
    misses: str
    options: ReadOptions = DEFAULT_OPTIONS
    near_options: ReadOptions = DEFAULT_OPTIONS


def w(*shape: int) -> np.ndarray:
    """Dense weights."""
    return RNG.standard_normal(shape).astype(np.float32)


def m(*shape: int) -> np.ndarray:
    """A mask that is no band and no triangle."""
    kept = RNG.random(shape) < 0.5
    kept.reshape(-1)[:3] = [True, False, True]
    return kept.astype(np.float32)


TRIL = np.tril(np.ones((8, 8), np.float32))
WIDE = {"a.weight": w(6, 8)}
DRIFTED = w(8, 8) * np.where(m(8, 8) > 0, np.float32(1), np.float32(1e-12))
STEM, CONV = w(16, 3, 3, 3), w(16, 16, 3, 3)

EXAMPLES: dict[str, Example] = {
    "scalar": Example({**WIDE, "steps": np.float32(3)}, "steps", {**WIDE, "one.weight": w(1, 1)}, "one.weight"),
    "vector": Example({**WIDE, "a.bias": w(6)}, "a.bias", {**WIDE, "b.weight": w(1, 6)}, "b.weight"),
    "empty": Example({**WIDE, "none": w(0, 4)}, "none", {**WIDE, "b.weight": w(1, 4)}, "b.weight"),
    "buffer": Example(
        {**WIDE, "position_ids": np.arange(8)[None]}, "position_ids", {**WIDE, "ids.weight": w(6, 8)}, "ids.weight"
    ),
    "gradients": Example({**WIDE, "a.grad": w(6, 8)}, "a.grad", {**WIDE, "gradual.weight": w(6, 8)}, "gradual.weight"),
    "scores": Example(
        {**WIDE, "a.mask_scores": w(6, 8)}, "a.mask_scores", {**WIDE, "score.weight": w(2, 8)}, "score.weight"
    ),
    "pruned-values": Example(
        {**WIDE, "a.__w_pruned_p": w(6, 8)}, "a.__w_pruned_p", {**WIDE, "pruned.weight": w(6, 8)}, "pruned.weight"
    ),
    "norm-length": Example(
        {"a.weight_g": w(6, 1), "a.weight_v": w(6, 8)}, "a.weight_g", {**WIDE, "to_g.weight": w(6, 1)}, "to_g.weight"
    ),
    "packed": Example(
        {**WIDE, "b.weight_packed": w(6, 4), "b.weight_shape": np.array([6, 8])},
        "b.weight_packed",
        {**WIDE, "packed.weight": w(6, 4)},
        "packed.weight",
    ),
    "one-row": Example({**WIDE, "cls_token": w(1, 1, 8)}, "cls_token", {**WIDE, "c.weight": w(1, 4, 3)}, "c.weight"),
    "inverted-mask": Example({**WIDE, "a.pruned_mask": m(6, 8)}, "a.pruned_mask", {"b_mask": m(6, 8)}, "b"),
    "activation-mask": Example(
        {**WIDE, "neuron_mask": m(12, 20)}, "neuron_mask", {"head.weight": w(6, 8), "head_mask": m(6, 8)}, "head.weight"
    ),
    "positions": Example(
        {**WIDE, "wpe.weight": w(128, 8)}, "wpe.weight", {**WIDE, "wte.weight": w(128, 8)}, "wte.weight"
    ),
    "bias": Example({**WIDE, "experts.bias": w(4, 8)}, "experts.bias", {**WIDE, "bias.weight": w(4, 8)}, "bias.weight"),
    "optimiser-state": Example(
        {**WIDE, "x.0.mu.a": w(6, 8), "x.0.nu.a": w(6, 8)},
        "x.0.mu.a",
        {"mu.weight": w(6, 8), "var.weight": w(6, 8)},
        "mu.weight",
    ),
    "second-copy": Example(
        {"a.weight": w(6, 8), "b.weight": w(8, 8), "ema": {"a.weight": w(6, 8), "b.weight": w(8, 8)}},
        "ema.a.weight",
        {"g": {"a.weight": w(6, 8), "b.weight": w(8, 8)}, "d": {"a.weight": w(6, 8), "b.weight": w(8, 8)}},
        "d.a.weight",
    ),
    "attention-mask": Example(
        {**WIDE, "attn.bias": TRIL[None, None]}, "attn.bias", {**WIDE, "tri.weight": TRIL}, "tri.weight"
    ),
    "scales": Example(
        {**WIDE, "a.weight_scale": w(6, 1)}, "a.weight_scale", {**WIDE, "scale.weight": w(6, 1)}, "scale.weight"
    ),
    "positions-of-zeros": Example(
        {**WIDE, "a.zero_weights": np.array([[0, 1, 5], [2, 3, 7]])},
        "a.zero_weights",
        {**WIDE, "b.zero_weight": w(2, 3)},
        "b.zero_weight",
    ),
    "zero-point": Example(
        {"a.weight": np.int8([[3, 4], [5, 3]]), "a.weight_zero_point": np.int8([[3], [3]]), **{"b.weight": w(4, 4)}},
        "a.weight",
        {"a.weight": np.int8([[0, 4], [5, 0]]), "a.weight_zero_point": np.int8([[0], [0]])},
        "a.weight",
    ),
    "whole-numbers": Example(
        {**WIDE, "b.qweight": np.int32([[7, -9], [3, 2]])}, "b.qweight", {**WIDE, "b": np.int32([[1, 0], [1, 1]])}, "b"
    ),
    "by-suffix": Example(
        {"model.fc.weight": w(6, 8), "masks": {"fc.weight": m(6, 8)}},
        "model.fc.weight",
        {"q_proj.weight": w(6, 8), "masks": {"proj.weight": m(6, 8)}},
        "q_proj.weight",
    ),
    "in-order": Example(
        {"a.weight": w(6, 8), "b.weight": w(8, 6), "masks": [m(6, 8), m(8, 6)]},
        "b.weight",
        {"a.weight": w(6, 8), "b.weight": w(6, 8), "masks": [m(6, 8)]},
        "a.weight",
    ),
    "channel-mask": Example(
        {"c.weight": w(6, 4, 3, 3), "c.mask": m(6, 1, 1, 1)},
        "c.weight",
        {"c.weight": w(6, 4, 3, 3), "c.mask": m(6, 4, 3, 3)},
        "c.weight",
    ),
    "ambiguous": Example(
        {"g.fc.weight": w(6, 8), "d.fc.weight": w(6, 8), "masks": {"fc.weight": m(6, 8)}},
        "fc.weight",
        {"g.fc.weight": w(6, 8), "d.fc.weight": w(8, 8), "masks": {"fc.weight": m(6, 8)}},
        "g.fc.weight",
    ),
    "rival-masks": Example(
        {**WIDE, "mask_a": m(6, 8), "a.mask_weight": 1 - m(6, 8)},
        "a.weight",
        {**WIDE, "mask_a": TRIL[:6], "a.mask_weight": TRIL[:6]},
        "a.weight",
    ),
    "same-mask": Example(
        {**WIDE, "mask_a": TRIL[:6], "a.mask_weight": TRIL[:6]},
        "a.mask_weight",
        {**WIDE, "b.mask_weight": TRIL[:6]},
        "b.mask_weight",
    ),
    "lookalike": Example({**WIDE, "other_mask": m(6, 8)}, "other", {**WIDE, "other_mask": m(8, 8)}, "other"),
    "wrong-shape": Example(
        {**WIDE, "a.weight_mask": m(8, 6)}, "a.weight_mask", {**WIDE, "a.weight_mask": m(6, 8)}, "a.weight"
    ),
    "same-weight": Example(
        {"a_orig": w(6, 8), "a_mask": m(6, 8), "a": w(6, 8)}, "a", {"a_orig": w(6, 8), "a_mask": m(6, 8)}, "a"
    ),
    "doubled": Example(
        {**WIDE, "module.a.weight": w(6, 8)}, "module.a.weight", {**WIDE, "mod.a.weight": w(6, 8)}, "mod.a.weight"
    ),
    "columns-by-bias": Example(
        {"c.weight": w(6, 8), "c.bias": w(8)}, "c.weight", {"c.weight": w(6, 8), "c.bias": w(6)}, "c.weight"
    ),
    "columns-by-namesake": Example(
        {"a.c.weight": w(6, 8), "a.c.bias": w(8), "b.c.weight": w(6, 6)},
        "b.c.weight",
        {"a.c.weight": w(6, 8), "a.c.bias": w(8), "b.d.weight": w(6, 6)},
        "b.d.weight",
    ),
    "depthwise-kernel": Example(
        {"a/depthwise_kernel": w(3, 3, 16, 1)}, "a_depthwise_kernel", {"a/kernel": w(3, 3, 16, 1)}, "a_kernel"
    ),
    "kernel-first": Example({"a/kernel": w(3, 3, 8, 16)}, "a_kernel", {"a/kernel": w(16, 8, 3, 3)}, "a_kernel"),
    "kernel-between": Example({"a.weight": w(16, 3, 3, 32)}, "a.weight", {"a.weight": w(16, 3, 3, 3)}, "a.weight"),
    "transposed": Example(
        {"a.weight": w(16, 8, 4, 4), "a.bias": w(8)},
        "a.weight",
        {"a.weight": w(16, 8, 4, 4), "a.bias": w(16)},
        "a.weight",
    ),
    "dense-kernel": Example({"a/kernel": w(8, 8)}, "a_kernel", {"a.weight": w(8, 8)}, "a.weight"),
    "experts": Example({"moe.experts.up": w(4, 6, 8)}, "moe.experts.up", {"conv.weight": w(32, 16, 5)}, "conv.weight"),
    "depthwise": Example(
        {"a.weight": STEM, "b.weight": w(16, 1, 3, 3)},
        "b.weight",
        {"a.weight": w(16, 1, 3, 3), "b.weight": CONV},
        "a.weight",
    ),
    "grouped": Example(
        {"l.a.weight": w(16, 8, 1, 1), "l.b.weight": w(16, 4, 3, 3)},
        "l.b.weight",
        {"l.a.weight": w(16, 8, 1, 1), "l.b.weight": w(16, 8, 3, 3), "l.c.weight": w(4, 16, 1, 1)},
        "l.b.weight",
    ),
    "one-channel": Example(
        {"a.weight": w(16, 1, 3, 3), "b.weight": CONV}, "a.weight", {"a.weight": STEM, "b.weight": CONV}, "a.weight"
    ),
    "norm-direction": Example(
        {"a.weight_g": w(6, 1), "a.weight_v": w(6, 8)}, "a.weight_v", {"to_v.weight": w(6, 8)}, "to_v.weight"
    ),
    "bare-parametrisation": Example(
        {"a.parametrizations.weight.original": w(6, 8)},
        "a.weight",
        {"a.parametrizations.weight.original": w(6, 8), "a.parametrizations.weight.0.keep": m(6, 8)},
        "a.weight",
    ),
    "integers": Example({"a": np.int8([[3, 0], [5, 1]])}, "a", {"a": w(2, 2)}, "a"),
    "nothing-left": Example({"a": w(4)}, "", {"a": w(4, 4)}, ""),
    "unknown-layer": Example(WIDE, "", WIDE, "", ReadOptions(axes=("b=IO",)), ReadOptions(axes=("a.weight=IO",))),
    "unfit-axes": Example(WIDE, "", WIDE, "", ReadOptions(axes=("HWIO",)), ReadOptions(axes=("IO",))),
    "signs": Example({"masks": {"a": 2 * m(6, 8) - 1}}, "a", {"masks": {"a": m(6, 8)}}, "a"),
    "nearly-binary": Example(
        {"a_orig": w(6, 8), "a_mask": np.maximum(m(6, 8), np.float32(1e-8))},
        "a",
        {"a_orig": w(6, 8), "a_mask": m(6, 8)},
        "a",
    ),
    "not-binary": Example(
        {"a_orig": w(6, 8), "a_mask": 1 / (1 + np.exp(-w(6, 8)))}, "a", {"a_orig": w(6, 8), "a_mask": 2 * m(6, 8)}, "a"
    ),
    "nearly-zero": Example({"a": DRIFTED}, "a", {"a": w(8, 8)}, "a"),
    "all-zero": Example({"a": np.zeros((4, 4))}, "a", {"a": w(4, 4)}, "a"),
    "identity": Example({"a": np.eye(4)}, "a", {"a": np.tril(w(4, 4))}, "a"),
}
"""By the rule's name."""
