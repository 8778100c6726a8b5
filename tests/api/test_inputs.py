"""What may be given where a layer is wanted: the same answer as for the layer, and words for all that is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import sparselab
from sparselab.core.errors import SettingError, SparselabError
from sparselab.core.inputs.generators import as_generator
from sparselab.core.inputs.layers import as_layer
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.grouping import GROUPERS, Goal
from sparselab.grouping.refine import Budget, refine
from sparselab.transforms import TRANSFORMS
from tests.strategies import layers, masks

SETTINGS: dict[str, dict[str, Any]] = {"prune": {"score": "random"}, "refill": {"score": "count"}}
SETTINGS["refill-plus"] = SETTINGS["refill"]


def made(name: str, what: Any, **options: Any) -> Layout:
    return TRANSFORMS[name](**SETTINGS.get(name, {}))(what, device="cpu", **options)


def same(one: Layout, other: Layout) -> bool:
    return (one.before, one.after, one.blocks, one.status) == (other.before, other.after, other.blocks, other.status)


def tensor_of(layer: Layer) -> np.ndarray:
    """The weight of a layer in PyTorch's shape, or its mask."""
    values = layer.mask.kept if layer.weight is None else layer.weight * layer.mask.kept
    return values.reshape(layer.tensor_shape)


@pytest.mark.parametrize("name", TRANSFORMS)
@settings(max_examples=25)
@given(layer=layers())
def test_an_array_a_tensor_and_a_layer_are_one(name: str, layer: Layer) -> None:
    array = tensor_of(layer)
    as_read = as_layer(array)
    assert as_read.mask.shape == layer.mask.shape
    assert as_read.kernel_shape == layer.kernel_shape
    expected = made(name, as_read, rng=3)
    for given_as in (array, torch.tensor(array), np.asfortranarray(array), array.astype(array.dtype.newbyteorder(">"))):
        assert same(made(name, given_as, rng=3), expected)
    if layer.weight is None:
        assert same(made(name, layer, rng=3), expected)
        assert same(made(name, layer.mask, rng=3), expected)
        assert same(made(name, layer.mask.kept.tolist(), rng=3), expected)


@pytest.mark.parametrize("name", TRANSFORMS)
@settings(max_examples=15)
@given(mask=masks())
def test_no_rng_the_seed_zero_and_its_generator_are_one(name: str, mask: Mask) -> None:
    first = made(name, mask)
    for rng in (None, 0, np.int64(0), np.random.default_rng(0)):
        assert same(made(name, mask, rng=rng), first)
    run = TRANSFORMS[name](**SETTINGS.get(name, {}))
    (together,) = run.over([mask.kept], device="cpu")
    assert same(together, first)


@pytest.mark.parametrize("name", GROUPERS)
def test_a_grouper_takes_arrays_and_seeds(name: str) -> None:
    kept = np.random.default_rng(1).random((24, 40)) < 0.3
    weight = torch.tensor(np.where(kept, 0.5, 0.0))
    expected = GROUPERS[name](Mask(kept), Goal(height=8), rng=np.random.default_rng(0), device="cpu")
    for what, rng in ((kept, None), (weight, 0), (as_layer(kept), np.random.default_rng(0))):
        groups = GROUPERS[name](what, Goal(height=8), rng=rng, device="cpu")
        assert all(np.array_equal(a, b) for a, b in zip(groups, expected, strict=True))


@given(mask=masks(), height=st.integers(1, 12))
def test_refinement_takes_arrays_and_seeds(mask: Mask, height: int) -> None:
    groups = GROUPERS["natural"](mask, Goal(height=height))
    budget = Budget(np.array([rows.size for rows in groups]), mask.count)
    counts = mask.kept.view(np.int8)
    first = refine(torch.tensor(counts), groups, budget, steps=20, seconds=1e9, rng=np.random.default_rng(0))
    for scores in (mask, mask.kept, counts.astype(np.int64), counts.tolist(), torch.tensor(counts).to_sparse()):
        again = refine(scores, [rows.tolist() for rows in groups], budget, steps=20, seconds=1e9)
        assert all(np.array_equal(a, b) for a, b in zip(again.groups, first.groups, strict=True))
    floats = refine(counts.astype(np.float32), groups, budget, steps=20, seconds=1e9)
    assert floats.started_at == first.started_at


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
def test_what_a_tensor_needs_is_done_for_it() -> None:
    weight = torch.randn(8, 6, requires_grad=True)
    sparse = torch.where(weight > 0, weight, 0.0).detach()
    plain = as_layer(sparse)
    for same_tensor in (
        torch.nn.Parameter(sparse),
        sparse.to_sparse_coo(),
        sparse.to_sparse_csr(),
        sparse.T.contiguous().T,
        torch.stack([sparse, sparse], dim=2)[:, :, 1],
    ):
        layer = as_layer(same_tensor)
        assert layer.mask == plain.mask
        assert np.array_equal(layer.weight, plain.weight)
    assert as_layer(weight).weight is not None
    assert as_layer(sparse.bfloat16()).weight.dtype == np.float32
    assert as_layer(torch.randn(4, 3, 5)).kernel_shape == (5,)


def test_a_layer_keeps_its_numbers_when_the_array_goes_on_changing() -> None:
    array = np.array([[0.0, 0.5]])
    ticket, layer = sparselab.open({"w": array}), as_layer(array)
    loaded = ticket["w"]
    array[:] = 7.0
    for kept in (layer, loaded):
        assert kept.weight.tolist() == [[0.0, 0.5]]


class Raises:
    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise RuntimeError("no")


NOT_FINITE = np.array([[np.nan, np.inf, 1.0]])
HOSTILE: dict[str, Any] = {
    "objects": np.array([[None, {}]]),
    "nan": NOT_FINITE,
    "nan tensor": torch.tensor(NOT_FINITE),
    "a text": "no such file",
    "texts": np.array([["a", "b"]]),
    "none": None,
    "0-d": np.array(3.0),
    "a number": 3.0,
    "1-D": np.ones(3),
    "no rows": np.zeros((0, 3)),
    "9-D": np.ones((1,) * 9),
    "complex": np.ones((2, 2), complex),
    "complex tensor": torch.ones(2, 2, dtype=torch.complex64),
    "integers": np.ones((2, 2), np.int64),
    "huge integers": np.full((2, 2), 2**64 - 1, np.uint64),
    "integers beyond any type": [[10**40, 1]],
    "dates": np.zeros((2, 2), "M8[s]"),
    "records": np.zeros((2, 2), [("a", "f4")]),
    "a ragged list": [[1.0], [1.0, 2.0]],
    "an empty list": [],
    "a masked array": np.ma.masked_array(np.ones((2, 2)), mask=np.eye(2)),
    "meta": torch.ones(2, 2, device="meta"),
    "nested": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged),
    "float8": torch.ones(2, 2).to(torch.float8_e4m3fn),
    "a terabyte in eight bytes": np.broadcast_to(np.float64(1), (2**20, 2**17)),
    "a terabyte of a tensor": torch.ones(1).expand(2**20, 2**18),
    "a terabyte of nothing": torch.sparse_coo_tensor(
        torch.zeros(2, 1).long(), torch.ones(1), (2**20, 2**18), check_invariants=True
    ),
    "bytes": b"weights",
    "a set": {1.0, 2.0},
    "a function": len,
    "an array that raises": Raises(),
    "a module without a weight": torch.nn.ReLU(),
}
DOORS: dict[str, Callable[[Any], object]] = {
    "open": sparselab.open,
    "regroup": sparselab.regroup,
    "refine": lambda what: refine(what, [[0]], Budget(np.array([1]), 1), steps=1, seconds=1.0),
    **{name: lambda what, name=name: made(name, what) for name in TRANSFORMS},
    **{name: lambda what, name=name: GROUPERS[name](what, Goal(height=2)) for name in GROUPERS},
}


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_layer_is_refused_in_words(what: str, door: str) -> None:
    with pytest.raises(SparselabError, match=r"expected .*; got "):
        DOORS[door](HOSTILE[what])


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("what", sorted(HOSTILE.keys() - {"integers", "huge integers", "a text"}))
def test_in_a_mapping_it_is_refused_or_left_out_with_a_reason(what: str) -> None:
    """Whole numbers are read there as in a file."""
    with pytest.raises(SparselabError, match=r"expected .*; got "):
        sparselab.open({"w": HOSTILE[what]})["w"]
    beside = {"w": HOSTILE[what], "good": np.eye(2)}
    if what.startswith(("a terabyte", "9-D")):  # what is too large is refused whole, as in a file
        with pytest.raises(SparselabError, match=r"expected (at most|dimensions up to)"):
            sparselab.open(beside)
    else:
        ticket = sparselab.open(beside)
        assert "good" in ticket.names
        named = {*ticket.names, *(item.name for item in ticket.skipped)}
        assert any(name.split(".")[0] == "w" for name in named)


def test_the_words_name_what_was_given() -> None:
    for what, words in (
        (np.arange(3), r"a convolution's 4-D weight; got an int64 array of shape \(3,\)"),
        (np.ones((2, 2), complex), r"got a complex128 array of shape \(2, 2\)"),
        (torch.ones(2, 2, device="meta"), r"got a float32 tensor of shape \(2, 2\) on meta: a tensor without values"),
        (np.ones((2, 2), int), r"got an int64 array of shape \(2, 2\): compare with zero for a mask"),
        (None, "got None"),
    ):
        with pytest.raises(SparselabError, match=words):
            sparselab.Regroup()(what)


@pytest.mark.parametrize("rng", [-1, True, 1.5, "seed", np.random.RandomState(0), [1, 2]])
def test_what_is_no_source_of_numbers_is_refused(rng: Any) -> None:
    for call in (
        lambda: as_generator(rng),
        lambda: sparselab.Regroup()(np.eye(2), rng=rng),
        lambda: GROUPERS["random"](np.eye(2), Goal(height=2), rng=rng),
        lambda: refine(np.eye(2), [[0, 1]], Budget(np.array([2]), 2), steps=1, seconds=1.0, rng=rng),
    ):
        with pytest.raises(SettingError, match="rng: expected none, a seed from 0 up"):
            call()


@pytest.mark.parametrize("groups", [[[0], [0]], [[0, 2]], [[0.0, 1.0]], [[[0, 1]]], [], None, 3, [["0", "1"]]])
def test_groups_that_are_no_partition_are_refused(groups: Any) -> None:
    with pytest.raises(SparselabError, match=r"expected .*; got "):
        refine(np.eye(2), groups, Budget(np.array([1]), 1), steps=1, seconds=1.0)
