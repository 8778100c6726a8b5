"""A live torch module opens as what its classes say, under the names of its state_dict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune

import sparselab
from sparselab.core.errors import SparselabError
from sparselab.core.layer import Layer
from tests.nn.networks import block_layout


class Conv1D(nn.Module):
    """GPT-2's linear layer, as the library transformers has it: x W + b."""

    def __init__(self, nf: int, nx: int) -> None:
        super().__init__()
        self.nf = nf
        self.weight, self.bias = nn.Parameter(torch.randn(nx, nf)), nn.Parameter(torch.randn(nf))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight + self.bias


class Own(nn.Module):
    """What no library knows: a weight, a position table, a causal mask."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 4))
        self.register_buffer("mask", torch.tril(torch.ones(4, 4)))


def pruned(layer: nn.Module, name: str = "weight") -> nn.Module:
    return prune.l1_unstructured(layer, name, 0.5)


MODELS: dict[str, Callable[[], nn.Module]] = {
    "alone": lambda: nn.Linear(6, 4),
    "transformer": lambda: nn.Transformer(16, 2, 1, 1, 32, batch_first=True),
    "attention of other widths": lambda: nn.MultiheadAttention(8, 2, kdim=6, vdim=4, add_bias_kv=False),
    "recurrent": lambda: nn.Sequential(nn.LSTM(4, 6, proj_size=3), nn.GRU(3, 4, 2), nn.GRUCell(3, 4)),
    "convolutions": lambda: nn.Sequential(nn.Conv1d(4, 6, 3), nn.Conv2d(6, 8, (3, 1), groups=2), nn.Conv3d(2, 4, 3)),
    "transposed": lambda: nn.Sequential(nn.ConvTranspose1d(4, 6, 3), nn.ConvTranspose2d(8, 6, 3, groups=2)),
    "embedding": lambda: nn.Sequential(nn.Embedding(20, 6), nn.EmbeddingBag(9, 4), nn.BatchNorm2d(3)),
    "GPT-2": lambda: nn.ModuleDict({"c_attn": Conv1D(12, 4), "c_proj": Conv1D(4, 4)}),
    "pruned": lambda: nn.Sequential(pruned(nn.Linear(8, 6)), pruned(nn.LSTM(4, 6), "weight_hh_l0")),
    "one twice": lambda: nn.Sequential(*[nn.Linear(4, 4)] * 2),
    "of no kind": Own,
    "DataParallel": lambda: nn.DataParallel(nn.Sequential(nn.Linear(4, 4))),
    "compiled": lambda: torch.compile(nn.Sequential(nn.Linear(4, 4)), backend="eager"),
}


@pytest.mark.parametrize("model", MODELS)
def test_layers_have_the_names_that_its_file_gives_them(model: str, tmp_path: Path) -> None:
    module = MODELS[model]()
    torch.save(module.state_dict(), tmp_path / "state.pt")
    mine, file = sparselab.open(module), sparselab.open(tmp_path / "state.pt")
    buffers = {name for name, _ in module.named_buffers() if not name.endswith("_mask")}
    assert sorted(mine.names) == sorted(set(file.names) - buffers)
    for layer in mine:
        theirs = file[layer.name].mask
        assert layer.mask.count == theirs.count
        assert layer.mask.kept.size == theirs.kept.size


def same_function(layer: Layer, module: Any, x: Tensor) -> bool:
    """Whether a layer's matrix, group by group, is what a convolution without padding does to one patch."""
    assert layer.weight is not None
    parts = x.reshape(layer.groups, -1).detach().numpy()
    rows = layer.weight.reshape(layer.groups, -1, layer.mask.cols)
    return np.allclose(
        np.einsum("gon,gn->go", rows, parts).ravel(), module(x[None]).detach().numpy().ravel(), atol=1e-5
    )


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_a_convolution_is_out_x_in_whichever_way_it_is_stored(dims: int, groups: int) -> None:
    kinds = {1: (nn.Conv1d, nn.ConvTranspose1d), 2: (nn.Conv2d, nn.ConvTranspose2d), 3: (nn.Conv3d, nn.ConvTranspose3d)}
    plain, transposed = kinds[dims]
    kernel = (3, 2, 2)[:dims]
    conv = plain(4, 6, kernel, groups=groups, bias=False, stride=2)
    layer = sparselab.open(conv)["weight"]
    assert (layer.groups, layer.stride, layer.kernel_shape) == (groups, 2, kernel)
    assert same_function(layer, conv, torch.randn(4, *kernel))
    back = transposed(4, 6, kernel, groups=groups, bias=False)
    layer = sparselab.open(back)["weight"]
    assert layer.tensor_shape == (6, 4 // groups, *kernel)
    x = torch.randn(4, *[1] * dims)  # one position: each output is the sum over the inputs of its group, at each tap
    taps = layer.weight.reshape(groups, 6 // groups, 4 // groups, *kernel)  # type: ignore[union-attr]
    want = np.einsum("goi...,gi->go...", taps, x.reshape(groups, -1).numpy()).reshape(6, *kernel)
    assert np.allclose(back(x[None])[0].detach().numpy(), want, atol=1e-5)


def test_padding_is_kept_where_one_number_says_it() -> None:
    for padding, wanted in ((2, 2), ("same", 1), ("valid", 0), ((1, 2), 0)):
        ticket = sparselab.open(nn.Conv2d(2, 4, 3, padding=padding))
        assert ticket["weight"].padding == wanted
        assert bool(ticket.entries[0].notes) == (padding == (1, 2))
    assert "dilation" in sparselab.open(nn.Conv2d(2, 4, 3, dilation=2)).entries[0].notes[0]


class Times(nn.Module):
    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.mask


def test_a_weight_that_is_computed_is_taken_as_it_is_computed() -> None:
    kept = torch.rand(6, 8) < 0.4
    masked, normed, old = nn.Linear(8, 6), parametrizations.weight_norm(nn.Linear(8, 6)), nn.Linear(8, 6)
    parametrize.register_parametrization(masked, "weight", Times(kept.float()))
    with pytest.warns(FutureWarning, match="weight_norm"):
        nn.utils.weight_norm(old)
    with torch.no_grad():
        old.weight_g.mul_(3)  # which the attribute shows after the next forward pass only
    spectral = parametrizations.spectral_norm(nn.Linear(8, 6))  # which counts how often it is asked, in training
    before = {name: value.clone() for name, value in spectral.state_dict().items()}
    for module, words in ((masked, "Times"), (normed, "_WeightNorm"), (old, "WeightNorm"), (spectral, "_SpectralNorm")):
        ticket = sparselab.open(nn.Sequential(module))
        assert ticket.names == ("0.weight",)
        assert ticket.entries[0].notes == (f"computed by {words}",)
        weight = ticket["0.weight"].weight
        module.eval()(torch.randn(1, 8))
        assert np.allclose(weight, module.weight.detach().numpy(), atol=1e-6)
    assert all(value.equal(before[name]) for name, value in spectral.state_dict().items())
    assert np.array_equal(sparselab.open(masked)["weight"].mask.kept, kept.numpy())


def test_masks_of_torchs_own_sparsifier() -> None:
    pruning = pytest.importorskip("torch.ao.pruning")
    model = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 4))
    sparsifier = pruning.WeightNormSparsifier(sparsity_level=0.75, sparse_block_shape=(1, 4), zeros_per_block=4)
    sparsifier.prepare(model, [{"tensor_fqn": "0.weight"}])
    sparsifier.step()
    ticket = sparselab.open(model)
    assert ticket.names == ("0.weight", "2.weight")
    assert ticket["0.weight"].mask.count == int((model[0].weight != 0).sum()) == 32


@pytest.mark.filterwarnings("ignore:Sparse")
def test_sparse_weights_zeros_and_blocks() -> None:
    weight = torch.randn(8, 16) * (torch.rand(8, 16) < 0.3)
    forms = (weight, weight.to_sparse(), weight.to_sparse_csr(), weight.to_sparse_bsr((2, 2)), weight.bfloat16())
    for form in forms:
        linear = nn.Linear(16, 8)
        linear.weight = nn.Parameter(form)
        assert np.array_equal(sparselab.open(linear)["weight"].mask.kept, (weight != 0).numpy())
    model = nn.Sequential(nn.Linear(16, 8), nn.Conv2d(4, 8, 3, stride=2, padding=1))
    rng = np.random.default_rng(0)
    layouts = {"0": block_layout((8, 16), rng, 4), "1": block_layout((8, 36), rng, 4)}
    done = sparselab.convert(model, layouts)
    assert done.swapped == ("0", "1")
    for name, layout in layouts.items():
        layer = sparselab.open(done.model)[f"{name}.weight"]
        assert layer.mask == layout.after
        mine = model[int(name)].weight.detach().reshape(layout.after.shape).numpy()
        assert np.array_equal(layer.weight, mine * layout.after.kept)
    assert (layer.stride, layer.padding, layer.kernel_shape) == (2, 1, (3, 3))


def test_what_is_no_weight_or_has_none_is_named() -> None:
    model = nn.Sequential(
        nn.LazyLinear(3), nn.Linear(4, 4, device="meta"), nn.LayerNorm((4, 4)), Own(), nn.Linear(4, 4)
    )
    model[3].register_parameter("table", nn.Parameter(torch.randn(5, 4)))
    model[4].weight.data[0, 0] = torch.nan
    ticket = sparselab.open(model)
    reasons = {item.name: item.reason for item in ticket.skipped}
    assert ticket.names == ("3.weight", "4.weight")
    for name, words in (("0.weight", "not init"), ("1.weight", "without values"), ("2.weight", "normalisation")):
        assert words in reasons[name]
    assert "a buffer" in reasons["3.mask"]
    assert "not called a weight" in reasons["3.table"]
    assert reasons["4.bias"] == "a vector"
    with pytest.raises(SparselabError, match=r"4\.weight: expected finite weights"):
        ticket["4.weight"]
    with pytest.raises(SparselabError, match="at least one weight"):
        sparselab.open(nn.Sequential(nn.BatchNorm2d(3), nn.ReLU()))


def test_values_are_those_of_the_moment_a_layer_is_asked_for() -> None:
    linear = nn.Linear(4, 4)
    ticket = sparselab.open(linear)
    with torch.no_grad():
        linear.weight.zero_()
    layer = ticket["weight"]
    with torch.no_grad():
        linear.weight.fill_(2)
    assert layer.mask.count == 0
    assert not layer.weight.any()
