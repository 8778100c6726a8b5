"""Which layers have attention heads, and of what size: by the model's config.json and the names of its projections."""

from __future__ import annotations

from collections.abc import Mapping

from sparselab.auditing.bits import Axis
from sparselab.auditing.patterns.heads import WholeHeads
from sparselab.core.ticket import FoundLayer

_QUERY = ("q_proj", "query", "q_lin", "to_q", "wq")
_KEY_VALUE = ("k_proj", "v_proj", "key", "value", "k_lin", "v_lin", "to_k", "to_v", "wk", "wv")
_OUTPUT = ("o_proj", "out_proj", "out_lin", "wo", "to_out.0", "attention.output.dense")


def heads_of(layer: FoundLayer, config: Mapping[str, str]) -> tuple[Axis, WholeHeads] | None:
    """Return along which axis a layer has heads, and of what size; None where config.json and its shape do not agree on any.

    Query heads are num_attention_heads, those of keys and values num_key_value_heads; head_dim is hidden_size / heads unless given.
    """
    heads = _number(config, "num_attention_heads")
    size = _number(config, "head_dim") or (_number(config, "hidden_size") // heads if heads else 0)
    if not heads or not size or len(layer.tensor_shape) != 2 or layer.groups > 1:
        return None
    outputs, inputs = layer.tensor_shape
    shared = _number(config, "num_key_value_heads") or heads
    if (_is_called(layer, _QUERY) and outputs == heads * size) or (
        _is_called(layer, _KEY_VALUE) and outputs == shared * size
    ):
        return "out", WholeHeads(size)
    if _is_called(layer, _OUTPUT) and inputs == heads * size:
        return "in", WholeHeads(size)
    return None


def _is_called(layer: FoundLayer, names: tuple[str, ...]) -> bool:
    name = "." + layer.name.removesuffix(".weight")
    return any(name.endswith(f".{ending}") for ending in names)


def _number(config: Mapping[str, str], name: str) -> int:
    text = config.get(name, "")
    return int(text) if text.isdigit() and len(text) < 10 else 0
