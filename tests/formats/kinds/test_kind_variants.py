"""Kinds under other names, nestings, types and shapes than anybody's specimen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sparselab.core.errors import FileError
from sparselab.formats import describe
from tests.formats.kinds.examples import m, w
from tests.formats.kinds.test_kinds import read


def layers_of(tensors: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {layer["name"]: layer for layer in describe(read(tensors))["layers"]}


TRIL = np.tril(np.ones((16, 16)))
WINDOWS = np.zeros((4, 16, 16), np.float32)
WINDOWS[:, :8, 8:] = WINDOWS[:, 8:, :8] = -100
FAR = np.triu(np.full((16, 16), -np.inf), 1)

LEFT_ALONE: dict[str, tuple[str, np.ndarray]] = {
    "bool, four axes": ("h.3.attn.bias", TRIL[None, None].astype(bool)),
    "uint8, four axes": ("h.3.attn.bias", TRIL[None, None].astype(np.uint8)),
    "half, far below": ("causal_mask", np.triu(np.full((16, 16), np.float16(-65504)), 1)),
    "infinite, three axes": ("decoder.future_mask", FAR[None].astype(np.float32)),
    "whole numbers": ("mask", TRIL.astype(np.int64)),
    "windows": ("layers.0.blocks.1.attn_mask", WINDOWS),
    "a band": ("local_attn.window", (TRIL * np.triu(TRIL.T, -3).T).astype(np.float32)),
    "upper": ("subsequent_mask", (1 - TRIL).astype(bool)),
    "positions": ("transformer.wpe.weight", w(40, 8)),
    "learned positions": ("encoder.embed_positions.weight", w(40, 8)),
    "relative positions": ("attn.relative_position_bias_table", w(49, 3)),
    "positions of a picture": ("pos_embed", w(1, 8, 4, 4)),
    "slopes": ("alibi", w(1, 12, 1, 16)),
    "queries": ("query_tokens", w(1, 32, 8)),
    "index": ("attn.relative_position_index", np.arange(16).reshape(4, 4)),
    "ids": ("token_type_ids", np.zeros((1, 16), np.int64)),
    "second moment": ("optim.state.3.exp_avg_sq", w(6, 8)),
    "momentum": ("momentum_buffer", w(6, 8)),
    "trace": ("opt_state/0/trace/Dense_0/kernel", w(6, 8)),
    "absmax": ("fc.weight.absmax", w(6, 1)),
    "zero points": ("fc.zero_points", np.int8([[3], [2]] * 3)),
    "bytes": ("down.qweight", np.arange(48, dtype=np.uint8).reshape(6, 8)),
    "words": ("down.packed", np.arange(48, dtype=np.uint32).reshape(6, 8)),
    "scores": ("fc.popup_scores", w(6, 8)),
    "importance": ("fc.importance", w(6, 8)),
    "gradient": ("fc.weight_grad", w(6, 8)),
    "heads": ("encoder.head_mask", m(12, 12)),
    "neurons": ("ffn_mask", m(12, 20)),
    "what was dropped": ("fc.dropped_mask", m(6, 8)),
}


@pytest.mark.parametrize("case", LEFT_ALONE)
@pytest.mark.parametrize("nested", [False, True])
def test_what_is_no_weight_is_left_alone(case: str, nested: bool) -> None:
    name, values = LEFT_ALONE[case]
    beside = {"fc.weight": w(6, 8), "net.other.weight": w(9, 5), name: values}
    ticket = read({"state_dict": beside} if nested else beside)
    assert set(ticket.names) == {"fc.weight", "net.other.weight"}
    assert len(ticket.skipped) == 1


LAYERS: dict[str, np.ndarray] = {
    "mask_head.mask_fcn1.weight": w(4, 6, 3, 3),
    "mask.weight": w(6, 8),
    "score.weight": w(2, 8),
    "lm_head.weight": w(40, 8),
    "embed_tokens.weight": w(40, 8),
    "optical.flow.weight": w(6, 8),
    "attn.in_proj_weight": np.tril(np.ones((12, 12), np.float32)),
    "lstm.weight_ih_l0": w(16, 4),
    "linear_pos.weight": w(8, 8),
    "scale.weight": w(6, 8),
    "experts.0.conv.weight": w(8, 6, 3),
    "student.fc.weight": w(6, 6),
    "teacher.fc.weight": w(6, 6),
}


@pytest.mark.parametrize("name", LAYERS)
def test_what_sounds_like_something_else_is_a_layer(name: str) -> None:
    assert name in read({"fc.bias": w(6), **LAYERS}).names


COPIES = ["ema", "model_ema", "ema_state_dict", "averaged_model", "swa_model", "params_ema", "best_state"]


@pytest.mark.parametrize("key", COPIES)
@pytest.mark.parametrize("first", ["state_dict", "params", "generator"])
def test_a_second_copy_is_said_and_one_alone_is_read(key: str, first: str) -> None:
    net = {"conv.weight": w(4, 3, 3, 3), "fc.weight": w(6, 8)}
    other = {name: value * 0.5 for name, value in net.items()}
    if key == "best_state" and first != "state_dict":
        return  # no word for an average: two networks, both read
    ticket = read({first: net, key: other})
    assert len(ticket) == 2
    assert all(name.startswith(f"{key}.") for name in (item.name for item in ticket.skipped))
    assert len(read({key: other})) == 2


def test_a_copy_whose_names_lost_their_dots_is_one() -> None:
    net = {"model.out.0.weight": w(6, 8), "model.in.weight": w(8, 8)}
    ticket = read({**net, "model_ema.out0weight": w(6, 8), "model_ema.inweight": w(8, 8)})
    assert ticket.names == tuple(net)


PAIRS: dict[str, dict[str, Any]] = {
    "by module": {"net": {"fc.weight": w(6, 8)}, "masks": {"fc": m(6, 8)}},
    "by number": {"state_dict": {"a.weight": w(6, 8), "b.weight": w(4, 6)}, "mask": {0: m(6, 8), 1: m(4, 6)}},
    "tuple": {"model": {"a.weight": w(6, 8), "b.weight": w(4, 6)}, "prune_masks": (m(6, 8), m(4, 6))},
    "camel case": {"model": {"fc.weight": w(6, 8)}, "maskDict": {"fc.weight": m(6, 8).astype(bool)}},
    "whole numbers": {"model": {"fc.weight": w(6, 8)}, "sparse_mask": {"fc.weight": m(6, 8).astype(np.int8)}},
    "bytes of 255": {"fc.weight": w(6, 8), "fc.weight_mask": (255 * m(6, 8)).astype(np.uint8)},
    "channels by a vector": {"conv.weight": w(6, 4, 3, 3), "masks": {"conv.weight": m(6)}},
    "columns": {"conv.weight": w(6, 4, 3, 3), "conv.mask": m(1, 4, 1, 1)},
    "matrix of a convolution": {"conv.weight": w(6, 4, 3, 3), "masks": {"module.conv.weight": m(6, 36)}},
    "parametrised": {"c.parametrizations.weight.original": w(6, 8), "c.parametrizations.weight.0.keep": m(6, 8)},
    "two parametrisations": {
        "c.parametrizations.weight.original": w(6, 8),
        "c.parametrizations.weight.1.mask": m(6, 8),
    },
    "Keras": {"prune_low_magnitude_d/kernel:0": w(6, 8), "prune_low_magnitude_d/mask:0": m(6, 8)},
    "alone": {"weight": w(6, 8), "mask": m(6, 8)},
    "sharded": {"layers.0._fsdp_wrapped_module.fc.weight": w(6, 8), "_orig_mod.layers.0.fc.weight_mask": m(6, 8)},
    "layer by layer": {"fc": {"weight": w(6, 8), "mask": m(6, 8)}},
}


@pytest.mark.parametrize("case", PAIRS)
def test_masks_find_their_weights(case: str) -> None:
    ticket = read(PAIRS[case])
    for layer in ticket:
        assert layer.weight is not None
        assert 0 < layer.mask.density < 1
    assert not ticket.skipped


def test_experts_lie_as_their_partners_prove() -> None:
    out_first = {"mlp.experts.gate_up_proj": w(4, 16, 6), "mlp.experts.down_proj": w(4, 6, 8)}
    in_first = {"mlp.experts.gate_up_proj": w(4, 6, 16), "mlp.experts.down_proj": w(4, 8, 6)}
    for tensors in (out_first, in_first):
        assert [entry.tensor_shape for entry in read(tensors).entries] == [(64, 6), (24, 8)]
        assert all(layer.groups == 4 for layer in read(tensors))


def test_masks_of_inputs_and_outputs_are_said_to_be_of_activations() -> None:
    """NNI's have a leading axis of 1, as tokens have."""
    masks = {"conv": {"weight": m(16, 8, 3, 3), "_input_": m(1, 8, 4, 4), "_output_": m(1, 16, 2, 2)}}
    (reason,) = {item.reason for item in read(masks).skipped}
    assert "activations" in reason


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_drifted_weights_are_said(dtype: Any) -> None:
    tiny = 1e-6 if dtype is np.float16 else 1e-12
    values = (np.sign(w(20, 30)) * np.where(m(20, 30) > 0, 0.5 + RANDOM, tiny)).astype(dtype)
    notes = layers_of({"fc.weight": values})["fc.weight"]["notes"]
    assert len(notes) == 1
    assert "--threshold" in notes[0]


RANDOM = np.random.default_rng(3).random((20, 30))


def test_a_file_of_nothing_but_other_things_says_how_to_read_it_all_the_same() -> None:
    with pytest.raises(FileError, match="--read-all"):
        read({"causal_mask": TRIL, "pos_embed": w(1, 8, 4)})
