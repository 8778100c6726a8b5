"""Folders of models nobody should open without care, each made by one function that returns the path to open."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.formats.hostile_files import safetensors, tensor

INDEX = "model.safetensors.index.json"
SHARD = "model-00001-of-00001.safetensors"


def write_shard(path: Path, **shapes: list[int]) -> Path:
    """A file of zeros under names and shapes, as float32."""
    header, reached = {}, 0
    for name, (rows, cols) in shapes.items():
        header[name] = tensor([rows, cols], reached, reached + 4 * rows * cols)
        reached += 4 * rows * cols
    return safetensors(path, header, bytes(reached))


def index(content: Any, *, shard: bool = True) -> Callable[[Path], Path]:
    """A folder whose index holds `content`, beside one shard with the tensor `w`; returns the index."""

    def make(folder: Path) -> Path:
        if shard:
            write_shard(folder / SHARD, w=[4, 4])
        text = content if isinstance(content, bytes) else json.dumps(content).encode()
        (folder / INDEX).write_bytes(text)
        return folder / INDEX

    return make


def placed(file: Any) -> Callable[[Path], Path]:
    """An index that places the tensor `w` in `file`."""
    return index({"weight_map": {"w": file}})


def link_out(folder: Path) -> Path:
    inner = folder / "model"
    inner.mkdir()
    write_shard(folder / "secret.safetensors", w=[4, 4])
    os.symlink(folder / "secret.safetensors", inner / SHARD)
    return placed_in(inner)


def link_circle(folder: Path) -> Path:
    os.symlink(folder / SHARD, folder / SHARD)
    return placed_in(folder)


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / SHARD)
    return placed_in(folder)


def placed_in(folder: Path) -> Path:
    (folder / INDEX).write_text(json.dumps({"weight_map": {"w": SHARD}}))
    return folder / INDEX


def pointer(folder: Path) -> Path:
    (folder / SHARD).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 16\n")
    return placed_in(folder)


def cut_shard(folder: Path) -> Path:
    path = write_shard(folder / SHARD, w=[4, 4])
    path.write_bytes(path.read_bytes()[:-8])
    return placed_in(folder)


def tickets(folder: Path) -> Path:
    for number in range(2):
        safetensors(
            folder / f"level-{number}.safetensors",
            {"__metadata__": {"sparselab": "1"}, "w": tensor([1, 1], 0, 4)},
            bytes(4),
        )
    return folder


def pipeline(folder: Path) -> Path:
    """A folder of folders, as diffusion models have."""
    for name in ("unet", "vae"):
        (folder / name).mkdir()
        write_shard(folder / name / "model.safetensors", w=[4, 4])
    (folder / "model_index.json").write_text("{}")
    return folder


HOSTILE_MODEL_FOLDERS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "model-folder up": (
        placed("../secret.safetensors"),
        "files in the folder of the index; got .._secret.safetensors",
    ),
    "model-folder absolute": (placed("/etc/passwd"), "files in the folder of the index; got _etc_passwd"),
    "model-folder backslash": (placed("..\\secret.safetensors"), "files in the folder of the index"),
    "model-folder NUL": (placed("a\0b"), "files in the folder of the index"),
    "model-folder number": (placed(7), "a weight_map from names of tensors"),
    "model-folder link out": (link_out, "got a link out of it"),
    "model-folder link in a circle": (link_circle, "a link that leads nowhere|it is missing|got a folder or a device"),
    **({"model-folder pipe": (pipe, "got a folder or a device")} if hasattr(os, "mkfifo") else {}),
    "model-folder missing": (index({"weight_map": {"w": SHARD}}, shard=False), "it is missing: download it too"),
    "model-folder pointer": (pointer, "a Git LFS pointer: fetch the file itself"),
    "model-folder cut shard": (cut_shard, "expected 64 bytes of tensors, as its header says; got 56"),
    "model-folder of checkpoints": (
        placed("pytorch_model-00001-of-00002.bin"),
        "a checkpoint of torch: open it itself",
    ),
    "model-folder itself": (placed(INDEX), "expected a header of"),
    "model-folder no map": (index({"metadata": {}}), "a weight_map from names of tensors"),
    "model-folder empty map": (index({"weight_map": {}}), "it is empty"),
    "model-folder list": (index(b'{"weight_map": ["w"]}'), "a weight_map from names of tensors"),
    "model-folder twice": (index(b'{"weight_map": {"w": "a", "w": "b"}}'), "every name once"),
    "model-folder nested": (index(b'{"weight_map": ' + b"[" * 10**5), "an index of JSON"),
    "model-folder many": (
        index({"weight_map": {f"w{i}": SHARD for i in range(20_001)}}),
        "at most 20000 tensors in one model; got 20001",
    ),
    "model-folder tickets": (tickets, "got tickets of sparselab: open level-"),
    "model-folder of folders": (pipeline, "open one of the folders in it that hold a model: unet, vae"),
}
"""Name -> (what makes the folder, what the one sentence about it says)."""
