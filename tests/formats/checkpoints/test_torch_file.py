"""Checkpoints: nested, sparse, of half precision, in other orders of memory."""

from __future__ import annotations

import subprocess
import sys
import warnings
from argparse import Namespace
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils import prune

from sparselab.core.errors import FileError
from sparselab.core.ticket import Ticket
from sparselab.formats import ReadLimits, describe, read_ticket
from tests.formats.hostile.torch_files import Payload
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
    assert describe(ticket)["notes"] == ["bfloat16 weights are read as float32"]


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


def test_objects_of_other_classes_are_left_alone_by_name(tmp_path: Path) -> None:
    history = defaultdict(list, accuracy=[0.1])
    value = {"state_dict": {"w": WEIGHT}, "best": np.float64(0.9), "args": Namespace(lr=0.1), "history": history}
    ticket = read(tmp_path, value)
    assert ticket.names == ("w",)
    reasons = {item.name: item.reason for item in ticket.skipped}
    assert reasons["args"] == "not a tensor (argparse.Namespace)"
    assert reasons["best"] == "not a tensor (a NumPy number)"
    assert reasons["history.accuracy"] == "not a tensor (list)"


def test_nothing_runs_beside_tensors_that_are_read(tmp_path: Path) -> None:
    ticket = read(tmp_path, {"w": WEIGHT, "x": Payload(tmp_path / "executed")})
    assert ticket.names == ("w",)
    assert "mkdir" in ticket.skipped[0].reason
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("parallel", [False, True])
def test_a_module_that_was_saved_whole_is_read_under_the_names_of_its_state(
    legacy: bool, parallel: bool, tmp_path: Path
) -> None:
    model: torch.nn.Module = torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Linear(4, 4)
    )
    prune.random_unstructured(model[0], "weight", 0.5)
    if parallel:
        model = torch.nn.DataParallel(model)
    path = tmp_path / "t.pt"
    torch.save({"model": model, "epoch": 3}, path, _use_new_zipfile_serialization=not legacy)
    ticket = read_ticket(path)
    torch.save(model.state_dict(), tmp_path / "state.pt")
    state = read_ticket(tmp_path / "state.pt")
    assert sorted(ticket.names) == sorted(state.names)
    assert all(ticket[name].mask == state[name].mask for name in ticket.names)
    assert any("was saved whole: its tensors were read" in note for note in ticket.meta["notes"])


@pytest.mark.parametrize("legacy", [False, True])
def test_arrays_in_a_checkpoint_are_read(legacy: bool, tmp_path: Path) -> None:
    mask = np.random.default_rng(0).random((6, 4)) < 0.5
    value = {
        **{f"{kind}.weight": mask.astype(kind) for kind in ("f2", "<f4", ">f8", "i1", "?", "u2")},
        "turned.weight": np.asfortranarray(mask.astype("f4")),
        "texts": np.array([["a"]]),
        "masked": np.ma.masked_array(np.ones((2, 2)), mask=np.eye(2)),
    }
    torch.save(value, tmp_path / "t.pth", _use_new_zipfile_serialization=not legacy)
    ticket = read_ticket(tmp_path / "t.pth")
    assert len(ticket) == 7
    assert all(np.array_equal(layer.mask.kept, mask) for layer in ticket)
    assert {item.name for item in ticket.skipped} == {"texts", "masked"}


def test_one_bad_tensor_does_not_cost_the_others(tmp_path: Path) -> None:
    base = torch.arange(24.0).reshape(4, 6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        wild = torch.sparse_coo_tensor(torch.tensor([[9], [0]]), torch.ones(1), size=(4, 4), check_invariants=False)
        quantized = torch.quantize_per_tensor(torch.ones(2, 2), 0.1, 0, torch.qint8)
    bad = {
        "expanded": torch.ones(1, 4).expand(4, 4),
        "overlap": base.as_strided((3, 3), (1, 1)),
        "wild": wild,
        "quantized": quantized,
        "huge": torch.ones(1).expand(2**25),
        "negated": torch.ones(2, 2, dtype=torch.complex64).conj().imag,
        "float8_e4m3fnuz": torch.ones(2, 2).to(torch.float8_e4m3fnuz),
    }
    ticket = read(tmp_path, {**bad, "sliced": base[1:, 1:5], "w": WEIGHT})
    assert ticket.names == ("sliced", "w")
    assert np.array_equal(ticket["sliced"].weight, base[1:, 1:5].numpy())
    assert {item.name for item in ticket.skipped} == bad.keys()


def test_storages_that_were_changed_are_found_out(tmp_path: Path) -> None:
    path = save(tmp_path / "t.pt", {"w": torch.full((40, 40), 1.5)})
    content = bytearray(path.read_bytes())
    at = content.index(np.full(40, 1.5, np.float32).tobytes())
    content[at + 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileError, match="expected the numbers that were saved; they are damaged"):
        list(read_ticket(path))


def test_a_file_without_sums_is_read(tmp_path: Path) -> None:
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        assert read(tmp_path, {"w": WEIGHT})["w"].mask.count == 3
    finally:
        torch.serialization.set_crc32_options(before)


def test_torch_script_is_read_and_not_run(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Flatten(), torch.nn.Linear(2, 2)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit will go one day; its files will not
        script = torch.jit.trace(model, torch.ones(1, 1, 3, 3))
        torch.jit.save(script, tmp_path / "t.pt")
        torch.jit.save(torch.jit.freeze(script), tmp_path / "frozen.pt")
    ticket = read_ticket(tmp_path / "t.pt")
    assert ticket.names == ("0.weight", "2.weight")
    assert np.array_equal(ticket["2.weight"].weight, model[2].weight.detach().numpy())
    assert ticket.meta["notes"] == ["a TorchScript program: its tensors were read, its code was not run"]
    frozen = read_ticket(tmp_path / "frozen.pt")
    assert sorted(layer.mask.shape for layer in frozen) == [(2, 2), (2, 9)]


def test_reading_needs_no_torch(tmp_path: Path) -> None:
    save(tmp_path / "t.pt", {"w": WEIGHT, "half": WEIGHT.bfloat16()})
    code = "import sys; from sparselab.formats import *; describe(read_ticket(sys.argv[1])); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "t.pt")], check=True)


def test_many_storages_are_refused_before_they_are_loaded(tmp_path: Path) -> None:
    path = save(tmp_path / "t.pt", {f"w{i}": torch.ones(1, 1) for i in range(50)})
    with pytest.raises(FileError, match="at most 40 members"):
        read_ticket(path, limits=ReadLimits(max_tensors=40))
