"""Weights that several tensors of a file make are not written back, which is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from sparselab.core.errors import SettingError
from sparselab.formats import read_ticket, write_back
from sparselab.transforms import Regroup

RNG = np.random.default_rng(0)
KEPT = RNG.random((32, 32)) < 0.4
BITMASK = {
    "module.a.weight.compressed": np.ones(KEPT.sum(), np.float32),
    "module.a.weight.bitmask": np.packbits(KEPT, axis=1, bitorder="little"),
    "module.a.weight.shape": np.int64([32, 32]),
    "module.a.weight.row_offsets": np.r_[0, np.cumsum(KEPT.sum(1))[:-1]],
}
INTEGERS = {
    "a.weight_packed": RNG.integers(0, 2**31 - 1, (32, 4), np.int32),
    "a.weight_scale": np.ones((32, 1), np.float32),
    "a.weight_shape": np.int64([32, 32]),
}
OTHER = {"b.weight": RNG.standard_normal((32, 32)).astype(np.float32) * KEPT}


@pytest.mark.parametrize("packed", [BITMASK, INTEGERS, BITMASK | OTHER])
@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
def test_packed_weights_are_refused_and_others_are_written(
    packed: dict[str, np.ndarray], suffix: str, tmp_path: Path
) -> None:
    source, out = tmp_path / "old.safetensors", tmp_path / f"new.{suffix}"
    save_file(packed, source)
    ticket = read_ticket(source)
    layouts = {layer.name: Regroup()(layer) for layer in ticket}
    name = next(name for name in layouts if name.endswith("a.weight"))
    with pytest.raises(SettingError, match=rf"{name} is packed in several tensors, which are not packed again: save"):
        write_back(source, layouts, out)
    assert not out.exists()
    if "b.weight" in layouts:
        write_back(source, {"b.weight": layouts["b.weight"]}, out)
        after = layouts["b.weight"].after.kept & KEPT  # what comes back is 0
        assert np.array_equal(read_ticket(out)["b.weight"].mask.kept, after)
