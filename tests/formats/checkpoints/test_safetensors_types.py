"""Number types of .safetensors files: read, widened or left alone by name, whichever lie beside them."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from sparselab.formats import read_ticket
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.safetensors_header import BITS
from sparselab.formats.readers.safetensors import open_safetensors
from tests.formats.hostile_files import safetensors, tensor


@pytest.mark.parametrize("dtype", [*BITS, "F2_E1M0", "<script>"])
def test_no_type_costs_the_file(dtype: str, tmp_path: Path) -> None:
    size = 64 * BITS.get(dtype, 3) // 8
    header = {
        "good": tensor([4, 4], 0, 64),
        "x": tensor([8, 8], 64, 64 + size, dtype),
        "none": tensor([0, 4], 64 + size, 64 + size),
    }
    ticket = read_ticket(
        safetensors(tmp_path / "t.safetensors", header, (np.eye(4, dtype="f4") / 2).tobytes() + bytes(size))
    )
    assert np.array_equal(ticket["good"].weight, np.eye(4) / 2)
    reasons = {item.name: item.reason for item in ticket.skipped}
    assert reasons["none"] == "no elements"
    assert "x" in ticket.names or "never read" in reasons["x"]
    assert all(reason.isprintable() and "<" not in reason for reason in reasons.values())


@given(
    dtype=st.sampled_from(("bfloat16", "float8_e4m3fn", "float8_e5m2")),
    words=st.lists(st.integers(0, 255), min_size=16, max_size=16),
)
@settings(max_examples=30)
def test_words_and_values_are_those_of_torch(
    dtype: str, words: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "words.safetensors"
    value = torch.tensor(words, dtype=torch.uint8).view(getattr(torch, dtype)).reshape(2, -1)
    save_file({"w": value}, path)
    (entry,) = open_safetensors(path, ReadLimits()).entries
    assert (entry.stored, entry.shape) == (dtype, tuple(value.shape))
    assert np.array_equal(entry.load(), value.float().numpy(), equal_nan=True)
    assert entry.load_stored is not None
    assert entry.load_stored().tobytes() == bytes(words)
    assert entry.load_stored().size == prod(entry.shape)


def test_a_tensor_that_is_too_wide_does_not_cost_the_file(tmp_path: Path) -> None:
    path = tmp_path / "wide.safetensors"
    size = 2**24 + 8
    safetensors(path, {"good": tensor([1, 2], 0, 8), "flat": tensor([size], 8, 8 + size, "U8")})
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size + 8 + size)
    ticket = read_ticket(path)
    assert ticket.names == ("good",)
    assert "expected dimensions up to" in ticket.skipped[0].reason


def test_a_long_header_is_read(tmp_path: Path) -> None:
    header = {"__metadata__": {"note": '{[,\\"' * 1_000_000}, "w": tensor([1, 1], 0, 4)}
    path = safetensors(tmp_path / "long.safetensors", header, bytes(4))
    assert path.stat().st_size > 5 * 2**20
    assert read_ticket(path).names == ("w",)
