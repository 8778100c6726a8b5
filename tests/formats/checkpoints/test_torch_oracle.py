"""Checkpoints of every form, read without torch: the same tensors, bit for bit, as torch itself loads."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.formats.base import Archive
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.stored_types import WORDS
from sparselab.formats.readers.torch import open_torch
from sparselab.formats.readers.torch_legacy import open_legacy

DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")
NEW_DTYPES = (*DTYPES, "float8_e4m3fn", "float8_e5m2", "uint16", "uint32", "uint64")
LAYOUTS = ("coo", "csr", "csc", "bsr", "bsc")


@st.composite
def tensors(draw: st.DrawFn, dtypes: tuple[str, ...]) -> torch.Tensor:
    """A tensor of random bits in some order of memory, perhaps a part of a larger one, perhaps a Parameter."""
    dtype = getattr(torch, draw(st.sampled_from(dtypes)))
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    larger = [size + draw(st.integers(0, 2)) for size in shape]
    words = np.random.default_rng(draw(st.integers(0, 2**32))).integers(0, 256, (*larger, dtype.itemsize), np.uint8)
    raw = torch.from_numpy(words % 2 if dtype == torch.bool else words)
    tensor = raw.reshape(-1).view(dtype).reshape(larger) if raw.numel() else torch.empty(larger, dtype=dtype)
    tensor = tensor.permute(draw(st.permutations(range(len(shape)))))
    tensor = tensor[tuple(slice(draw(st.integers(0, 1)), None, draw(st.integers(1, 2))) for _ in shape)]
    return torch.nn.Parameter(tensor, requires_grad=False) if draw(st.booleans()) else tensor


@st.composite
def sparse_tensors(draw: st.DrawFn) -> torch.Tensor:
    rows, cols = 2 * draw(st.integers(1, 3)), 2 * draw(st.integers(1, 3))
    values = draw(st.lists(st.sampled_from((0.0, 0.0, 1.5, -2.0)), min_size=rows * cols, max_size=rows * cols))
    dense = (
        torch.tensor(values)
        .reshape(rows, cols)
        .to(getattr(torch, draw(st.sampled_from(("float32", "float64", "float16")))))
    )
    layout = draw(st.sampled_from(LAYOUTS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the layouts are in beta
        return dense.to_sparse(
            layout=getattr(torch, f"sparse_{layout}"), **({"blocksize": (2, 2)} if layout[0] == "b" else {})
        )


@st.composite
def states(draw: st.DrawFn, dtypes: tuple[str, ...]) -> dict[str, Any]:
    """Tensors by names, some in containers in containers, some sharing a storage or being the same."""
    found = draw(st.lists(tensors(dtypes) | sparse_tensors(), min_size=1, max_size=4))
    state: dict[str, Any] = {f"t{index}": tensor for index, tensor in enumerate(found)}
    first = found[0]
    state["same"] = first
    if first.layout == torch.strided and first.dim():
        state["row"] = first[: first.shape[0] // 2]
        state["turned"] = first.t() if first.dim() == 2 else first
    state["inside"] = {"list": [found[-1], 3], "dict": {"x": found[-1]}, "text": "a"}
    return state


def check(archive: Archive, state: dict[str, Any]) -> None:
    """Every tensor that torch loads is read, and is the same."""
    expected = {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
    expected |= {"inside.list.0": state["inside"]["list"][0], "inside.dict.x": state["inside"]["dict"]["x"]}
    entries = {entry.name: entry for entry in archive.entries}
    assert entries.keys() == expected.keys()
    for name, tensor in expected.items():
        entry, tensor = entries[name], tensor.detach()
        stored = str(tensor.dtype).removeprefix("torch.")
        assert entry.shape == tuple(tensor.shape)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            dense = tensor.to_dense() if tensor.layout != torch.strided else tensor
        read = entry.load()
        assert read.dtype == entry.dtype
        assert read.flags.c_contiguous
        if stored in WORDS:
            assert entry.stored == stored
            assert entry.load_stored is not None
            words = dense.contiguous().view(torch.uint8 if dense.element_size() == 1 else torch.int16).numpy()
            assert np.array_equal(entry.load_stored(), words.view(WORDS[stored]))
            dense = dense.float()
        assert read.tobytes() == dense.contiguous().numpy().tobytes() or np.array_equal(
            read, dense.numpy(), equal_nan=True
        )


@pytest.mark.parametrize("legacy", [False, True])
@settings(max_examples=40)
@given(data=st.data())
def test_the_same_tensors_as_torch_loads(
    legacy: bool, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / f"oracle-{legacy}.pt"
    # What torch had before 1.6 it writes in the old form; protocol 2 is the default, others have frames and memoize.
    state = data.draw(states(DTYPES if legacy else NEW_DTYPES))
    protocol = data.draw(st.sampled_from((2, 3, 4, 5)))
    torch.save(state, path, _use_new_zipfile_serialization=not legacy, pickle_protocol=protocol)
    archive = (open_legacy if legacy else open_torch)(path, ReadLimits())
    loaded = torch.load(path, weights_only=True) if protocol == 2 else state  # weights_only takes no other
    check(archive, loaded)


def test_numbers_of_a_machine_of_the_other_byte_order(tmp_path: Path) -> None:
    import zipfile

    weight = torch.arange(6.0).reshape(2, 3)
    torch.save({"w": weight}, tmp_path / "little.pt")
    with zipfile.ZipFile(tmp_path / "little.pt") as little, zipfile.ZipFile(tmp_path / "big.pt", "w") as big:
        for name in little.namelist():
            content = little.read(name)
            if name.endswith("/byteorder"):
                content = b"big"
            elif name.endswith("/data/0"):
                content = np.frombuffer(content, "<f4").astype(">f4").tobytes()
            big.writestr(name, content)
    expected = torch.load(tmp_path / "big.pt", weights_only=True)["w"]
    (entry,) = open_torch(tmp_path / "big.pt", ReadLimits()).entries
    assert np.array_equal(expected, weight)
    assert np.array_equal(entry.load(), weight)
