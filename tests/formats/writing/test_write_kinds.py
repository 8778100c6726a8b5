"""Every way in which a mask goes with its weight is written back in that way."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.core.ticket import ticket_of
from sparselab.formats import FORMS, REWRITERS, ReadOptions, read_ticket, write_back, write_own
from sparselab.formats.options import DEFAULT_LIMITS
from tests.formats.writing.state_files import read_state, same_states, state_file

RNG = np.random.default_rng(5)
WEIGHT = torch.tensor(RNG.standard_normal((8, 6)), dtype=torch.float32)
KEPT = torch.tensor(RNG.random((8, 6)) < 0.5)
ZEROS = WEIGHT * KEPT
HWIO = torch.tensor(RNG.standard_normal((3, 3, 4, 8)), dtype=torch.float32) * torch.tensor(
    RNG.random((3, 3, 4, 8)) < 0.5
)

CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another prefix in the middle": ({"fc._orig_mod.weight": WEIGHT, "fc.weight_mask": KEPT}, {}),
    "words around the mask": ({"fc.weight": WEIGHT, "fc.__weight_mma_mask": KEPT.char()}, {}),
    "a parametrisation": (
        {"fc.parametrizations.weight.original": WEIGHT, "fc.parametrizations.weight.0.mask": KEPT.half()},
        {},
    ),
    "a mask of 255": ({"fc.weight": WEIGHT, "fc.mask": KEPT.byte() * 255}, {}),
    "rounded ones": ({"fc.weight": WEIGHT, "fc.weight_mask": KEPT.float() * 0.9999999}, {}),
    "sigmoids and a threshold": (
        {"fc.weight_orig": WEIGHT, "fc.weight_mask": torch.where(KEPT, 0.9, 0.1)},
        {"threshold": 0.5},
    ),
    "drifted weights and a threshold": ({"fc.weight": torch.where(KEPT, WEIGHT, 1e-12)}, {"threshold": 1e-9}),
    "a flat mask": ({"conv.weight": WEIGHT.reshape(8, 3, 2, 1), "conv.weight_mask": KEPT}, {}),
    "kernels of Keras": ({"conv.kernel": HWIO}, {"axes": ("HWIO",)}),
    "a list beside the weights": ({"state_dict": {"fc.weight": ZEROS}, "masks": [KEPT]}, {}),
    "a dictionary of another name": ({"state_dict": {"fc.weight": ZEROS}, "mask_dict": {"fc.weight": KEPT}}, {}),
    "channels last": ({"conv.weight": HWIO.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)}, {}),
    "sparse": ({"fc.weight": ZEROS.to_sparse()}, {}),
    "bfloat16": ({"fc.weight": ZEROS.bfloat16()}, {}),
}


def changed(before: Mask) -> Layout:
    """A layout that drops some of what is kept, and takes back what a pair has."""
    after = before.kept & (np.random.default_rng(1).random(before.shape) < 0.7)
    return Layout.masked(before, Mask(after), reason="drawn")


@pytest.mark.parametrize("case", CASES)
def test_a_mask_is_written_as_the_file_has_it(case: str, tmp_path: Path) -> None:
    state, options = CASES[case]
    bias = {"aside.bias": torch.arange(3.0)}
    wrapped = {**state, "state_dict": {**state["state_dict"], **bias}} if "state_dict" in state else {**state, **bias}
    torch.save(wrapped, tmp_path / "old.pt")
    reading = ReadOptions(**options)
    (layer,) = read_ticket(tmp_path / "old.pt", reading)
    layout = changed(layer.mask)
    assert layout.after != layer.mask
    written = write_back(tmp_path / "old.pt", {layer.name: layout}, tmp_path / "new.pt", options=reading)
    (there,) = read_ticket(written.path, reading)
    assert there.name == layer.name
    assert there.mask == layout.after
    new = read_state("torch", written.path)
    flat = {**{k: v for k, v in wrapped.items() if k != "state_dict"}, **wrapped.get("state_dict", {})}
    assert {*new} == {*flat}
    for name, tensor in flat.items():
        assert type(new[name]) is type(tensor)
        if torch.is_tensor(tensor):
            kinds = [(each.dtype, each.shape, each.layout) for each in (new[name], tensor)]
            assert kinds[0] == kinds[1]
            if tensor.layout == torch.strided:
                assert new[name].stride() == tensor.stride()
    for form in FORMS[1:]:
        other = write_back(tmp_path / "old.pt", {layer.name: layout}, tmp_path / f"{form}.safetensors", form=form)
        kept = [item for item in read_ticket(other.path, ReadOptions(axes=reading.axes)) if item.mask == layout.after]
        assert len(kept) == 1


def test_a_channel_mask_stays_one_where_it_can(tmp_path: Path) -> None:
    channels = torch.tensor([1.0, 0.0] * 4).reshape(8, 1, 1, 1)
    state = {"conv.weight": torch.randn(8, 3, 2, 2), "conv.weight_mask": channels}
    torch.save(state, tmp_path / "old.pt")
    (layer,) = read_ticket(tmp_path / "old.pt")
    rows = np.zeros(layer.mask.shape, bool)
    rows[1:5] = True
    for after, shape in ((rows, (8, 1, 1, 1)), (rows & (RNG.random(rows.shape) < 0.5), (8, 3, 2, 2))):
        layout = Layout.masked(layer.mask, Mask(after), reason="drawn")
        write_back(tmp_path / "old.pt", {layer.name: layout}, tmp_path / "new.pt", overwrite=True)
        assert read_state("torch", tmp_path / "new.pt")["conv.weight_mask"].shape == shape
        assert next(iter(read_ticket(tmp_path / "new.pt"))).mask.kept.tolist() == after.tolist()


def test_weights_that_come_back_have_the_files_values_and_those_without_one_are_counted(tmp_path: Path) -> None:
    full = torch.arange(1.0, 9.0).reshape(2, 4)
    full[0, 1] = float("nan")
    kept = torch.tensor([[1, 0, 0, 1], [1, 1, 0, 0]], dtype=torch.bool)
    after = Mask(np.array([[1, 1, 1, 0], [0, 1, 1, 1]], dtype=bool))
    torch.save(
        {"a.weight_orig": full, "a.weight_mask": kept, "b.weight": full.nan_to_num(0) * kept}, tmp_path / "old.pt"
    )
    ticket = read_ticket(tmp_path / "old.pt")
    layouts = {layer.name: Layout.masked(layer.mask, after, reason="drawn") for layer in ticket}
    written = write_back(tmp_path / "old.pt", layouts, tmp_path / "new.pt")
    assert written.zeros == {"a.weight": 1, "b.weight": 4}
    new = read_state("torch", written.path)
    assert new["a.weight_orig"].tolist() == [[1, 0, 3, 4], [5, 6, 7, 8]]
    assert new["b.weight"].tolist() == [[1, 0, 0, 0], [0, 6, 0, 0]]


def test_one_tensor_under_two_names_is_changed_under_both(tmp_path: Path) -> None:
    """Loading takes the last of them: the change of the first would be lost."""
    model = torch.nn.ModuleDict({"embed": torch.nn.Embedding(8, 6), "head": torch.nn.Linear(6, 8, bias=False)})
    model["head"].weight = model["embed"].weight
    torch.save(model.state_dict(), tmp_path / "old.pt")
    layer = read_ticket(tmp_path / "old.pt")["embed.weight"]
    written = write_back(tmp_path / "old.pt", {layer.name: changed(layer.mask)}, tmp_path / "new.pt")
    new = read_state("torch", written.path)
    assert torch.equal(new["embed.weight"], new["head.weight"])
    assert not torch.equal(new["embed.weight"], model["embed"].weight)
    assert written.notes == ("head.weight shares its numbers with embed.weight",)


def test_our_own_file_stays_one_and_its_rewound_weights_come_back(tmp_path: Path) -> None:
    kept = KEPT.numpy()
    rewound = RNG.standard_normal(kept.shape).astype(np.float32)
    write_own(ticket_of([Layer("fc.weight", Mask(kept), ZEROS.numpy(), rewound)]), tmp_path / "old.safetensors")
    after = Mask(RNG.random(kept.shape) < 0.5)
    layouts = {"fc.weight": Layout.masked(Mask(kept), after, reason="drawn")}
    expected = np.where(after.kept, np.where(kept, ZEROS.numpy(), rewound), 0)
    for out, format in (("new.safetensors", "sparselab"), ("new.pt", "torch")):
        written = write_back(tmp_path / "old.safetensors", layouts, tmp_path / out)
        assert not written.zeros
        ticket = read_ticket(written.path)
        assert ticket.meta["format"] == format
        assert ticket["fc.weight"].mask == after
        assert np.array_equal(ticket["fc.weight"].weight, expected)


def test_what_a_file_of_arrays_holds_besides_stays_in_it(tmp_path: Path) -> None:
    """Objects are never opened, and copied; the byte order and the order of axes in memory stay."""
    weight = np.asfortranarray(ZEROS.numpy().astype(">f8"))
    objects = np.array([{"a": 1}, None], dtype=object)
    np.savez(tmp_path / "old.npz", **{"fc.weight": weight}, objects=objects)
    (layer,) = read_ticket(tmp_path / "old.npz")
    write_back(tmp_path / "old.npz", {layer.name: changed(layer.mask)}, tmp_path / "new.npz")
    with np.load(tmp_path / "new.npz", allow_pickle=True) as new:
        assert list(new) == ["fc.weight", "objects"]
        assert new["objects"][0] == {"a": 1}
        assert new["fc.weight"].dtype == np.dtype(">f8")
        assert new["fc.weight"].flags.f_contiguous


def test_the_bytes_of_a_safetensors_file_are_the_same(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    state = {
        "b": torch.ones(3, dtype=torch.uint8),
        "module.a": ZEROS.bfloat16(),
        "c": torch.ones(2, 2, dtype=torch.float64),
    }
    save_file(state, tmp_path / "old.safetensors", metadata={"made by": "a test"})
    write_back(tmp_path / "old.safetensors", {}, tmp_path / "new.safetensors")
    assert (tmp_path / "new.safetensors").read_bytes() == (tmp_path / "old.safetensors").read_bytes()
    same_states(
        read_state("safetensors", tmp_path / "new.safetensors"), read_state("safetensors", tmp_path / "old.safetensors")
    )


def test_masks_of_a_second_file_are_applied_to_the_weights(tmp_path: Path) -> None:
    torch.save({"fc.weight": WEIGHT, "fc.bias": WEIGHT[:, 0]}, tmp_path / "old.pt")
    torch.save({"fc.weight": KEPT}, tmp_path / "masks.pt")
    reading = ReadOptions(masks=str(tmp_path / "masks.pt"))
    layer = read_ticket(tmp_path / "old.pt", reading)["fc.weight"]
    after = Mask(RNG.random((8, 6)) < 0.5)
    layouts = {layer.name: Layout.masked(layer.mask, after, reason="drawn")}
    written = write_back(tmp_path / "old.pt", layouts, tmp_path / "new.pt", options=reading)
    new = read_state("torch", written.path)
    assert list(new) == ["fc.weight", "fc.bias"]
    assert np.array_equal(new["fc.weight"], WEIGHT.numpy() * after.kept), "the file has all the weights that come back"
    assert not written.zeros


def test_a_checkpoint_with_objects_of_a_program_is_none_to_copy(tmp_path: Path) -> None:
    """Nothing of it is called: where its reader knows its tensors, it is written anew from those."""
    torch.save({"state_dict": {"fc.weight": ZEROS}, "args": argparse.Namespace(lr=0.1)}, tmp_path / "old.pt")
    assert REWRITERS["torch"](tmp_path / "old.pt", {}, tmp_path / "new.pt", DEFAULT_LIMITS) is None
    assert not (tmp_path / "new.pt").exists()


def test_a_file_of_before_is_written_as_torch_writes_today(tmp_path: Path) -> None:
    state = {"module.fc.weight": ZEROS.bfloat16(), "module.fc.bias": torch.arange(8.0)}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "old.th", _use_new_zipfile_serialization=False)
    layer = read_ticket(tmp_path / "old.th")["fc.weight"]
    layout = changed(layer.mask)
    written = write_back(tmp_path / "old.th", {layer.name: layout}, tmp_path / "new.th")
    assert written.format == "torch"
    assert read_ticket(written.path)["fc.weight"].mask == layout.after
    new = read_state("torch", written.path)
    assert [(name, tensor.dtype) for name, tensor in new.items()] == [(n, t.dtype) for n, t in state.items()]


def test_a_sparse_matrix_of_several_arrays_is_written_as_one(tmp_path: Path) -> None:
    scipy_sparse = pytest.importorskip("scipy.sparse")
    scipy_sparse.save_npz(tmp_path / "old.npz", scipy_sparse.csr_matrix(ZEROS.numpy()))
    (layer,) = read_ticket(tmp_path / "old.npz")
    layout = changed(layer.mask)
    write_back(tmp_path / "old.npz", {layer.name: layout}, tmp_path / "new.npz")
    ((_, array),) = np.load(tmp_path / "new.npz").items()
    assert np.array_equal(array, np.where(layout.after.kept, ZEROS.numpy(), 0))


def test_axes_that_the_new_file_does_not_say_are_told(tmp_path: Path) -> None:
    torch.save({"conv.other": HWIO}, tmp_path / "old.pt")
    reading = ReadOptions(axes=("HWIO",))
    layer = read_ticket(tmp_path / "old.pt", reading)["conv.other"]
    layouts = {layer.name: changed(layer.mask)}
    written = write_back(tmp_path / "old.pt", layouts, tmp_path / "new.npz", options=reading)
    assert "--axes conv.other=HWIO" in written.notes[0]
    there = read_ticket(written.path, ReadOptions(axes=("conv.other=HWIO",)))["conv.other"]
    assert there.mask == layouts[layer.name].after
    assert not write_back(tmp_path / "old.pt", layouts, tmp_path / "new.pt", options=reading).notes


@pytest.mark.parametrize("source", ["torch", "safetensors"])
def test_number_types_go_along_into_another_format(source: str, tmp_path: Path) -> None:
    state = {"fc.weight": ZEROS.bfloat16(), "fc.bias": torch.arange(8).to(torch.float8_e4m3fn), "n": torch.tensor(3)}
    path = state_file(source, state, tmp_path / "old")
    for suffix, format in ((".pt", "torch"), (".safetensors", "safetensors")):
        new = read_state(format, write_back(path, {}, tmp_path / f"new{suffix}").path)
        same_states(dict(sorted(new.items())), dict(sorted(state.items())))
