"""Several tensors that mean one weight: what compressed-tensors and others write becomes the weight it means, or is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from sparselab.core.errors import FileError
from sparselab.core.layer import Layer
from sparselab.core.ticket import Ticket
from sparselab.formats import describe, open_ticket, read_ticket
from sparselab.formats.base import Archive
from sparselab.formats.combiners import COMBINERS, combine
from sparselab.formats.combiners.base import apply_combiner
from sparselab.formats.combiners.scaled_float8 import scale_block
from sparselab.formats.options import DEFAULT_LIMITS
from sparselab.formats.readers.npz import open_npz
from tests.formats.models.hostile_combined import HOSTILE_COMBINED, bitmask_parts

RNG = np.random.default_rng(3)


def read(folder: Path, tensors: dict[str, torch.Tensor], form: str = "safetensors") -> Ticket:
    path = folder / f"t.{form}"
    if form == "pt":
        torch.save(tensors, path)
    else:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return read_ticket(path)


def only(ticket: Ticket) -> Layer:
    (layer,) = ticket
    assert layer.name == "fc.weight"
    return layer


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("form", ["safetensors", "pt"])
def test_values_and_bits_are_the_weight_they_were(form: str, dtype: torch.dtype, tmp_path: Path) -> None:
    weight = torch.randn(6, 20).to(dtype)
    kept = torch.rand(6, 20) < 0.4
    layer = only(read(tmp_path, bitmask_parts("fc.weight", weight, kept), form))
    assert np.array_equal(layer.mask.kept, kept.numpy())
    assert np.array_equal(layer.weight, (weight * kept).float().numpy())


def test_two_of_four_and_the_bits_of_a_mapping_in_memory(tmp_path: Path) -> None:
    kept = torch.tensor([[1, 1, 0, 0], [0, 1, 0, 1]]).bool().repeat(3, 5)
    weight = torch.randn(6, 20)
    parts = bitmask_parts("fc.weight", weight, kept)
    del parts["fc.weight.row_offsets"]
    parts["fc.weight.compressed"] = parts["fc.weight.compressed"].reshape(6, 10)
    for ticket in (read(tmp_path, parts), open_ticket(parts)):
        assert np.array_equal(only(ticket).weight, (weight * kept).numpy())


@settings(max_examples=25)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 5), st.integers(1, 5))
def test_blocks_of_a_scale_cover_a_matrix_once(rows: int, cols: int, down: int, across: int) -> None:
    block = scale_block((rows, cols), (down, across))
    if block is not None:
        height, width = block
        assert (-(-rows // height), -(-cols // width)) == (down, across)
    assert scale_block((rows, cols), (rows, 1)) in ((1, cols), (128, 128))
    assert scale_block((rows, cols), ()) == (rows, cols)


@pytest.mark.parametrize("name", ["fc.weight_scale", "fc.weight_scale_inv"])
@pytest.mark.parametrize("shape", [(), (1,), (200,), (200, 1), (2, 3), (200, 10)])
def test_8_bit_floats_are_multiplied_by_their_scale(name: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    weight = torch.randn(200, 300).to(torch.float8_e4m3fn)
    scale = 0.5 + torch.rand(shape)
    layer = only(read(tmp_path, {"fc.weight": weight, name: scale}))
    grid = scale.reshape((*shape, 1, 1)[:2])
    height = 128 if shape == (2, 3) else 200 // grid.shape[0]
    width = 128 if shape == (2, 3) else 300 // grid.shape[1]
    whole = grid.repeat_interleave(height, 0).repeat_interleave(width, 1)[:200, :300]
    assert np.array_equal(layer.weight, (weight.float() * whole).numpy())
    assert np.array_equal(layer.mask.kept, weight.float().numpy() != 0)


def test_a_scale_whose_shape_says_nothing_is_left_out_and_that_is_said(tmp_path: Path) -> None:
    weight = torch.randn(20, 30).to(torch.float8_e4m3fn)
    ticket = read(tmp_path, {"fc.weight": weight, "fc.weight_scale": torch.ones(7, 7)})
    assert np.array_equal(only(ticket).weight, weight.float().numpy())
    assert any("without their scale" in note for note in ticket.meta["notes"])


def packed(numbers: torch.Tensor, bits: int) -> torch.Tensor:
    """Whole numbers in 32-bit words, lowest first, as compressed-tensors packs them."""
    count = 32 // bits
    rows, cols = numbers.shape
    padded = torch.zeros(rows, -(-cols // count) * count, dtype=torch.int64)
    padded[:, :cols] = numbers + 2 ** (bits - 1)
    words = sum(padded[:, place::count] << (bits * place) for place in range(count))
    return torch.tensor(np.asarray(words).astype(np.uint32).view(np.int32))


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("ordered", [True, False])
def test_packed_whole_numbers_become_weights(bits: int, ordered: bool, tmp_path: Path) -> None:
    rows, cols, groups = 6, 36, 3
    numbers = torch.randint(-(2 ** (bits - 1)), 2 ** (bits - 1), (rows, cols))
    numbers[0, :4] = 0
    scale = torch.rand(rows, groups) + 0.1
    group = torch.arange(cols) // 12 if ordered else torch.randperm(cols) % groups
    tensors = {
        "fc.weight_packed": packed(numbers, bits),
        "fc.weight_shape": torch.tensor([rows, cols]),
        "fc.weight_scale": scale,
        **({} if ordered else {"fc.weight_g_idx": group.to(torch.int32)}),
    }
    layer = only(read(tmp_path, tensors))
    assert np.array_equal(layer.weight, (numbers * scale[:, group]).numpy())
    assert np.array_equal(layer.mask.kept, numbers.numpy() != 0)


LEFT: dict[str, dict[str, torch.Tensor]] = {
    "GPTQ": {
        "l.qweight": torch.ones(32, 128, dtype=torch.int32),
        "l.qzeros": torch.ones(2, 16, dtype=torch.int32),
        "l.scales": torch.rand(2, 128).half(),
        "l.g_idx": torch.arange(256, dtype=torch.int32),
    },
    "MXFP4": {
        "l_blocks": torch.ones(4, 8, 2, 16, dtype=torch.uint8),
        "l_scales": torch.ones(4, 8, 2, dtype=torch.uint8),
    },
    "bitsandbytes": {
        "l.weight": torch.ones(512, 1, dtype=torch.uint8),
        "l.weight.absmax": torch.rand(16),
        "l.weight.quant_map": torch.rand(16),
    },
    "zero points": {
        "l.weight_packed": torch.ones(4, 2, dtype=torch.int32),
        "l.weight_shape": torch.tensor([4, 16]),
        "l.weight_scale": torch.rand(4, 2),
        "l.weight_zero_point": torch.ones(1, 2, dtype=torch.int32),
    },
}


@pytest.mark.parametrize("case", LEFT)
def test_other_packed_weights_are_left_alone_by_name(case: str, tmp_path: Path) -> None:
    ticket = read(tmp_path, {"fc.weight": torch.eye(4) / 2, **LEFT[case]})
    assert ticket.names == ("fc.weight",)
    told = {item.name: item.reason for item in ticket.skipped}
    assert told.keys() == LEFT[case].keys()
    assert any("dequantise" in reason for reason in told.values())


@pytest.mark.parametrize("case", HOSTILE_COMBINED)
def test_what_does_not_fit_costs_one_weight_and_not_the_file(case: str, tmp_path: Path) -> None:
    make, says = HOSTILE_COMBINED[case]
    tensors = {"good.weight": torch.eye(4) / 2, **make()}
    card = describe(read(tmp_path, tensors))
    assert [layer["name"] for layer in card["layers"]] == ["good.weight"]
    reasons = " | ".join(item["reason"] for item in card["skipped"])
    assert says in reasons
    with pytest.raises(FileError, match="expected"):
        describe(read(tmp_path, make()))


@pytest.mark.parametrize("name", COMBINERS)
def test_a_combiner_leaves_what_is_not_its_own_as_it_is(name: str, tmp_path: Path) -> None:
    plain: dict[str, Any] = {"a.weight": np.eye(3), "a.bias": np.ones(3), "b_packed": np.eye(4), "c_scale": np.eye(2)}
    np.savez(tmp_path / "t.npz", **plain)

    archive = open_npz(tmp_path / "t.npz", DEFAULT_LIMITS)
    assert apply_combiner(COMBINERS[name], archive) is archive
    assert combine(Archive(())) == Archive(())
    hostile = [case for case in HOSTILE_COMBINED if case.startswith(name)]
    assert hostile or name == "left-alone"
