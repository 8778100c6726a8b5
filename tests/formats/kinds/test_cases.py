"""Files that people have, as generators beside the checkout write them: each kind is read for what it is, or left alone.

Generators of files that other readers open stand in OTHERS; a generator that stands nowhere fails, so that a new one gets its law.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sparselab.core.errors import FileError
from sparselab.formats import describe, read_ticket

GENERATORS = Path(__file__).resolve().parents[4] / "shared" / "cases" / "generators"

OTHERS = frozenset(
    {
        *("bf16_npy_ml_dtypes", "compressed_tensors_24", "csv_mask_three_columns", "defaultdict", "expanded_buffer"),
        *("gguf_magic", "legacy_not_zip", "namespace_args", "numpy_masks_in_pth", "numpy_scalar_in_checkpoint"),
        *(
            "onnx_magic",
            "pydata_sparse_npz",
            "safetensors_empty_tensor",
            "safetensors_fp8_all",
            "safetensors_unknown_dtype",
        ),
        *(
            "scipy_coo_npz",
            "scipy_csr_npz",
            "scipy_dia_npz",
            "sharded_index",
            "sliced_view",
            "tflite_magic",
            "torchscript",
        ),
        *("convert_all_layers_of_a_ticket", "export_into_dataparallel", "upload_refusal_is_remembered"),
    }
)
"""What readers, writers and modules have tests of their own for."""

PRUNED = (0.01, 0.99)
DENSE = (1.0, 1.0)


@dataclass(frozen=True)
class Law:
    """The layers that must be found, with the range of their density; what must be left alone; words that must be said.

    `tensor_shapes` are those of the layers in PyTorch's order, where a file has another. Without layers the file is refused.
    """

    layers: dict[str, tuple[float, float]]
    left: frozenset[str] = frozenset()
    says: str = ""
    tensor_shapes: tuple[tuple[int, ...], ...] = ()
    groups: int = 1
    of: str = "f.*"


def left(*names: str) -> frozenset[str]:
    return frozenset(names)


PAIR = Law({"fc.weight": (0.1, 0.3)})
LAWS = {
    "apex_asp": Law({"fc1.weight": (0.5, 0.5)}, left("fc1.__weight_mma_pruned_p")),
    "apex_asp_allow_recompute_off": Law({"fc1.weight": (0.5, 0.5)}, says="__weight_mma_mask"),
    "before_and_after_in_one_file": Law({"fc.weight": PRUNED}, left("init_weight.fc.weight"), "fc.weight_orig"),
    "causal_buffers_named_mask": Law(
        {"blocks.0.attn.key.weight": PRUNED}, left("blocks.0.attn.mask", "heads.0.tril", "mask_token", "tgt_mask")
    ),
    "causal_mask_inf": Law({"transformer.resblocks.0.attn.in_proj_weight": PRUNED}, left("attn_mask")),
    "channel_mask_broadcast_plain": Law({"conv.weight": PRUNED}, says="spread over the weight"),
    "compile_inner_prefix": Law({"blocks.0._orig_mod.fc.weight": (0.1, 0.3)}),
    "conv_transpose": Law({"0.weight": (0.19, 0.21)}, says="IOHW", tensor_shapes=((16, 64, 4, 4),)),
    "depthwise": Law({"0.weight": PRUNED, "1.weight": PRUNED}, says="64 groups", groups=64),
    "ema_and_model": Law(
        {"fc.weight": PRUNED}, left("model_ema.fc.weight", "ema.fc.weight"), "the one that is read is fc.weight"
    ),
    "flax_safetensors": Law(
        {"params_Conv_0_kernel": PRUNED, "params_Dense_0_kernel": PRUNED},
        says="HWIO",
        tensor_shapes=((128, 64, 3, 3), (128, 256)),
    ),
    "gan_two_nets": Law({"g.fc.weight": PRUNED, "d.fc.weight": PRUNED}, left("g_optim", "d_optim")),
    "gpt2_attn_bias_f32": Law(
        {"h.0.attn.c_attn.weight": PRUNED, "wte.weight": DENSE},
        left("h.0.attn.bias", "wpe.weight"),
        "an attention mask",
        ((192, 64), (500, 64)),
    ),
    "gptq_packed": Law({}, says="packed weights"),
    "head_mask_2d": Law({}, says="a mask of activations"),
    "hf_trainer_optimizer_pt": Law({}, of="optimizer.pt"),
    "identity_init_lora_zero": Law(
        {"base.q.lora_A.weight": DENSE, "base.q.lora_B.weight": (0, 0), "eye.weight": (1 / 16, 1 / 16)}, says="identity"
    ),
    "int8_zero_point": Law({}, says="whose zero is the number in fc.weight_zero_point"),
    "inverted_mask_true_means_pruned": Law(
        {"fc.weight": DENSE}, left("fc.pruned_mask", "fc2.zero_mask"), "marks what was pruned"
    ),
    "keras_hwio_npz": Law(
        {"conv2d_kernel": PRUNED, "dense_kernel": PRUNED}, says="HWIO", tensor_shapes=((128, 64, 3, 3), (128, 256))
    ),
    "largest_is_not_a_weight": Law({"fc.weight": PRUNED}, left("attn.bias")),
    "lightning_model_prefix_pairing": Law({"model.fc.weight": (0.1, 0.3)}),
    "mask_flattened_2d_vs_4d": Law({"conv.weight": (0.1, 0.3)}, tensor_shapes=((16, 8, 3, 3),)),
    "mask_float_noise": Law({"fc.weight": (0.1, 0.3)}, says="--threshold"),
    "mask_key_mask_dict": PAIR,
    "mask_key_masks_list": PAIR,
    "mask_keys_various": PAIR,
    "mask_layer_shape_mismatch": Law({"conv.weight": DENSE, "fc.weight": DENSE}, says="spread over the weight"),
    "mask_minus1_plus1": Law({"fc.weight": DENSE}, says="-1 and +1"),
    "mask_named_prefix": Law({"fc.weight": (0.1, 0.3)}, left("fc.mask_weight", "mask_fc"), "the same mask as"),
    "mask_scores_supermask": Law({"fc.weight": DENSE}, left("fc.scores", "fc.mask_scores", "fc.weight_mask_scores")),
    "mask_values_sigmoid": Law({"fc.weight": (0.9, 1)}, says="--threshold"),
    "moe_expert_3d": Law({"experts.gate_up_proj": PRUNED}, says="experts", tensor_shapes=((512, 128),), groups=8),
    "nan_in_one_layer": Law({"good.weight": PRUNED, "also_good.weight": PRUNED}, left("bad.weight"), "1 NaN"),
    "nni_masks_input_output": Law({"conv1.weight": (0.1, 0.3)}, left("conv1._input_", "conv1._output_", "conv1.bias")),
    "numenta_zero_weights": Law(
        {"fc.module.weight": DENSE}, left("fc.zero_weights"), "positions of the zeros of fc.module.weight"
    ),
    "opt_key_not_optimizer": Law({"fc.weight": PRUNED}, left("opt", "opt_state")),
    "packed_bits_mask": Law({}, says="packed bits"),
    "parametrization_own_mask": Law({"0.weight": (0.05, 0.15)}),
    "positional_embeddings": Law(
        {
            "patch_embed.proj.weight": DENSE,
            "blocks.0.attn.qkv.weight": DENSE,
            "embeddings.word_embeddings.weight": DENSE,
        },
        left("pos_embed", "cls_token"),
    ),
    "timm_ema": Law({"fc.weight": PRUNED}, left("state_dict_ema.fc.weight", "optimizer")),
    "torch_ao_sparsifier": Law({"0.weight": DENSE, "2.weight": DENSE}, says="a mask may be missing"),
    "weight_norm": Law({"0.weight_v": DENSE, "1.weight": DENSE}, left("0.weight_g"), "computed from g and v"),
    "weights_float_noise": Law({"fc.weight": DENSE}, says="--threshold"),
}


def generators() -> Iterable[str]:
    return sorted(path.stem for path in GENERATORS.glob("*.py")) if GENERATORS.is_dir() else []


def test_every_case_has_its_law() -> None:
    if not GENERATORS.is_dir():
        pytest.skip("the generators are not here")
    assert set(generators()) <= LAWS.keys() | OTHERS


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", LAWS)
def test_a_case_is_read_for_what_it_is(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (GENERATORS / f"{name}.py").is_file():
        pytest.skip("the generators are not here")
    monkeypatch.setattr(sys, "argv", [name, str(tmp_path)])
    runpy.run_path(str(GENERATORS / f"{name}.py"), run_name="__main__")
    law, paths = LAWS[name], sorted(tmp_path.glob(LAWS[name].of)) or sorted(tmp_path.glob("f-*"))
    assert paths
    for path in paths:
        if not law.layers:
            with pytest.raises(FileError) as refused:
                read_ticket(path)
            assert law.says in str(refused.value)
            continue
        ticket = read_ticket(path)
        card = describe(ticket)
        found = {layer["name"]: layer for layer in card["layers"]}
        assert found.keys() == law.layers.keys()
        for layer, (low, high) in law.layers.items():
            assert low <= found[layer]["density"] <= high
        assert law.left <= {item["name"] for item in card["skipped"]}
        assert max(layer["groups"] for layer in card["layers"]) == law.groups
        texts = [
            *(note for layer in card["layers"] for note in layer["notes"]),
            *(item["reason"] for item in card["skipped"]),
        ]
        assert law.says in "\n".join(texts)
        if law.tensor_shapes:
            assert tuple(entry.tensor_shape for entry in ticket.entries) == law.tensor_shapes
