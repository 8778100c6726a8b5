"""Uploads through the limited worker: one sentence back, nothing executed, nothing left behind."""

from __future__ import annotations

import base64
import os
import sys
import warnings
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from sparselab.core.errors import FileError, LimitError, SparselabError
from sparselab.formats import ReadLimits, ReadOptions, describe, read_ticket, read_untrusted
from sparselab.formats.untrusted import UNTRUSTED_LIMITS, _confirm
from sparselab.runtime.pipes import Limits
from tests.formats.good_files import good_file
from tests.formats.hostile_files import HOSTILE, save

# A busy machine takes longer than a visitor would wait.
LIMITS = replace(UNTRUSTED_LIMITS, wall_seconds=240)
MASK = np.random.default_rng(3).random((8, 4, 3, 3)) < 0.3
WEIGHT = np.random.default_rng(4).standard_normal(MASK.shape).astype(np.float32)


@pytest.mark.parametrize(
    "case",
    [
        "payload",
        "npz bomb",
        "stride 0",
        "CSR out of range",
        "100000 tensors",
        "NaN",
        "smtx index",
        "npy huge",
        "onnx data at /",
    ],
)
def test_hostile_uploads(case: str, tmp_path: Path) -> None:
    make, says = HOSTILE[case]
    path = make(tmp_path)
    before = psutil.Process().memory_info().rss
    with pytest.raises(FileError, match=says):
        read_untrusted(path, tmp_path / "out.safetensors", limits=LIMITS)
    assert psutil.Process().memory_info().rss - before < 2**26
    assert {item.name for item in tmp_path.iterdir()} == {path.name}


def test_a_good_upload(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "t.npz", **{"c_orig": WEIGHT, "c_mask": MASK, "bias": np.ones(8), "half": MASK})
    card = read_untrusted(tmp_path / "t.npz", tmp_path / "out.safetensors", limits=LIMITS)
    direct = read_ticket(tmp_path / "t.npz")
    assert card == describe(direct)
    ticket = read_ticket(tmp_path / "out.safetensors")
    assert ticket.names == ("c", "half")
    assert np.array_equal(ticket["c"].weight, direct["c"].weight)
    assert ticket["half"].weight is None
    assert sorted(os.listdir(tmp_path)) == ["out.safetensors", "t.npz"]


def test_a_good_model(tmp_path: Path) -> None:
    path = good_file("onnx", WEIGHT.reshape(8, -1), tmp_path)
    card = read_untrusted(path, tmp_path / "out.safetensors", limits=LIMITS)
    assert card == describe(read_ticket(path))
    assert read_ticket(tmp_path / "out.safetensors").names == ("fc.weight",)


def test_a_good_checkpoint(tmp_path: Path) -> None:
    save(
        tmp_path / "t.pt", {"state_dict": {"c.weight_orig": torch.tensor(WEIGHT), "c.weight_mask": torch.tensor(MASK)}}
    )
    card = read_untrusted(tmp_path / "t.pt", tmp_path / "out.safetensors", limits=LIMITS)
    assert card["format"] == "torch"
    assert card["layers"] == describe(read_ticket(tmp_path / "out.safetensors"))["layers"]
    assert card["layers"][0]["kernel_shape"] == [3, 3]


def test_options_reach_the_worker(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", MASK.transpose(0, 2, 3, 1).reshape(8, 36))
    read_untrusted(tmp_path / "t.npy", tmp_path / "out.safetensors", ReadOptions("kh-kw-cin", (3, 3)), LIMITS)
    assert np.array_equal(read_ticket(tmp_path / "out.safetensors")["t"].mask.kept, MASK.reshape(8, 36))


def test_memory_and_time_run_out_with_a_message(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.zeros((4096, 4096)))
    with pytest.raises(LimitError, match="needs more memory than"):
        read_untrusted(tmp_path / "t.npy", tmp_path / "out", limits=Limits(memory_bytes=2**26, threads=1))
    with pytest.raises(LimitError, match=r"stopped after 0\.05 seconds"):
        read_untrusted(tmp_path / "t.npy", tmp_path / "out", limits=Limits(wall_seconds=0.05))
    assert os.listdir(tmp_path) == ["t.npy"]


@pytest.mark.parametrize("layout", ["dense", "coo", "csr", "bsr", "bfloat16"])
def test_a_checkpoint_that_needs_more_memory_than_there_is_says_so(layout: str, tmp_path: Path) -> None:
    """Sparse ones are kilobytes that become gigabytes."""
    rows, cols = (2**13, 2**14) if layout in ("dense", "bfloat16") else (2**15, 2**15)
    at, one = torch.zeros(2, 1, dtype=torch.int64), torch.ones(1)
    starts = torch.cat([torch.zeros(1, dtype=torch.int64), torch.ones(rows, dtype=torch.int64)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        make = {
            "dense": lambda: torch.zeros(rows, cols),
            "bfloat16": lambda: torch.zeros(rows, cols, dtype=torch.bfloat16),
            "coo": lambda: torch.sparse_coo_tensor(at, one, (rows, cols)),
            "csr": lambda: torch.sparse_csr_tensor(starts, at[0], one, (rows, cols)),
            "bsr": lambda: torch.sparse_bsr_tensor(starts[:17], at[0], torch.ones(1, rows // 16, 2), (rows, cols)),
        }
        save(tmp_path / "t.pt", {"weight": make[layout]()})
    with pytest.raises(LimitError, match=r"more memory than the 0\.[0-4] GiB|of free memory; got 0\.4 GiB"):
        read_untrusted(tmp_path / "t.pt", tmp_path / "out", limits=Limits(memory_bytes=4 * 10**8, threads=1))
    assert os.listdir(tmp_path) == ["t.pt"]


def test_an_answer_that_is_not_true_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", c=WEIGHT)
    out = tmp_path / "out.safetensors"
    card = read_untrusted(tmp_path / "t.npz", out, limits=LIMITS)
    limits = ReadLimits()
    for lie in (
        None,
        [],
        {},
        card | {"layers": []},
        card | {"layers": [card["layers"][0] | {"digest": "0"}]},
        card | {"format": "<script>"},
        card | {"skipped": [1]},
        card | {"notes": [1]},
    ):
        with pytest.raises(SparselabError, match="could not be read safely"):
            _confirm(lie, out, limits)
    told = card | {"skipped": [{"name": "<b>", "reason": "\x1b[31m" + "x" * 999}]}
    item = _confirm(told, out, limits)["skipped"][0]
    assert item["name"] == "_b_"
    assert item["reason"].isprintable()
    assert len(item["reason"]) <= 500


ENDLESS = (
    "eNrtlLFOw0AMhn1JaE8VCMrSCgYyspRESUOaDUQDGRBFwMBIkQqRADU0QUhdWOEtGHkU3qrkOJ+U3spQAf6kyPrPjp3L+fyW9A9X"
    "GhsNEHAOFqxBlRkCbU0jV2gZ2le0H4ZaZ98+fB2amF+PuziLYxE901B1XEtaDsR/JIn3T4W9RK269NOYj3vW+jH5YV0GNZmLKb0t"
    "rSEXajDfl7o2y84XkU17C2QL29Di0HpB/1IZKfyGKRNy3JllqhSyzjpKoZZzfgeQLeQczk8GfXGj1f5sk3qTIH4rRweDY1YZqGpu"
    "PoI2SJ3iIXPybDjJR/fD687N03TayaLbtIg8z/dDz/V3e0E3DIOeG44drxs54yIdTXbSoJzJZiWRwKjotqblVASol88726trH5yu"
    "0qERBEEQi2OTfgFBEARBEH+ELxGZQ24="
)
"""A dataset of HDF5 that the fuzzer found: libhdf5 2.0.0 looks for its heap for ever. Deflated, base64."""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of processor time")
def test_a_library_in_c_that_never_returns_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "endless.h5").write_bytes(zlib.decompress(base64.b64decode(ENDLESS)))
    with pytest.raises(LimitError, match="stopped after 1 seconds of CPU time"):
        read_untrusted(tmp_path / "endless.h5", tmp_path / "out", limits=replace(UNTRUSTED_LIMITS, cpu_seconds=1))
