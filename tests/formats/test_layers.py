"""Which tensors of a file are layers, what they are called, and what is said about the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from sparselab.core.errors import FileError, SettingError
from sparselab.core.ticket import Ticket
from sparselab.formats import ReadLimits, ReadOptions, describe, read_ticket
from sparselab.formats.names import MAX_LENGTH, clean_name, unique_names
from tests.formats.hostile_files import safetensors, tensor

RNG = np.random.default_rng(7)
DENSE = RNG.standard_normal((4, 2, 3, 3)).astype(np.float32)
MASK = RNG.random((4, 2, 3, 3)) < 0.5


def read(folder: Path, **arrays: Any) -> Ticket:
    path = folder / "t.safetensors"
    save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, path)
    return read_ticket(path)


def test_a_pair_of_pruning(tmp_path: Path) -> None:
    ticket = read(tmp_path, **{"conv.weight_orig": DENSE, "conv.weight_mask": MASK.astype(np.float32)})
    (layer,) = ticket
    assert layer.name == "conv.weight"
    assert np.array_equal(layer.mask.kept, MASK.reshape(4, 18))
    assert np.array_equal(layer.weight, (DENSE * MASK).reshape(4, 18))
    assert layer.kernel_shape == (3, 3)
    card = describe(ticket)["layers"][0]
    assert card["conversion"] == "conv.weight_orig and conv.weight_mask, 4x2x3x3 -> 4x18"
    assert card["shape"] == [4, 18]
    assert card["kernel_shape"] == [3, 3]
    assert card["count"] == MASK.sum()
    assert card["has_weight"]
    assert card["digest"] == layer.mask.digest


@pytest.mark.parametrize("name", ["conv.weight_mask", "conv.weight.mask", "conv.weight", "module.conv.weight_mask"])
def test_masks_alone(name: str, tmp_path: Path) -> None:
    (layer,) = read(tmp_path, **{name: MASK})
    assert layer.name == "conv.weight"
    assert layer.weight is None
    assert np.array_equal(layer.mask.kept, MASK.reshape(4, 18))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.uint8, np.int64])
def test_nothing_but_0_and_1_is_a_mask(dtype: Any, tmp_path: Path) -> None:
    (layer,) = read(tmp_path, layer=MASK.astype(dtype))
    assert layer.weight is None
    assert layer.mask.count == MASK.sum()


def test_weights_with_zeros(tmp_path: Path) -> None:
    pruned = DENSE * MASK
    ticket = read(tmp_path, **{"a": pruned, "b": DENSE, "c": (10 * pruned).astype(np.int8)})
    assert ticket["a"].mask.count == MASK.sum()
    assert ticket["b"].mask.density == 1
    assert np.array_equal(ticket["a"].weight, pruned.reshape(4, 18))
    assert ticket["c"].weight.dtype == np.float32


def test_a_mask_beside_its_weight(tmp_path: Path) -> None:
    ticket = read(tmp_path, **{"a.weight": DENSE, "a.mask": MASK, "b": DENSE, "b_mask": MASK})
    assert ticket.names == ("a.weight", "b")
    for layer in ticket:
        assert np.array_equal(layer.weight, (DENSE * MASK).reshape(4, 18))


def test_two_things_of_one_name(tmp_path: Path) -> None:
    ticket = read(tmp_path, **{"a": DENSE, "a_mask": MASK[:2]})
    assert ticket.names == ("a",)
    assert [item.name for item in ticket.skipped] == ["a_mask"]
    assert "expected a mask of the weight's shape 4x2x3x3" in ticket.skipped[0].reason
    np.savez(tmp_path / "t.npz", **{"w_orig": DENSE, "w_mask": MASK, "w": DENSE, "module.w_mask": MASK})
    ticket = read_ticket(tmp_path / "t.npz")
    assert ticket.names == ("w",)
    assert {item.name: item.reason for item in ticket.skipped} == {
        "w": "the same weight as w_orig",
        "module.w_mask": "a second tensor of this name",
    }


def test_what_is_left_out_says_why(tmp_path: Path) -> None:
    ids = np.arange(16).reshape(1, 16)
    ticket = read(
        tmp_path, w=DENSE, b=np.ones(4), n=np.int64(3), **{"bn.running_mean": np.ones(4), "position_ids": ids}
    )
    assert ticket.names == ("w",)
    assert {item.name: item.reason for item in ticket.skipped} == {
        "b": "a vector",
        "n": "a scalar",
        "bn.running_mean": "a vector",
        "position_ids": "a buffer, not a weight",
    }


def test_column_order_and_kernel_shape(tmp_path: Path) -> None:
    flat = DENSE.transpose(0, 2, 3, 1).reshape(4, 18)  # columns kh-kw-cin
    np.savez(tmp_path / "a.npz", conv=flat, fc=np.ones((3, 5)), four=DENSE)
    ticket = read_ticket(tmp_path / "a.npz", ReadOptions("kh-kw-cin", (3, 3)))
    assert np.array_equal(ticket["conv"].weight, DENSE.reshape(4, 18))
    assert ticket["conv"].kernel_shape == ticket["four"].kernel_shape == (3, 3)
    assert ticket.entries[0].tensor_shape == (4, 2, 3, 3)
    assert ticket.entries[0].conversion == "conv, 4x18, kernel 3x3, columns kh-kw-cin -> cin-kh-kw"
    assert ticket["fc"].kernel_shape is None
    np.save(tmp_path / "a.npy", flat)
    with pytest.raises(FileError, match="expected a multiple of 25 columns"):
        read_ticket(tmp_path / "a.npy", ReadOptions(kernel_shape=(5, 5)))
    with pytest.raises(SettingError, match="kernel_shape: expected one"):
        read_ticket(tmp_path / "a.npy", ReadOptions("kh-kw-cin"))
    for wrong in ({"column_order": "rows"}, {"kernel_shape": (0, 3)}, {"kernel_shape": ()}):
        with pytest.raises(SettingError, match="expected"):
            ReadOptions(**wrong)


@pytest.mark.parametrize("dtype", [">f4", "<f2", ">i2", "?"])
def test_arrays_in_any_order_of_bytes_and_dimensions(dtype: str, tmp_path: Path) -> None:
    pruned = np.asfortranarray(np.round(DENSE * MASK)).astype(dtype, order="K")
    np.save(tmp_path / "a.npy", pruned)
    np.savez_compressed(tmp_path / "a.npz", a=pruned)
    for name in ("a.npy", "a.npz"):
        (layer,) = read_ticket(tmp_path / name)
        assert np.array_equal(layer.mask.kept, pruned.reshape(4, 18) != 0)
        assert layer.weight is None or np.array_equal(layer.weight, pruned.reshape(4, 18))


def test_a_name_that_promises_another_format(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", w=DENSE)
    (tmp_path / "a.npz").rename(tmp_path / "a.pt")
    card = describe(read_ticket(tmp_path / "a.pt"))
    assert card["format"] == "npz"
    assert card["notes"] == ["named .pt, but it is a NumPy archive: read as that"]


def test_layers_are_loaded_when_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    save_file({"good": DENSE, "bad": np.full((2, 2), np.nan)}, path)
    ticket = read_ticket(path)
    assert ticket["good"].mask.density == 1
    with pytest.raises(FileError, match="bad: expected finite weights; got 4 NaN and 0 infinite"):
        ticket["bad"]


def test_limits_are_settings(tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    save_file({"a": DENSE, "b": DENSE}, path)
    for limits, says in [
        (ReadLimits(max_layers=1), "at most 1 layers"),
        (ReadLimits(max_elements=71), "at most 71 elements"),
        (ReadLimits(max_header_bytes=16), "at most 16 bytes"),
    ]:
        with pytest.raises(FileError, match=says):
            read_ticket(path, limits=limits)
    np.savez(tmp_path / "t.npz", a=DENSE, b=DENSE)
    few = ReadLimits(max_total_bytes=500)
    with pytest.raises(FileError, match="at most 500 bytes"):
        read_ticket(tmp_path / "t.npz", limits=few)
    assert len(read_ticket(path, limits=few)) == 2  # its tensors are read one at a time


HARD_NAMES = ["../../etc/passwd", "a\0b", "<script>alert(1)</script>", "=cmd()", "**x**", "\u202egnp", "x" * 2**20, ""]


def test_names_are_cleaned_and_stay_apart(tmp_path: Path) -> None:
    header = {name: tensor([1, 1], 4 * i, 4 * i + 4) for i, name in enumerate([*HARD_NAMES, "x" * 300, "a_b", "a?b"])}
    path = safetensors(tmp_path / "names.safetensors", header, bytes(4 * len(header)))
    names = read_ticket(path).names
    assert len(set(names)) == len(header)
    assert names[:5] == (".._.._etc_passwd", "a_b", "_script_alert(1)__script_", "_cmd()", "__x__")
    assert names[7] == "unnamed"
    assert names[-2:] == ("a_b_2", "a_b_3")
    assert all(len(name) <= MAX_LENGTH and clean_name(name) == name for name in names)


def test_names_are_composed() -> None:
    assert clean_name("e\u0301") == "\u00e9"
    assert unique_names(["a", "a", "a_2", "a"]) == ["a", "a_2", "a_2_2", "a_3"]
