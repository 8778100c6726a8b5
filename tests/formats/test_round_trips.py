"""What is written comes back: bits, weights, shapes and names."""

from __future__ import annotations

import os
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils import prune

from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.core.ticket import ticket_of
from sparselab.formats import FORMATS, WRITERS, describe, read_ticket, write_own, write_ticket
from tests.formats.good_files import good_file
from tests.strategies import masks

SUFFIXES = {name: FORMATS[name].suffixes[0] for name in WRITERS}
NAMES = st.text("abz09_. -[]()é本", min_size=1, max_size=12).map(lambda text: f"L{text}w")


@st.composite
def some_layers(draw: st.DrawFn) -> list[Layer]:
    """One to three layers: matrices and kernels, half, single and double weights or none, some rewound."""
    layers = []
    for name in draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)):
        rows, channels = draw(st.integers(1, 9)), draw(st.integers(1, 9))
        kernel = draw(st.sampled_from([None, (1, 1), (3, 3), (2, 5), (3,), (2, 2, 2)]))
        shape = rows, channels * prod(kernel or ())
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        mask = Mask(rng.random(shape) < draw(st.sampled_from([0.0, 0.1, 0.5, 1.0])))
        dtype = draw(st.sampled_from([np.float16, np.float32, np.float64, None]))
        weight = None if dtype is None else np.round(rng.standard_normal(shape), 1).astype(dtype) * mask.kept
        rewound = rng.standard_normal(shape).astype(np.float32) if draw(st.booleans()) else None
        stride, padding = draw(st.integers(1, 3)), draw(st.integers(0, 3))
        layers.append(Layer(name, mask, weight, rewound, None, None, kernel, stride, padding))
    return layers


def same(left: np.ndarray | None, right: np.ndarray | None) -> bool:
    if left is None or right is None:
        return left is right
    return left.dtype == right.dtype and np.array_equal(left, right)


@pytest.mark.parametrize("format", WRITERS)
@given(layers=some_layers())
@settings(max_examples=40)
def test_written_formats(format: str, layers: list[Layer], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / f"round{SUFFIXES[format]}"
    write_ticket(layers, None, path, format)
    back = read_ticket(path)
    assert back.meta["format"] == format
    # safetensors sorts its tensors; the other two keep the order.
    names = [layer.name for layer in layers]
    order = sorted if format == "safetensors" else list
    assert order(back.names) == order(names)
    assert not back.skipped
    tensor_shapes = {entry.name: entry.tensor_shape for entry in back.entries}
    for layer in layers:
        read = back[layer.name]
        assert tensor_shapes[layer.name] == layer.tensor_shape
        assert read.mask.digest == layer.mask.digest
        assert read.kernel_shape == layer.kernel_shape
        assert same(read.weight, layer.weight)


@pytest.mark.parametrize("form", FORMATS)
@given(mask=masks())
@settings(max_examples=25)
def test_every_format_that_is_read(form: str, mask: Mask, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A file that others wrote holds the mask they wrote, and is known for what it is."""
    back = read_ticket(good_file(form, mask.kept.astype(np.float32), tmp_path_factory.getbasetemp()))
    assert back.meta["format"] == form
    (layer,) = back
    assert layer.mask == mask
    assert layer.weight is None or np.array_equal(layer.weight, mask.kept)


@given(layers=some_layers())
@settings(max_examples=40)
def test_own_format(layers: list[Layer], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "own.safetensors"
    write_own(ticket_of(layers), path)
    back = read_ticket(path)
    assert back.meta["format"] == "sparselab"
    assert describe(back)["layers"] == describe(ticket_of(layers))["layers"]
    for layer, read in zip(layers, back, strict=True):
        assert (read.kernel_shape, read.stride, read.padding) == (layer.kernel_shape, layer.stride, layer.padding)
        assert same(read.weight, layer.weight)
        assert same(read.rewound, layer.rewound)


@pytest.mark.parametrize("format", WRITERS)
def test_the_layouts_mask_is_applied(format: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    weight = rng.standard_normal((6, 8)).astype(np.float32)
    layer, other = Layer("a", Mask(np.ones((6, 8), bool)), weight), Layer("b", Mask(np.eye(4, dtype=bool)))
    layout = Layout.from_blocks(layer.mask, [Block([0, 2, 4], [1, 3, 5])], reason="")
    path = tmp_path / f"after{SUFFIXES[format]}"
    write_ticket([layer, other], {"a": layout}, path, format)
    back = read_ticket(path)
    assert back["a"].mask == layout.after
    assert same(back["a"].weight, np.where(layout.after.kept, weight, np.float32(0)))
    assert back["b"].mask == other.mask
    assert back["b"].weight is None


@pytest.mark.parametrize("format", WRITERS)
def test_a_pruned_model_takes_it_back(format: str, tmp_path: Path) -> None:
    def pruned(seed: int) -> torch.nn.Sequential:
        torch.manual_seed(seed)
        model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Flatten(), torch.nn.Linear(8 * 36, 5))
        for module in (model[0], model[2]):
            prune.random_unstructured(module, "weight", 0.7)
        return model

    model = pruned(1)
    state = {name: tensor.numpy() for name, tensor in model.state_dict().items() if "weight" in name}
    np.savez(tmp_path / "model.npz", **state)
    ticket = read_ticket(tmp_path / "model.npz")
    assert ticket.names == ("0.weight", "2.weight")
    path = tmp_path / f"model{SUFFIXES[format]}"
    write_ticket(ticket, None, path, format)

    other = pruned(2)
    if format == "torch":
        loaded = torch.load(path, weights_only=True)
    elif format == "npz":
        loaded = {name: torch.tensor(array) for name, array in np.load(path).items()}
    else:
        from safetensors.torch import load_file

        loaded = load_file(path)
    missing, unexpected = other.load_state_dict(loaded, strict=False)
    assert not unexpected
    assert set(missing) == {"0.bias", "2.bias"}
    other[0].bias, other[2].bias = model[0].bias, model[2].bias
    images = torch.randn(2, 3, 8, 8)
    assert torch.equal(other(images), model(images))


def test_a_layer_called_file(tmp_path: Path) -> None:
    write_ticket([Layer("file", Mask(np.eye(2, dtype=bool)))], None, tmp_path / "a.npz", "npz")
    assert read_ticket(tmp_path / "a.npz").names == ("file",)


def test_what_cannot_be_written(tmp_path: Path) -> None:
    layer = Layer("a", Mask(np.eye(2, dtype=bool)))
    other = Layout.unchanged(Mask(np.eye(3, dtype=bool)), "")
    with pytest.raises(SettingError, match="expected one of npz, safetensors, torch; got 'csv'"):
        write_ticket([layer], None, tmp_path / "a", "csv")
    with pytest.raises(SettingError, match="got b"):
        write_ticket([layer], {"b": other}, tmp_path / "a", "npz")
    with pytest.raises(SettingError, match="a: expected a layout of shape"):
        write_ticket([layer], {"a": other}, tmp_path / "a", "npz")
    with pytest.raises(SettingError, match="no layer"):
        write_ticket([], None, tmp_path / "a", "npz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("format", [*WRITERS, "own"])
def test_a_file_is_written_once_under_one_name_and_whoever_may_reads_it(
    format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that takes the name is the one that was made: a writer's own temporary files would outlive a kill."""
    made: list[int] = []
    real = os.replace

    def watched(source: Path, target: Path) -> None:
        made.append(source.stat().st_ino)
        real(source, target)

    inodes: list[int] = []
    touch = Path.touch

    def touched(path: Path, *arguments: Any, **more: Any) -> None:
        touch(path, *arguments, **more)
        inodes.append(path.stat().st_ino)

    monkeypatch.setattr(os, "replace", watched)
    monkeypatch.setattr(Path, "touch", touched)
    before = os.umask(0o022)
    try:
        layer, path = Layer("a", Mask(np.eye(3, dtype=bool)), np.ones((3, 3), dtype=np.float32)), tmp_path / "file"
        if format == "own":
            write_own(ticket_of([layer]), path)
        else:
            write_ticket([layer], None, path, format)
    finally:
        os.umask(before)
    assert made == inodes
    assert path.stat().st_mode & 0o777 == 0o644
    assert [found.name for found in tmp_path.iterdir()] == ["file"]
