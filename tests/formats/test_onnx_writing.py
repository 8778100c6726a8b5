"""An ONNX model written again: the weights are new, everything else is as it was, and the model runs as the masked one."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from sparselab.core.errors import FileError, SettingError
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.formats import read_ticket, write_back, write_onnx
from sparselab.formats.base import ArchiveEntry
from sparselab.formats.options import DEFAULT_LIMITS
from sparselab.formats.readers.onnx import open_onnx
from sparselab.transforms import Regroup
from tests.formats.onnx_models import node, outputs, save, save_outside, sparse_tensor, tensor, weight


def entries(path: Path) -> dict[str, ArchiveEntry]:
    return {entry.name: entry for entry in open_onnx(path, DEFAULT_LIMITS).entries}


def without_numbers(path: Path) -> onnx.ModelProto:
    """A model with nothing in its tensors but their names, types and shapes."""
    model = onnx.load_model(path, load_external_data=False)
    graph = model.graph
    constants = [each.t for item in graph.node if item.op_type == "Constant" for each in item.attribute]
    for item in (*graph.initializer, *constants):
        for field in ("raw_data", "float_data", "int32_data", "int64_data", "external_data", "data_location"):
            item.ClearField(field)
    for found in graph.sparse_initializer:
        found.values.CopyFrom(TensorProto(name=found.values.name, data_type=found.values.data_type))
        found.indices.Clear()
    return model


class Block(torch.nn.Module):
    """A block of a residual network: convolutions of stride and groups, one of them folded with its normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = torch.nn.Conv2d(4, 16, 3, stride=2, padding=1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(16)
        self.conv2 = torch.nn.Conv2d(16, 16, 3, padding=1, groups=4)
        self.up = torch.nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.fc = torch.nn.Linear(8, 12)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = torch.relu(self.bn1(self.conv1(x)))
        second = torch.relu(self.conv2(first) + first)
        return self.fc(self.up(second).mean((2, 3)))


class Encoder(torch.nn.Module):
    """A layer of a transformer, and what follows it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.out = torch.nn.Linear(16, 6, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.layer(x))


EXPORTS: dict[str, tuple[Callable[[], torch.nn.Module], tuple[int, ...], bool]] = {
    "residual": (Block, (2, 4, 8, 8), False),
    "residual, by torch.export": (Block, (2, 4, 8, 8), True),
    "transformer": (Encoder, (2, 5, 16), False),
}
AXES = {
    "conv1.weight": "OIHW", "conv2.weight": "OIHW", "up.weight": "IOHW", "fc.weight": "OI", "out.weight": "IO",
    "layer.self_attn.weight": "IO", "layer.self_attn.out_proj.weight": "OI", "layer.linear1.weight": "IO",
    "layer.linear2.weight": "IO",
}  # fmt: skip


def export(name: str, path: Path) -> tuple[torch.nn.Module, torch.Tensor]:
    make, shape, dynamo = EXPORTS[name]
    torch.manual_seed(0)
    model, x = make().eval(), torch.randn(shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (x,), path, dynamo=dynamo, verbose=False)
    return model, x


def regrouped(entry: ArchiveEntry) -> np.ndarray:
    """Half of a weight's numbers set to 0, and then what regrouping keeps, in the file's own order of axes."""
    values = entry.load()
    order = sorted(range(values.ndim), key=lambda axis: ("OI".find(entry.axes[axis]) % 9, axis))
    turned = values.transpose(order)
    matrix = turned.reshape(len(turned), -1)
    kept = np.abs(matrix) >= np.median(np.abs(matrix))
    after = Regroup(rows_per_group=4)(Layer("l", Mask(kept), matrix)).after.kept
    assert 0 < after.sum() < after.size
    return np.where(after, matrix, 0).reshape(turned.shape).transpose(np.argsort(order)).astype(values.dtype)


@pytest.mark.parametrize("name", EXPORTS)
def test_an_exported_model_of_regrouped_weights_computes_what_the_masked_one_does(name: str, tmp_path: Path) -> None:
    source, out = tmp_path / "model.onnx", tmp_path / "elsewhere" / "new.onnx"
    out.parent.mkdir()
    model, x = export(name, source)
    weights = {entry.shown or key: entry for key, entry in entries(source).items() if entry.role == "weight"}
    parameters = {key: value for key, value in model.state_dict().items() if value.ndim > 1}
    assert {key.replace("in_proj_weight", "weight") for key in parameters} == weights.keys()
    assert {key: entry.axes for key, entry in weights.items()} == {key: AXES[key] for key in weights}
    if "conv1.weight" in weights:
        found = [weights[f"conv{i}.weight"].geometry for i in (1, 2)]
        assert [(each.stride, each.padding, each.groups) for each in found if each] == [(2, 1, 1), (1, 1, 4)]
    news = {entry.name: regrouped(entry) for entry in weights.values()}
    with torch.no_grad():
        for key, parameter in parameters.items():
            entry = weights[key.replace("in_proj_weight", "weight")]
            mask = news[entry.name] != 0
            model.get_parameter(key).copy_(parameter * torch.tensor(mask.T if entry.axes == "IO" else mask))
        expected = model(x).numpy()
    write_onnx(source, news, out)
    onnx.checker.check_model(str(out), full_check=True)
    (got,) = outputs(out, x.numpy())
    assert np.abs(got - expected).max() < 1e-4
    assert np.abs(outputs(source, x.numpy())[0] - expected).max() > 1e-3
    assert without_numbers(out) == without_numbers(source)


def mixed(folder: Path, *, outside: bool = False) -> Path:
    """A chain of weights that lie in every kind of place a model has for them, and one that nobody changes."""
    nodes = [
        node("Constant", [], ["constant"], "made", value=tensor("value", weight(8, 8, seed=1))),
        node("MatMul", ["x", "raw"], ["v0"], "first"),
        node("MatMul", ["v0", "typed"], ["v1"]),
        node("MatMul", ["v1", "constant"], ["v2"]),
        node("MatMul", ["v2", "linear"], ["v3"]),
        node("MatMul", ["v3", "rows"], ["v4"]),
        node("Cast", ["half"], ["single"], to=TensorProto.FLOAT),
        node("MatMul", ["v4", "single"], ["v5"]),
        node("DequantizeLinear", ["whole", "scale", "point"], ["values"], axis=1),
        node("MatMul", ["v5", "values"], ["v6"]),
        node("MatMul", ["v6", "other"], ["y"]),
    ]
    typed = weight(8, 8, seed=2)
    tensors = [
        tensor("raw", weight(8, 8, seed=3)),
        helper.make_tensor("typed", TensorProto.FLOAT, (8, 8), typed.reshape(-1).tolist()),
        helper.make_tensor("half", TensorProto.FLOAT16, (8, 8), weight(8, 8, seed=4).astype(np.float16).reshape(-1)),
        tensor("whole", np.random.default_rng(5).integers(-9, 9, (8, 8)).astype(np.int8)),
        tensor("scale", np.linspace(0.1, 0.3, 8, dtype=np.float32)),
        tensor("point", np.arange(8, dtype=np.int8)),
        tensor("other", weight(8, 8, seed=6)),
    ]
    sparse = [sparse_tensor(n, weight(8, 8, seed=7), is_linear=n == "linear") for n in ("linear", "rows")]
    return (save_outside if outside else save)(folder / "mixed.onnx", nodes, tensors, sparse=sparse, x=(3, 8))


CHANGED = ("raw", "typed", "constant", "linear", "rows", "half", "whole")
X = np.random.default_rng(8).standard_normal((3, 8)).astype(np.float32)


@settings(max_examples=15)
@given(names=st.sets(st.sampled_from(CHANGED)), seed=st.integers(0, 99), density=st.sampled_from([0.0, 0.4, 1.0]))
@pytest.mark.parametrize("outside", [False, True])
def test_weights_in_every_place_are_what_they_are_told_and_nothing_else_changes(
    outside: bool, names: set[str], seed: int, density: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    source = mixed(tmp_path_factory.mktemp("source"), outside=outside)
    out = tmp_path_factory.mktemp("out") / "new.onnx"
    before = entries(source)
    kept = np.random.default_rng(seed).random((8, 8)) < density
    news = {name: np.where(kept, before[name].load(), 0).astype(before[name].dtype) for name in names}
    write_onnx(source, news, out)
    after = entries(out)
    assert list(after) == list(before)
    for name, entry in after.items():
        assert np.array_equal(entry.load(), news.get(name, before[name].load())), name
        assert entry.dtype == before[name].dtype
    assert without_numbers(out) == without_numbers(source)
    onnx.checker.check_model(str(out))
    assert sorted(os.listdir(out.parent)) == ["new.onnx", *(["new.onnx.data"] if outside else [])]
    if not names and not outside:
        assert out.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("outside", [False, True])
def test_a_written_model_runs_as_its_weights_say(outside: bool, tmp_path: Path) -> None:
    source, out = mixed(tmp_path, outside=outside), tmp_path / "new.onnx"
    news = {
        name: entry.load() * (weight(8, 8, seed=9) != 0) for name, entry in entries(source).items() if name in CHANGED
    }
    write_onnx(source, news, out)
    expected = X.astype(np.float64)
    for name in ("raw", "typed", "constant", "linear", "rows", "half", "whole", "other"):
        expected = expected @ entries(out)[name].load().astype(np.float64)
    (got,) = outputs(out, X)
    assert np.allclose(got, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_a_zero_of_a_quantised_weight_is_its_zero_point_and_the_other_numbers_stay(tmp_path: Path) -> None:
    source, out = mixed(tmp_path), tmp_path / "new.onnx"
    kept = weight(8, 8, seed=10) != 0
    write_onnx(source, {"whole": entries(source)["whole"].load() * kept}, out)
    before, after = (
        {item.name: numpy_helper.to_array(item) for item in onnx.load_model(path).graph.initializer}
        for path in (source, out)
    )
    assert np.array_equal(after["whole"], np.where(kept, before["whole"], before["point"]))
    assert after["whole"].dtype == np.int8


def test_bfloat16_takes_its_words_or_values_to_the_nearest(tmp_path: Path) -> None:
    found = TensorProto(name="w", dims=(2, 2), data_type=TensorProto.BFLOAT16, raw_data=bytes(8))
    source, out = save(tmp_path / "m.onnx", [node("MatMul", ["x", "w"], ["y"])], [found]), tmp_path / "new.onnx"
    values = np.array([[1.0, -2.5], [0.0, 1 + 2**-9]], np.float32)
    write_onnx(source, {"w": values}, out)
    assert np.array_equal(entries(out)["w"].load(), [[1.0, -2.5], [0.0, 1.0]])
    write_onnx(source, {"w": np.array([[0x3F80, 0], [0, 0]], np.uint16)}, out)
    assert np.array_equal(entries(out)["w"].load(), [[1.0, 0.0], [0.0, 0.0]])


def test_lengths_that_need_another_byte_are_written_anew(tmp_path: Path) -> None:
    """Small halves take one byte each in their field and two as raw data: the tensor outgrows what its length can say."""
    halves = helper.make_tensor("w", TensorProto.FLOAT16, (10, 11), [0.0] * 110)
    source, out = save(tmp_path / "m.onnx", [node("MatMul", ["x", "w"], ["y"])], [halves]), tmp_path / "new.onnx"
    values = weight(10, 11).astype(np.float16)
    write_onnx(source, {"w": values}, out)
    assert np.array_equal(entries(out)["w"].load(), values)
    assert without_numbers(out) == without_numbers(source)


def test_a_model_may_be_written_over_itself(tmp_path: Path) -> None:
    source = mixed(tmp_path, outside=True)
    news = {"raw": np.zeros((8, 8), np.float32)}
    for _ in range(2):
        write_onnx(source, news, source)
        assert not entries(source)["raw"].load().any()
        assert entries(source)["other"].load().any()


@pytest.mark.parametrize("outside", [False, True])
def test_new_masks_go_back_through_the_graph_in_one_file(outside: bool, tmp_path: Path) -> None:
    source, out = mixed(tmp_path, outside=outside), tmp_path / "new" / "new.onnx"
    out.parent.mkdir()
    before = read_ticket(source)
    kept = {layer.name: layer.mask.kept & (weight(8, 8, seed=11) != 0) for layer in before}
    layouts = {layer.name: Layout.masked(layer.mask, Mask(kept[layer.name]), reason="test") for layer in before}
    written = write_back(source, layouts, out)
    assert (written.format, os.listdir(out.parent)) == ("onnx", ["new.onnx"])
    assert any("lay outside" in note for note in written.notes) == outside
    onnx.checker.check_model(str(out))
    old, new = entries(source), entries(out)
    for name, mask in kept.items():
        assert old[name].axes == "IO"
        assert np.array_equal(new[name].load(), np.where(mask.T, old[name].load(), 0)), name
    assert without_numbers(out) == without_numbers(source)
    assert outputs(out, X)[0].shape == (3, 8)


def test_a_model_with_parts_that_are_not_read_stays_beside_its_files(tmp_path: Path) -> None:
    inner = helper.make_graph([node("Identity", ["x"], ["b"])], "branch", [], [])
    nodes = [node("If", ["q"], ["z"], then_branch=inner, else_branch=inner), node("MatMul", ["x", "w"], ["y"])]
    source = save_outside(tmp_path / "m.onnx", nodes, [tensor("w", weight(8, 8))])
    (tmp_path / "new").mkdir()
    for write in (write_onnx, lambda source, _, out: write_back(source, {}, out)):
        with pytest.raises(SettingError, match="own folder"):
            write(source, {}, tmp_path / "new" / "m.onnx")
        write(source, {}, tmp_path / f"{write.__name__.strip('<>')}.onnx")
    assert not os.listdir(tmp_path / "new")


def test_a_graph_takes_no_pair(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="takes no pair"):
        write_back(mixed(tmp_path), {}, tmp_path / "new.onnx", form="pairs")
    assert os.listdir(tmp_path) == ["mixed.onnx"]


REFUSED: dict[str, tuple[Mapping[str, Any], str, type[Exception], str]] = {
    "name": ({"nobody": np.zeros((8, 8))}, "new.onnx", SettingError, "nobody: expected the name"),
    "shape": ({"raw": np.zeros((8, 7))}, "new.onnx", SettingError, r"shape \(8, 8\); got \(8, 7\)"),
    "halves": ({"point": np.full(8, 0.5)}, "new.onnx", SettingError, "numbers that int8 can hold"),
    "its data": ({}, "mixed.bin", SettingError, "another name"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_written_leaves_nothing_behind(case: str, tmp_path: Path) -> None:
    source = mixed(tmp_path, outside=True)
    news, out, kind, says = REFUSED[case]
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(kind, match=says):
        write_onnx(source, news, tmp_path / out)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_model_whose_data_is_lost_is_not_written(tmp_path: Path) -> None:
    source = mixed(tmp_path, outside=True)
    (tmp_path / "mixed.bin").unlink()
    with pytest.raises(FileError, match="no such file"):
        write_onnx(source, {}, tmp_path / "new.onnx")
