"""Every kind of layer runs its blocks or stays with its mask and the reason; the answer is the masked model's."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize

import sparselab
from sparselab.core.errors import SettingError
from sparselab.core.layout import Layout
from sparselab.nn import Converted, convert, largest_difference, masked
from sparselab.transforms import TRANSFORMS, Regroup
from tests.api.test_modules import MODELS, Conv1D, Own, Times
from tests.nn.networks import block_layout


def layouts_of(model: nn.Module) -> dict[str, Layout]:
    """A third of every layer of a model, in blocks that know its groups."""
    run = Regroup(rows_per_group=4, density=1 / 3)
    return {layer.name: run(layer, rng=0, device="cpu") for layer in sparselab.open(model)}


def first(output: object) -> torch.Tensor:
    return output if isinstance(output, torch.Tensor) else first(output[0])  # type: ignore[index]


SEQUENCE = torch.randn(2, 8, 11)
RUN: dict[str, tuple[Callable[[], nn.Module], torch.Tensor]] = {
    "Conv1d": (lambda: nn.Conv1d(8, 12, 3), SEQUENCE),
    "Conv1d, padded": (lambda: nn.Conv1d(8, 12, 4, stride=2, padding=3, bias=False), SEQUENCE),
    "Conv1d in groups": (lambda: nn.Conv1d(8, 12, 3, padding=1, groups=2), SEQUENCE),
    "Conv1d, one sequence": (lambda: nn.Conv1d(8, 12, 3), SEQUENCE[0]),
    "Conv2d in groups": (lambda: nn.Conv2d(12, 24, 3, stride=2, padding=1, groups=3), torch.randn(2, 12, 7, 9)),
    "Conv1D": (lambda: Conv1D(12, 8), torch.randn(2, 5, 8)),
}


@pytest.mark.parametrize("kind", RUN)
def test_what_runs_in_blocks(kind: str) -> None:
    make, x = RUN[kind]
    model = nn.Sequential(make()).eval()
    layouts = layouts_of(model)
    done, reference = convert(model, layouts, strict=True), masked(model, layouts)
    assert done.swapped == ("0.weight",)
    assert largest_difference(done.model, reference, x) < 1e-4
    slope = torch.randn_like(reference(x))
    mine, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    (done.model(mine) * slope).sum().backward()
    (reference(theirs) * slope).sum().backward()
    assert torch.allclose(mine.grad, theirs.grad, atol=1e-4)
    assert done.model[0].values.grad.shape == done.model[0].values.shape
    buffer = io.BytesIO()
    torch.save(done.model, buffer)
    buffer.seek(0)
    for copied in (copy.deepcopy(done.model), torch.load(buffer, weights_only=False)):
        assert largest_difference(copied, reference, x) < 1e-4
    (layer,) = sparselab.open(done.model)
    (dense,) = sparselab.open(model)
    assert (layer.groups, layer.stride, layer.padding) == (dense.groups, dense.stride, dense.padding)
    assert layer.mask == layouts["0.weight"].after


def tokens() -> torch.Tensor:
    return torch.randint(0, 9, (3, 4))


STAY: dict[str, tuple[Callable[[], nn.Module], Callable[[], torch.Tensor], str]] = {
    "Embedding": (lambda: nn.Embedding(9, 6), tokens, "looks rows up"),
    "EmbeddingBag": (lambda: nn.EmbeddingBag(9, 6), tokens, "looks rows up"),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(8, 12, 3, groups=2), lambda: torch.randn(1, 8, 5, 5), "transposed"),
    "Conv3d": (lambda: nn.Conv3d(2, 8, 3), lambda: torch.randn(1, 2, 5, 5, 5), "three dimensions"),
    "depthwise": (lambda: nn.Conv2d(8, 8, 3, groups=8), lambda: torch.randn(1, 8, 5, 5), "an input of its own"),
    "LSTM": (lambda: nn.LSTM(8, 6), lambda: torch.randn(5, 2, 8), "LSTM computes with its weights itself"),
    "of no kind": (Own, lambda: torch.randn(1), "not a known kind"),
}


@pytest.mark.parametrize("kind", STAY)
def test_what_stays_has_its_mask_and_a_reason(kind: str) -> None:
    make, x, words = STAY[kind]
    model = nn.Sequential(make()).eval()
    layouts = layouts_of(model)
    done = convert(model, layouts)
    assert not done.swapped
    assert all(words in why for why in done.stayed.values())
    assert all(layer.mask.count < layer.mask.kept.size for layer in sparselab.open(done.model))
    for layer in sparselab.open(done.model):
        assert layer.mask == layouts[layer.name].after
    if kind != "of no kind":
        with torch.no_grad():
            assert torch.equal(first(done.model(given := x())), first(masked(model, layouts)(given)))
    with pytest.raises(SettingError, match=words):
        convert(model, layouts, strict=True)


@pytest.mark.parametrize("model", MODELS)
def test_no_layer_of_a_model_raises(model: str) -> None:
    module = MODELS[model]().eval()
    ticket = sparselab.open(module)
    for run in TRANSFORMS.values():
        done = convert(module, {layer.name: run()(layer, device="cpu") for layer in ticket})
        assert set(done.swapped) | set(done.stayed) == set(ticket.names)
        assert all(done.stayed.values())


@pytest.mark.parametrize("model", MODELS)
def test_layouts_of_a_file_go_into_the_model_as_those_of_the_model_do(model: str, tmp_path: object) -> None:
    module = MODELS[model]().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter *= torch.rand_like(parameter) < 0.7
    mine, file = sparselab.open(module), sparselab.open(module.state_dict())
    rng = np.random.default_rng(0)
    layouts = {name: block_layout(file[name].mask.shape, rng, 2) for name in mine.names}
    layouts = {name: Layout.from_blocks(file[name].mask, of.blocks, reason="") for name, of in layouts.items()}
    after = sparselab.open(masked(module, layouts).state_dict())
    for name, layout in layouts.items():
        assert (after[name].mask - (layout.after & file[name].mask)).count == 0, name
    done = convert(module, layouts)
    for layer in sparselab.open(done.model):
        assert layer.mask.shape == mine[layer.name].mask.shape


def converted(module: nn.Module) -> tuple[Converted, nn.Module]:
    layouts = {"0": block_layout((12, 8), np.random.default_rng(0), 4)}
    return convert(nn.Sequential(module), layouts), masked(nn.Sequential(module), layouts)


def test_a_parametrization_that_is_a_mask_is_made_permanent_and_another_stays() -> None:
    kept, x = torch.rand(12, 8) < 0.6, torch.randn(3, 8)
    for mask in (kept.float(), kept):
        linear = nn.Linear(8, 12)
        parametrize.register_parametrization(linear, "weight", Times(mask))
        done, reference = converted(linear)
        assert done.swapped == ("0",)
        assert parametrize.is_parametrized(linear, "weight")
        assert torch.equal(linear.weight != 0, kept)
        assert largest_difference(done.model, reference, x) < 1e-4
        assert not (reference[0].weight[~kept] != 0).any()
    scaled = nn.Linear(8, 12)
    parametrize.register_parametrization(scaled, "weight", Times(torch.rand(12, 8)))
    with pytest.warns(FutureWarning, match="weight_norm"):
        old = nn.utils.weight_norm(nn.Linear(8, 12))
    for other in (scaled, parametrizations.weight_norm(nn.Linear(8, 12)), old):
        done, reference = converted(other)
        assert "mask is not applied: make it permanent first" in done.stayed["0"]
        assert largest_difference(done.model, reference, x) == 0
        assert largest_difference(done.model, nn.Sequential(other), x) == 0


@pytest.mark.filterwarnings("ignore:Sparse")
def test_a_sparse_weight_and_what_cannot_be_read() -> None:
    linear = nn.Linear(8, 12)
    linear.weight = nn.Parameter((linear.weight.detach() * (torch.rand(12, 8) < 0.4)).to_sparse_csr())
    done, reference = converted(linear)
    assert done.swapped == ("0",)
    assert largest_difference(done.model, reference, torch.randn(3, 8)) < 1e-4
    layout = block_layout((12, 8), np.random.default_rng(0), 4)
    for module, words in ((nn.LazyLinear(12), "not initialised"), (nn.Linear(8, 12, device="meta"), "without values")):
        for name in ("0", "0.weight"):
            assert words in convert(nn.Sequential(module), {name: layout}).stayed[name]


def test_wrappers_and_a_model_that_is_one_layer() -> None:
    inner = nn.Sequential(nn.Linear(8, 12), nn.ReLU()).eval()
    layout, x = block_layout((12, 8), np.random.default_rng(0), 4), torch.randn(3, 8)
    reference = masked(inner, {"0": layout})
    for model in (nn.DataParallel(inner), torch.compile(inner, backend="eager")):
        for name in ("0", "0.weight", next(iter(model.state_dict()))):
            done = convert(model, {name: layout})
            assert done.swapped == (name,)
        assert largest_difference(done.model, reference, x) < 1e-4
    alone = convert(inner[0], {"weight": layout})
    assert alone.swapped == ("weight",)
    assert largest_difference(alone.model, reference[0], x) < 1e-4


def test_what_is_no_weight_of_the_model_or_no_layout_of_it_raises() -> None:
    model = nn.Sequential(nn.Embedding(9, 6), nn.LayerNorm(6))
    layout = block_layout((9, 5), np.random.default_rng(0), 4)
    for name, words in (
        ("nowhere", "it has no 'nowhere'"),
        ("1", "a vector"),
        ("1.weight", "a vector"),
        ("0", "9 x 6"),
    ):
        with pytest.raises(SettingError, match=words):
            convert(model, {name: layout})
    with pytest.raises(SettingError, match="expected a layout; got a NoneType"):
        convert(model, {"0": None})  # type: ignore[dict-item]
