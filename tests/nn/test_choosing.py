"""`only_if_faster`: each layer keeps what was measured to be quicker; inputs and outputs of any form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from sparselab.core.errors import SettingError
from sparselab.kernels import exact_kernel
from sparselab.kernels.support.panels import panels
from sparselab.nn import BlockConv2d, choosing, convert, largest_difference, masked
from sparselab.nn.exact import layouts_as_they_are
from tests.nn.networks import block_layout, prunable, small_network


def test_the_slower_one_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is told which layers are slow in blocks: what follows from times is tested, not times."""
    model, rng = small_network(bias=True), np.random.default_rng(0)
    layouts = {name: block_layout(shape, rng) for name, shape in prunable(model).items()}
    monkeypatch.setattr(
        choosing, "_seconds", lambda layer, _: 1.0 if isinstance(layer, BlockConv2d | nn.Linear) else 2.0
    )
    x = torch.randn(2, 3, 12, 12)
    done = convert(model, layouts, example_inputs=x, only_if_faster=True)
    assert done.swapped == ("0", "3", "7"), "convolutions are quick in blocks, linear layers are not"
    assert set(done.choices) == set(layouts)
    assert all("dense was measured to be as fast or faster" in done.stayed[name] for name in ("11", "13"))
    assert str(done.choices["11"]).startswith("dense: ")
    assert str(done.choices["0"]).startswith("in blocks: ")
    assert largest_difference(done.model, masked(model, layouts), x) < 1e-4


def test_it_measures_and_keeps_modes() -> None:
    model, rng = small_network(bias=True).train(), np.random.default_rng(0)
    layouts = {name: block_layout(shape, rng) for name, shape in prunable(model).items()}
    done = convert(model, layouts, example_inputs=(torch.randn(2, 3, 12, 12),), only_if_faster=True)
    assert all(choice.block_ms > 0 and choice.dense_ms > 0 for choice in done.choices.values())
    assert all(part.training for part in done.model.modules())
    with pytest.raises(SettingError, match="example_inputs"):
        convert(model, layouts, only_if_faster=True)


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(24, 24), nn.Linear(24, 16)

    def forward(self, x: Tensor, shift: Tensor) -> dict[str, Any]:
        y = self.first(x) + shift
        return {"sum": y, "parts": [self.second(y), None]}


def test_two_inputs_and_a_mapping_of_outputs() -> None:
    model, rng = TwoInputs().eval(), np.random.default_rng(0)
    layouts = {name: block_layout(shape, rng) for name, shape in prunable(model).items()}
    x, shift = torch.randn(5, 24), torch.randn(24)
    fast = convert(model, layouts).model
    for inputs in ((x, shift), {"x": x, "shift": shift}):
        assert largest_difference(fast, masked(model, layouts), inputs) < 1e-5
        assert largest_difference(fast, model, inputs) > 1e-2
    done = convert(model, layouts, example_inputs={"x": x, "shift": shift}, only_if_faster=True)
    assert set(done.choices) == {"first", "second"}
    with pytest.raises(SettingError, match="same shapes"):
        largest_difference(fast[0] if isinstance(fast, nn.Sequential) else fast.first, fast.second, x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_the_report_counts_what_the_structure_stores(dtype: torch.dtype) -> None:
    """Bytes of the arrays that hold the same layer: values, and 32-bit indices of every panel."""
    model, rng = small_network(bias=True).to(dtype), np.random.default_rng(0)
    done = convert(model, {name: block_layout(shape, rng) for name, shape in prunable(model).items()})
    assert set(done.report) == set(done.swapped)
    for name, told in done.report.items():
        layer, dense = done.model.get_submodule(name), model.get_submodule(name).weight
        arrays = [array for part in panels(layer.layout) for array in (part.rows, part.cols)]
        indices = [np.concatenate(arrays), [array.size for array in arrays]]
        assert told.index_bytes == sum(np.asarray(of, np.int32).nbytes for of in indices)
        assert told.value_bytes == layer.values.numel() * dtype.itemsize
        assert told.dense_bytes == dense.numel() * dtype.itemsize
        assert (told.structure, told.dtype, told.choice) == ("blocks", str(dtype)[6:], None)
        assert told.density == layer.layout.after.density


def test_the_report_has_the_times_whatever_the_layer_was_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "_seconds", lambda layer, _: 2.0 if isinstance(layer, nn.Linear) else 1.0)
    model = nn.Sequential(prune.l1_unstructured(nn.Linear(64, 64), "weight", amount=0.9))
    layouts, x = layouts_as_they_are(model)[0], torch.randn(4, 64)
    for name in ("0", "0.weight", "0.weight_orig"):
        given, kernels = {name: layouts["0.weight"]}, {name: exact_kernel()}
        done = convert(model, given, kernels=kernels, example_inputs=x, only_if_faster=True)
        told = done.report["0"]
        assert (told.structure, told.choice) == ("mask", done.choices[name])
        assert "in blocks: " in str(told)
