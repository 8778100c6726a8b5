"""State dicts in files of every format that is written back, by other means than ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from sparselab.formats import FORMATS

State = Mapping[str, torch.Tensor]
NUMPY = frozenset({"npz", "npy", "smtx"})
"""Formats that have NumPy's types alone."""

ALONE = frozenset({"npy", "smtx", "onnx"})
"""Formats of one array, or of none that is a pair."""


def _npz(state: State, path: Path) -> None:
    np.savez_compressed(path, **{name: tensor.numpy() for name, tensor in state.items()})


def _npy(state: State, path: Path) -> None:
    (tensor,) = state.values()
    np.save(path, tensor.numpy())


def _smtx(state: State, path: Path) -> None:
    from tests.formats.good_files import WRITE

    (tensor,) = state.values()
    WRITE["smtx"](tensor.numpy(), path)


def _onnx(state: State, path: Path) -> None:
    from onnx import helper, numpy_helper

    tensors = [numpy_helper.from_array(tensor.numpy(), name) for name, tensor in state.items()]
    nodes = [helper.make_node("Gemm", ["x", name], [f"y of {name}"], transB=1) for name in state]
    path.write_bytes(helper.make_model(helper.make_graph(nodes, "g", [], [], tensors)).SerializeToString())


def _folder(state: State, path: Path) -> None:
    """Two shards, an index and a config."""
    path.mkdir()
    names = list(state)
    halves = {"model-1.safetensors": names[::2], "model-2.safetensors": names[1::2]}
    for shard, held in halves.items():
        save_file({name: state[name] for name in held}, path / shard, metadata={"format": "pt"})
    places = {name: shard for shard, held in halves.items() for name in held}
    index = {"metadata": {"total_size": sum(t.nbytes for t in state.values())}, "weight_map": places}
    (path / "model.safetensors.index.json").write_text(json.dumps(index))
    (path / "config.json").write_text('{"model_type": "tiny"}')


SAVE: Mapping[str, Callable[[State, Path], Any]] = {
    "safetensors": lambda state, path: save_file(dict(state), path, metadata={"made by": "a test"}),
    "torch": torch.save,
    "npz": _npz,
    "npy": _npy,
    "smtx": _smtx,
    "onnx": _onnx,
    "model-folder": _folder,
}


def state_file(format: str, state: State, stem: Path) -> Path:
    """Write a state dict in a format of the registry; a format that nobody wrote a line for here fails."""
    assert format in SAVE, f"{format}: write a state dict in it by other means than ours in {__name__}.SAVE"
    path = stem if format == "model-folder" else stem.with_suffix(FORMATS[format].suffixes[0])
    SAVE[format](state, path)
    return path


def read_state(format: str, path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict by other means than ours."""
    if format == "torch":
        return dict(torch.load(path, weights_only=True))
    if format == "npz":
        return {name: torch.tensor(array) for name, array in np.load(path).items()}
    if format == "npy":
        return {"alone": torch.tensor(np.load(path))}
    if format == "smtx":
        return {"alone": torch.tensor([*path.read_bytes()])}
    if format == "onnx":
        import onnx

        tensors = onnx.load_model(path).graph.initializer
        return {item.name: torch.tensor(onnx.numpy_helper.to_array(item)) for item in tensors}
    if path.is_dir():
        index = json.loads((path / "model.safetensors.index.json").read_text())
        shards = {shard: load_file(path / shard) for shard in {*index["weight_map"].values()}}
        assert index["metadata"]["total_size"] == sum(t.nbytes for shard in shards.values() for t in shard.values())
        assert (path / "config.json").is_file()
        return {name: shards[shard][name] for name, shard in index["weight_map"].items()}
    return load_file(path)


def same_states(left: State, right: State) -> None:
    """Assert that two state dicts have the same names in the same order, shapes, types and bits."""
    assert list(left) == list(right)
    for name, tensor in left.items():
        assert (tensor.dtype, tensor.shape) == (right[name].dtype, right[name].shape), name
        assert (
            tensor.contiguous()
            .reshape(-1)
            .view(torch.uint8)
            .equal(right[name].contiguous().reshape(-1).view(torch.uint8))
        )
