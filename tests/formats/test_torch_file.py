"""Checkpoints: nested, sparse, of half precision, in other orders of memory."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sparselab.core.errors import FileError
from sparselab.core.ticket import Ticket
from sparselab.formats import ReadLimits, describe, read_ticket
from tests.formats.hostile_files import save

WEIGHT = torch.tensor([[0.0, 1.5, 0, 0], [2.5, 0, 0, -3]])


def read(folder: Path, value: Any) -> Ticket:
    return read_ticket(save(folder / "t.pt", value))


def test_nested_checkpoints_are_unwrapped(tmp_path: Path) -> None:
    tied = {"weight": WEIGHT}
    ticket = read(
        tmp_path,
        {
            "epoch": 3,
            "state_dict": {"module.fc.weight": WEIGHT, "fc.bias": torch.ones(2)},
            "mask": {"fc.weight": torch.tensor([[0, 1, 0, 0], [1, 0, 0, 0]])},
            "optimizer": {"state": {0: {"momentum_buffer": WEIGHT}}},
            "losses": [0.5] * 30_000,
            "head": tied,
            "again": tied,
        },
    )
    assert ticket.names == ("fc.weight", "head.weight")
    assert ticket["fc.weight"].mask.count == 2
    assert np.array_equal(ticket["fc.weight"].weight, [[0, 1.5, 0, 0], [2.5, 0, 0, 0]])
    assert {item.name: item.reason for item in ticket.skipped} == {
        "epoch": "not a tensor (int)",
        "optimizer": "training state, not weights",
        "losses": "not a tensor (list)",
        "again": "a container that was read already, or lies too deep",
        "fc.bias": "a vector",
    }


def test_masks_of_a_lottery_ticket(tmp_path: Path) -> None:
    ticket = read(tmp_path, {"fc.weight": (WEIGHT != 0).float(), "conv.weight": torch.ones(2, 2, 3, 3)})
    assert ticket["fc.weight"].weight is None
    assert ticket["conv.weight"].mask.shape == (2, 18)


@pytest.mark.parametrize("layout", ["coo", "csr", "csc", "bsr"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_sparse_tensors(layout: str, dtype: torch.dtype, tmp_path: Path) -> None:
    convert = {
        "coo": WEIGHT.to_sparse,
        "csr": WEIGHT.to_sparse_csr,
        "csc": WEIGHT.to_sparse_csc,
        "bsr": lambda: WEIGHT.to_sparse_bsr((1, 2)),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the layouts are in beta
        sparse = convert[layout]().to(dtype)
    (layer,) = read(tmp_path, {"w": sparse})
    assert np.array_equal(layer.weight, WEIGHT.numpy())
    assert layer.mask.count == 3


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(torch.float16, np.float16), (torch.bfloat16, np.float32), (torch.float64, np.float64), (torch.int8, np.float32)],
)
def test_types(dtype: torch.dtype, expected: Any, tmp_path: Path) -> None:
    ticket = read(tmp_path, {"w": (2 * WEIGHT).to(dtype)})
    assert ticket["w"].weight.dtype == expected
    assert np.array_equal(ticket["w"].weight, 2 * WEIGHT.numpy())
    assert bool(ticket.meta["notes"]) == (dtype == torch.bfloat16)


def test_bfloat16_in_safetensors(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"w": WEIGHT.bfloat16()}, tmp_path / "t.safetensors")
    ticket = read_ticket(tmp_path / "t.safetensors")
    assert np.array_equal(ticket["w"].weight, WEIGHT.numpy())
    assert describe(ticket)["notes"] == ["bfloat16 weights became float32"]


def test_orders_of_memory_parameters_and_tied_weights(tmp_path: Path) -> None:
    weight = torch.arange(48.0).reshape(2, 4, 2, 3)
    parameter = torch.nn.Parameter(weight)
    ticket = read(
        tmp_path,
        {
            "last": weight.to(memory_format=torch.channels_last),
            "transposed": weight.reshape(8, 6).t(),
            "parameter": parameter,
            "tied": parameter,
            "row": weight[1],
        },
    )
    assert np.array_equal(ticket["last"].weight, weight.reshape(2, 24).numpy())
    assert np.array_equal(ticket["transposed"].weight, weight.reshape(8, 6).t().numpy())
    assert np.array_equal(ticket["tied"].weight, ticket["parameter"].weight)
    assert np.array_equal(ticket["row"].weight, weight[1].reshape(4, 6).numpy())


def test_special_tensors_are_left_out(tmp_path: Path) -> None:
    ticket = read(
        tmp_path,
        {
            "w": WEIGHT,
            "complex": torch.ones(2, 2, dtype=torch.complex64),
            "meta": torch.ones(2, 2, device="meta"),
            "none": torch.ones(0, 4),
        },
    )
    assert ticket.names == ("w",)
    assert {item.name for item in ticket.skipped} == {"complex", "meta", "none"}


def test_a_tensor_alone_takes_the_files_name(tmp_path: Path) -> None:
    assert read(tmp_path, WEIGHT).names == ("t",)


def test_a_container_inside_itself(tmp_path: Path) -> None:
    loop: dict[str, Any] = {"w": WEIGHT}
    loop["loop"] = loop
    assert read(tmp_path, loop).names == ("w",)


def test_values_of_other_libraries_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"would run numpy\..*state_dict"):
        read(tmp_path, {"w": WEIGHT, "best": np.float64(0.9)})


def test_many_storages_are_refused_before_they_are_loaded(tmp_path: Path) -> None:
    path = save(tmp_path / "t.pt", {f"w{i}": torch.ones(1, 1) for i in range(50)})
    with pytest.raises(FileError, match="at most 40 members"):
        read_ticket(path, limits=ReadLimits(max_tensors=40))
