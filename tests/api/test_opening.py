"""What is opened in memory is what a file of it would hold."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import sparselab
from sparselab.core.errors import SettingError, SparselabError
from sparselab.core.layer import Layer
from sparselab.core.mask import Mask
from sparselab.core.ticket import Ticket
from tests.strategies import masks

NAMES = (
    "conv.weight",
    "conv.weight_orig",
    "conv.weight_mask",
    "conv",
    "conv_mask",
    "module.fc.weight",
    "fc.bias",
    "mask",
)
TYPES = ("?", "i1", "<i4", ">i8", "u2", "<f2", ">f4", "f8", "c8", "U3", "M8[s]")


@st.composite
def checkpoints(draw: st.DrawFn) -> dict[str, np.ndarray]:
    """Arrays of any type and shape under names of layers, masks and buffers; some have two names, some no elements."""
    found = {}
    shape = arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=5)):
        kind = np.dtype(draw(st.sampled_from(TYPES)))
        sizes = draw(st.just((4, 2, 3)) | shape)
        rng = np.random.default_rng(draw(st.integers(0, 999)))
        values = rng.standard_normal(sizes) * (rng.random(sizes) < 0.5)
        if draw(st.booleans()):
            values = values != 0
        if kind.kind == "f" and draw(st.integers(0, 9)) == 0 and values.size:
            values = np.full(sizes, draw(st.sampled_from([np.nan, np.inf])))
        with np.errstate(invalid="ignore"):
            array = np.asarray(values).astype("f8").astype("i8" if kind.kind in "iuMU" else kind).astype(kind)
        found[name] = np.asfortranarray(array) if draw(st.booleans()) else array
    return found


def described(ticket: Ticket) -> list[Any]:
    """All that a ticket says and all that its layers hold, or the words with which one is refused."""
    layers = []
    for entry in ticket.entries:
        try:
            layer = entry.load()
        except SparselabError as error:
            layers.append(str(error))
            continue
        weight = None if layer.weight is None else (layer.weight.dtype, layer.weight.tobytes())
        layers.append((layer.name, layer.mask, weight, layer.kernel_shape, entry.tensor_shape, entry.conversion))
    return [layers, ticket.skipped]


def opened(source: Any) -> list[Any] | str:
    try:
        return described(sparselab.open(source))
    except SparselabError as error:
        return str(error).replace("an empty file", "an empty mapping")


@given(checkpoint=checkpoints())
def test_a_mapping_is_read_as_a_file_of_the_same_arrays(checkpoint: dict[str, np.ndarray]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "arrays.npz"
        np.savez(path, **checkpoint)
        assert opened(checkpoint) == opened(path) == opened(str(path))


@given(mask=masks(), nested=st.booleans(), bfloat16=st.booleans())
def test_a_state_dict_is_read_as_its_file(mask: Mask, nested: bool, bfloat16: bool) -> None:
    weight = torch.randn(mask.shape).to(torch.bfloat16 if bfloat16 else torch.float32)
    state: dict[str, Any] = {
        "a.weight_orig": weight,
        "a.weight_mask": torch.tensor(mask.kept),
        "a.bias": torch.ones(3),
        "sparse.weight": (weight * torch.tensor(mask.kept)).to_sparse(),
        "epoch": 3,
    }
    if nested:
        state = {"state_dict": state, "optimizer": {"state": {}}, "masks": {"b.weight": torch.tensor(mask.kept)}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.pt"
        torch.save(state, path)
        assert opened(state) == opened(path)
        assert sparselab.open(state).meta["notes"] == sparselab.open(path).meta["notes"]


def test_every_form_of_one_layer_opens() -> None:
    kept = np.eye(4, dtype=bool)
    layer = Layer("mine", Mask(kept))
    for source, name in ((kept, "weight"), (Mask(kept), "weight"), (torch.tensor(kept), "weight"), (layer, "mine")):
        ticket = sparselab.open(source)
        assert ticket.names == (name,)
        assert ticket[name].mask == Mask(kept)
        assert sparselab.open(ticket) is ticket
    assert sparselab.open({"m": Mask(kept)})["m"].mask == Mask(kept)


def test_a_mapping_in_memory_changes_nothing_and_is_told_apart_from_nothing() -> None:
    for source, words in (
        ({}, "got an empty mapping"),
        ({"a": "text", 3: None}, "not a tensor"),
        ({"a": {"b": {}}}, "got an empty mapping"),
        ({10**5000: 1.0}, "raised ValueError"),
    ):
        with pytest.raises(SparselabError, match=words):
            sparselab.open(source)
    loop: dict[str, Any] = {"w": np.eye(3) / 2}
    loop["again"] = loop
    assert sparselab.open(loop).names == ("w",)


def test_regroup_does_every_layer_and_says_why_one_is_not_done() -> None:
    rng = np.random.default_rng(0)
    state = {
        "0.weight": rng.standard_normal((32, 48)) * (rng.random((32, 48)) < 0.2),
        "1.weight": np.full((4, 4), np.nan),
        "2.weight": rng.random((16, 16)) < 0.5,
        "2.bias": np.ones(3),
    }
    ticket = sparselab.open(state)
    result = sparselab.regroup(ticket, rows_per_group=8, weigh="energy", device="cpu")
    assert list(result.layouts) == list(result.reports) == ["0.weight"]
    assert [item.name for item in result.skipped] == ["1.weight", "2.weight"]
    assert "16 NaN" in result.skipped[0].reason
    assert "needs" in result.skipped[1].reason
    alone = sparselab.Regroup(rows_per_group=8, weigh="energy")(ticket["0.weight"], device="cpu")
    assert result.layouts["0.weight"].after == alone.after
    assert result.reports["0.weight"].coverage == sparselab.report(alone, state["0.weight"]).coverage


def test_settings_that_regroup_has_not_are_refused() -> None:
    with pytest.raises(SettingError, match=r"expected settings of Regroup, rule, grouper, .*; got rows"):
        sparselab.regroup(np.eye(3), rows=3)


def test_a_report_of_another_layer_is_refused() -> None:
    layout = sparselab.Regroup()(np.eye(4))
    with pytest.raises(SparselabError, match=r"expected the layer of the layout, \(4, 4\); got \(3, 3\)"):
        sparselab.report(layout, np.eye(3))


def test_a_model_opens_as_its_state_dict_and_is_converted_by_the_names_found() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 16)).eval()
    with torch.no_grad():
        for layer in (model[0], model[2]):
            layer.weight *= torch.rand_like(layer.weight) < 0.3
    layouts = sparselab.regroup(model.state_dict(), rows_per_group=8, device="cpu").layouts
    assert list(layouts) == ["0.weight", "2.weight"]
    assert sparselab.convert(model, layouts).swapped == ("0.weight", "2.weight")
