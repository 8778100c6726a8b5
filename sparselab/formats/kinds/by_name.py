"""Tensors that are no weights, known by shape, type, name and neighbours: no value is read."""

from __future__ import annotations

from sparselab.formats.kinds.rule import KindRule, registry
from sparselab.formats.kinds.spelling import masked_path
from sparselab.formats.kinds.surroundings import Named, Surroundings

_POSITIONS = frozenset({"pos", "position", "positions", "positional", "relative", "rel"})
_TABLES = frozenset({"embed", "embedding", "embeddings", "emb", "bias", "table", "encoding", "enc", "wpe"})
_BUFFERS = frozenset({"bias", "ids", "idx", "index", "indices", "positions"})
_SCORES = frozenset({"score", "scores", "importance", "saliency", "popup"})
_ACTIVATIONS = frozenset(
    {"neuron", "neurons", "token", "tokens", "padding", "pad", "key", "attention", "attn", "src", "tgt"}
)
_ACTIVATIONS |= {
    "memory",
    "causal",
    "activation",
    "activations",
    "hidden",
    "pixel",
    "patch",
    "window",
    "sequence",
    "loss",
}
_ALSO_LAYERS = frozenset({"head", "heads", "input", "inputs", "output", "outputs", "intermediate", "ffn"})
_PRUNED = frozenset({"pruned", "zero", "zeros", "zeroed", "dropped", "removed", "inverse", "inverted", "inactive"})


def _scalar(tensor: Named, file: Surroundings) -> str | None:
    return None if tensor.shape else ""


def _vector(tensor: Named, file: Surroundings) -> str | None:
    return "" if len(tensor.shape) == 1 else None


def _empty(tensor: Named, file: Surroundings) -> str | None:
    return "" if tensor.entry.size == 0 else None


def _positions(tensor: Named, file: Surroundings) -> str | None:
    words = {*tensor.words, *(tensor.module[-1:] and tensor.module[-1].lower().split("_"))}
    if tensor.has_mask_name or tensor.is_mask:
        return None
    is_table = "wpe" in words or (words & _POSITIONS and words & _TABLES) or {"rel", "pos"} <= words
    return "" if is_table and tensor.kind == "f" else None


def _buffer(tensor: Named, file: Surroundings) -> str | None:
    return "" if tensor.kind in "biu" and tensor.entry.role != "mask" and _BUFFERS & set(tensor.words[-1:]) else None


def _bias(tensor: Named, file: Surroundings) -> str | None:
    return "" if tensor.words[-1:] == ("bias",) and tensor.kind == "f" and not tensor.is_mask else None


def _one_row(tensor: Named, file: Surroundings) -> str | None:
    is_token = tensor.words[-1:] in (("token",), ("tokens",))
    if len(tensor.shape) < 3 or tensor.has_weight_name or tensor.is_mask or tensor.kind != "f":
        return None
    if tensor.has_mask_name and not is_token:
        return None
    leading = tensor.shape[:1] if len(tensor.shape) == 3 or file.once(_calls_weights_so) else tensor.shape[:-1]
    return "" if set(leading) == {1} else None


def _calls_weights_so(file: Surroundings) -> bool:
    """Whether some tensor is called a weight, so that those that are not are something else."""
    return any(tensor.has_weight_name for tensor in file.tensors)


def _scores(tensor: Named, file: Surroundings) -> str | None:
    return "" if _SCORES & set(tensor.words) and tensor.kind == "f" else None


def _gradient(tensor: Named, file: Surroundings) -> str | None:
    return "" if {"grad", "gradient"} & set(tensor.words) else None


def _pruned_values(tensor: Named, file: Surroundings) -> str | None:
    words = tensor.words
    is_rest = "pruned" in words and "mask" not in words and tensor.kind == "f"
    return "" if is_rest and any(other.shape == tensor.shape for other in file.beside(tensor)) else None


def _packed(tensor: Named, file: Surroundings) -> str | None:
    return "" if {"compressed", "packed"} & set(tensor.words) and file.beside(tensor) else None


def _norm_length(tensor: Named, file: Surroundings) -> str | None:
    return "" if sum(size > 1 for size in tensor.shape) <= 1 and norm_partner(tensor, file, "v") else None


def _activation_mask(tensor: Named, file: Surroundings) -> str | None:
    if tensor.path[-1] in ("_input_", "_output_") and file.beside(tensor):
        return ""
    words = set(tensor.words)
    if "mask" not in words or "weight" in words or not words & (_ACTIVATIONS | _ALSO_LAYERS):
        return None
    target = masked_path(tensor.path)
    if any(path in file.weight_shapes for path in (target, (*target, "weight"), (*target, "kernel"))):
        return None
    masks = [other for other in file.tensors if other.has_mask_name]
    all_of_them = all(_ACTIVATIONS & set(other.words) or _ALSO_LAYERS & set(other.words) for other in masks)
    return "" if words & _ACTIVATIONS or all_of_them else None


def _inverted_mask(tensor: Named, file: Surroundings) -> str | None:
    words = set(tensor.words)
    return "" if {"mask", "masks"} & words and words & _PRUNED else None


def norm_partner(tensor: Named, file: Surroundings, letter: str) -> Named | None:
    """Return the "g" or "v" of weight normalisation that stands beside a tensor under the same weight, or None."""
    name, mine = tensor.entry.name, "g" if letter == "v" else "v"
    for own, other in ((f"_{mine}", f"_{letter}"), ("original0", "original1"), ("original1", "original0")):
        is_own = own[0] == "_" or own[-1] == ("0" if mine == "g" else "1")
        if is_own and name.endswith(own) and (found := file.by_name.get(name.removesuffix(own) + other)) is not None:
            return found if len(found.shape) > 1 or letter == "g" else None
    return None


SHAPE_RULES = registry(
    (
        KindRule(
            name="scalar",
            title="Scalars",
            outcome="left alone",
            says="a scalar",
            line="A number alone, such as a count of steps.",
            catches=_scalar,
        ),
        KindRule(
            name="vector",
            title="Vectors",
            outcome="left alone",
            says="a vector",
            line="One axis: biases, the weights of normalisation layers. A vector in a container of masks is a mask of channels.",
            catches=_vector,
        ),
        KindRule(
            name="empty",
            title="Empty tensors",
            outcome="left alone",
            says="no elements",
            line="An axis of size 0.",
            catches=_empty,
        ),
    )
)

NAME_RULES = registry(
    (
        KindRule(
            name="buffer",
            title="Index tables and other buffers",
            outcome="left alone",
            says="a buffer, not a weight",
            line="Whole numbers or booleans called ids, index or bias.",
            catches=_buffer,
        ),
        KindRule(
            name="gradients",
            title="Gradients",
            outcome="left alone",
            says="a gradient, not a weight",
            line="Tensors called grad.",
            catches=_gradient,
        ),
        KindRule(
            name="scores",
            title="Scores",
            outcome="left alone",
            says="scores, from which a mask is computed: no mask and no weight",
            line="Floats called scores or importance: which of them are kept is not in the file. A module called score is a layer.",
            catches=_scores,
        ),
        KindRule(
            name="pruned-values",
            title="Values that pruning took away",
            outcome="left alone",
            says="the values that pruning took away, not a weight",
            line="Apex keeps them beside the weight (`__weight_mma_pruned_p`), to put them back.",
            catches=_pruned_values,
        ),
        KindRule(
            name="norm-length",
            title="Lengths of weight normalisation",
            outcome="left alone",
            says="the lengths g of weight normalisation: the weight is computed from g and v",
            line="`weight_g` or `original0`, one number a row, beside the directions v.",
            catches=_norm_length,
        ),
        KindRule(
            name="packed",
            title="Values without their places",
            outcome="left alone",
            says="packed values: where they belong stands in other tensors",
            line="Called compressed or packed, beside a bitmask, a shape or scales that their own reader did not recognise.",
            catches=_packed,
        ),
        KindRule(
            name="activation-mask",
            title="Masks of activations",
            outcome="left alone",
            says="a mask of activations (heads, neurons, tokens, inputs or outputs), not of a weight",
            line="`head_mask`, `neuron_mask`, NNI's `_input_` and `_output_`: no weight has this name.",
            catches=_activation_mask,
        ),
        KindRule(
            name="one-row",
            title="Tokens and tables with a leading 1",
            outcome="left alone",
            says="a token or table with a leading axis of 1, not a weight",
            line="Three axes or more, the first (of four or more: all but the last, if nothing in the file is called a weight) of size 1, and not called a weight: `cls_token`, `mask_token`, query tables.",
            catches=_one_row,
        ),
        KindRule(
            name="inverted-mask",
            title="Masks of what was pruned",
            outcome="left alone",
            says="its name says that it marks what was pruned, not what is kept: not used",
            line="Names with pruned, zero or dropped beside mask. Save the opposite as NAME_mask, or read it as it is with --read-all.",
            catches=_inverted_mask,
        ),
        KindRule(
            name="positions",
            title="Tables of positions",
            outcome="left alone",
            says="a table of positions, not a weight",
            line="`wpe`, `pos_embed`, relative position biases. Tables of words stay layers.",
            catches=_positions,
        ),
        KindRule(
            name="bias",
            title="Biases of more than one axis",
            outcome="left alone",
            says="a bias, not a weight",
            line="Such as the biases of experts, one row an expert.",
            catches=_bias,
        ),
    )
)
