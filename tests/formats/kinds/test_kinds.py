"""The rules by which a file's tensors are told apart: each has an example and a near miss; what headers say costs no reading."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.file_kinds import DOCUMENT, rewritten
from sparselab.core.errors import FileError
from sparselab.core.ticket import Ticket
from sparselab.formats import ReadOptions, describe
from sparselab.formats.base import Archive, ArchiveEntry, Role
from sparselab.formats.containers import flatten
from sparselab.formats.kinds.finding import find_layers, find_parts
from sparselab.formats.kinds.parts import LayerParts, mask_shapes
from sparselab.formats.kinds.rule import KindRule
from sparselab.formats.kinds.rules import STEPS
from sparselab.formats.kinds.values import read_mask, read_weight
from sparselab.formats.options import DEFAULT_LIMITS, DEFAULT_OPTIONS
from tests.formats.kinds.examples import EXAMPLES, m, w

RULES: dict[str, KindRule] = {name: rule for _, rules in STEPS for name, rule in rules.items()}


def entry(name: str, array: np.ndarray, role: Role = "unknown", **more: Any) -> ArchiveEntry:
    return ArchiveEntry(name=name, shape=array.shape, dtype=array.dtype, load=lambda: array, role=role, **more)


def archive(tensors: dict[str, Any]) -> Archive:
    found = flatten(tensors, lambda value: isinstance(value, np.ndarray | np.generic))
    return Archive(
        tuple(entry(name, np.asarray(value), role) for name, value, role in found if not isinstance(value, str))
    )


def read(tensors: dict[str, Any] | Archive, options: ReadOptions = DEFAULT_OPTIONS) -> Ticket:
    given_archive = tensors if isinstance(tensors, Archive) else archive(tensors)
    found, skipped, notes = find_layers(given_archive, options, DEFAULT_LIMITS, has_shapes=True)
    return Ticket(found, skipped, {"notes": list(notes)})


def said(tensors: dict[str, Any], options: ReadOptions) -> dict[str, list[str]]:
    """What is said of each tensor or layer, by its name; of the file as a whole under ""."""
    try:
        card = describe(read(tensors, options))
    except FileError as error:
        return {"": [str(error)]}
    texts: dict[str, list[str]] = {"": []}
    for layer in card["layers"]:
        texts.setdefault(layer["name"], []).extend(layer["notes"])
    for item in card["skipped"]:
        texts.setdefault(item["name"], []).append(item["reason"])
    return texts


@pytest.mark.parametrize("name", RULES)
def test_every_rule_catches_its_example_and_not_the_near_miss(name: str) -> None:
    assert name in EXAMPLES, f"{name}: give it an example and a near miss in tests/formats/kinds/examples.py"
    example, rule = EXAMPLES[name], RULES[name]
    caught, missed = said(example.tensors, example.options), said(example.near, example.near_options)
    assert any(map(rule.said, caught[example.catches])), caught
    assert not any(map(rule.said, missed[example.misses])), missed


def test_every_rule_has_a_name_of_its_own_and_says_what_it_does() -> None:
    assert len(RULES) == sum(len(rules) for _, rules in STEPS)
    assert EXAMPLES.keys() == RULES.keys()
    for rule in RULES.values():
        assert rule.title
        assert rule.line.endswith((".", ")"))
        assert rule.said(rule.text("anything"))


def test_the_page_is_up_to_date() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert rewritten(text) == text, "run: python -m benchmarks.file_kinds"


def never(name: str, *shape: int) -> ArchiveEntry:
    def load() -> np.ndarray:
        raise AssertionError(f"{name} was loaded")

    return ArchiveEntry(name=name, shape=shape, dtype=np.dtype(np.float32), load=load)


def test_plain_weights_are_told_by_their_headers_alone() -> None:
    names = [f"layers.{i}.{part}.weight" for i in range(4) for part in ("q_proj", "mask_head", "score", "attn.tril")]
    square = [never(name, 2**15, 2**15) for name in names]
    kernels = [never(f"conv{i}.kernel", 3, 3, 64, 64) for i in range(3)]
    pairs = [never("fc.weight_orig", 8, 8), never("fc.weight_mask", 8, 8), never("mask_decoder.up.weight", 4, 4)]
    ticket = read(Archive((*square, *kernels, *pairs)))
    assert len(ticket) == 16 + 3 + 2


WRAPPERS = ["module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module"]
NAMES = ["conv1.weight", "blocks.0.fc.weight", "layer1.0.conv2.weight", "encoder/dense/kernel"]


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A weight under one spelling and its mask under another."""
    name = draw(st.sampled_from(NAMES))
    divider = "/" if "/" in name else "."
    path = name.split(divider)

    def wrapped(*prefixes: list[str]) -> str:
        parts = list(path)
        for wrapper in draw(st.lists(st.sampled_from(WRAPPERS), max_size=2)):
            parts.insert(draw(st.integers(0, len(parts) - 1)), wrapper)
        return divider.join(draw(st.sampled_from([[], *prefixes])) + parts)

    both = (["model"], ["net", "backbone"])
    weight, mask = (wrapped(*both), wrapped()) if draw(st.booleans()) else (wrapped(), wrapped(*both))
    head, last = mask.rsplit(divider, 1)
    names = [f"{mask}_mask", f"mask{divider}{mask}", f"{head}{divider}mask", f"{head}{divider}mask_{last}"]
    names.append(f"{head}{divider}__{last}_mma_mask")
    keep = draw(st.sampled_from(["flat", "masks", "mask_dict", "prune_mask", "weightMasks"]))
    kept = m(16, 12)
    entries = {draw(st.sampled_from(names)): kept} if keep == "flat" else {keep: {mask: kept}}
    return name, {weight: w(16, 12), "other.fc.weight": w(16, 12), **entries}


@given(case=spellings())
def test_a_mask_finds_its_weight_however_either_is_wrapped(case: tuple[str, dict[str, Any]]) -> None:
    _, tensors = case
    ticket = read(tensors)
    kept = next(value for value in tensors.values() if isinstance(value, dict) or ((value == 0) | (value == 1)).all())
    kept = next(iter(kept.values())) if isinstance(kept, dict) else kept
    weight = next(value for value in tensors.values() if isinstance(value, np.ndarray) and value is not kept)
    assert len(ticket) == 2
    layer = next(layer for layer in ticket if layer.mask.density < 1)
    assert layer.weight is not None
    axes = ticket.entries[[each.name for each in ticket].index(layer.name)].conversion
    shown = (weight * kept).T if " as IO" in axes else weight * kept
    assert np.array_equal(layer.weight, shown)


SPECS = ["OI", "IO", "OIHW", "IOHW", "HWIO", "OHWI", "WIO", "OIW", "OIDHW", "DHWIO", "EOI", "EIO", "IOO", "IIO"]


@given(spec=st.sampled_from(SPECS), data=st.data())
def test_a_tensor_becomes_a_matrix_and_goes_back(spec: str, data: st.DataObject) -> None:
    shape = tuple(data.draw(st.integers(1, 4)) for _ in spec)
    values = RNG_VALUES[: int(np.prod(shape))].reshape(shape)
    parts = LayerParts(name="a", base="a", weight=entry("a", values), mask=None, axes=spec)
    matrix = parts.matrix_of(values)
    assert matrix.shape == (parts.rows, parts.cols)
    assert np.array_equal(parts.tensor_of(matrix), values)
    order = np.transpose(values, parts.order)
    assert np.array_equal(np.transpose(order, parts.inverse), values)
    assert matrix.tolist() == order.reshape(matrix.shape).tolist()
    for mask in mask_shapes(shape):
        if len(mask) == 1 and spec[0] != "O":
            continue  # a vector is a number an output
        assert parts.mask_matrix_of(np.ones(mask, bool)).all()


RNG_VALUES = np.arange(4.0**5)


@pytest.mark.parametrize("columns", [6, 18])
def test_a_flat_convolution_goes_back_too(columns: int) -> None:
    values = np.arange(4.0 * columns).reshape(4, columns)
    parts = LayerParts(
        name="a",
        base="a",
        weight=entry("a", values),
        mask=None,
        axes="OI",
        kernel_shape=(3, 1),
        column_order="kh-kw-cin",
    )
    assert np.array_equal(parts.tensor_of(parts.matrix_of(values)), values)


def test_what_the_options_say_comes_before_every_guess() -> None:
    tensors = {"a/kernel": w(3, 3, 8, 16), "b/kernel": w(8, 4), "b/bias": w(4)}
    assert [layer.mask.shape for layer in read(tensors)] == [(16, 72), (4, 8)]
    ticket = read(tensors, ReadOptions(axes=("OIHW", "b_kernel=OI")))
    assert [layer.mask.shape for layer in ticket] == [(3, 3 * 8 * 16), (8, 4)]
    assert not any(found.notes for found in ticket.entries)
    own = Archive((entry("a", w(8, 4), axes="IO"), entry("c.weight", w(6, 1, 3, 3))))
    assert [found.tensor_shape for found in read(own).entries] == [(4, 8), (6, 1, 3, 3)]
    assert [layer.groups for layer in read(own, ReadOptions(groups=("c.weight=3",)))] == [1, 3]
    with pytest.raises(FileError, match="groups that divide its 6 rows; got 4"):
        read(own, ReadOptions(groups=("c.weight=4",)))


def test_read_all_reads_what_was_left_alone() -> None:
    tensors = {
        "a.weight": w(6, 8),
        "tril": np.tril(np.ones((8, 8))),
        "wpe.weight": w(9, 8),
        "a.scores": w(6, 8),
        "v": w(3),
    }
    assert read(tensors).names == ("a.weight",)
    ticket = read(tensors, ReadOptions(read_all=True))
    assert ticket.names == ("a.weight", "tril", "wpe.weight", "a.scores")
    assert ticket["tril"].weight is None
    assert [item.name for item in ticket.skipped] == ["v"]


@given(threshold=st.floats(0, 2), seed=st.integers(0, 9))
def test_the_threshold_is_what_still_counts_as_pruned(threshold: float, seed: int) -> None:
    values = np.random.default_rng(seed).standard_normal((5, 7))
    assert np.array_equal(read_weight(values, threshold).kept, np.abs(values) > threshold)
    assert np.array_equal(read_mask(values, threshold).kept, values > threshold)
    assert not read_mask(values, threshold).notes
    assert np.array_equal(read_mask(values != 0, None).kept, values != 0)


def test_nan_counts_where_it_is_kept() -> None:
    weight, kept = w(6, 8), m(6, 8)
    kept[0, :2] = [0, 1]
    under, over = weight.copy(), weight.copy()
    under[0, 0] = np.nan
    over[0, 1] = np.inf
    tensors = {"a_orig": under, "a_mask": kept, "b_orig": over, "b_mask": kept}
    card = describe(read(tensors))
    assert [layer["name"] for layer in card["layers"]] == ["a"]
    assert card["skipped"] == [{"name": "b", "reason": "b: expected finite weights; got 0 NaN and 1 infinite"}]
    with pytest.raises(FileError, match="0 NaN and 1 infinite"):
        describe(read({key: value for key, value in tensors.items() if key[0] == "b"}))


@given(words=st.lists(st.integers(0, 2**16 - 1), min_size=6, max_size=6), axes=st.sampled_from(["OI", "IO"]))
def test_masks_of_16_bits_are_read_without_widening(words: list[int], axes: str) -> None:
    stored = np.array(words, np.uint16).reshape(2, 3) & np.uint16(0xFF7F)  # no exponent of all ones: finite
    values = (stored.astype(np.uint32) << 16).view(np.float32)
    told = entry("a", values, axes=axes, stored="bfloat16", load_stored=lambda: stored)
    (found,) = read(Archive((told,))).entries
    assert found.load_mask is not None
    assert found.load_mask() == found.load().mask
    pair = read({"a_orig": values, "a_mask": values != 0}).entries[0]
    assert pair.load_mask is not None
    assert pair.has_weight
    assert pair.load_mask() == pair.load().mask


def test_many_tensors_are_paired_in_no_time_that_grows_with_their_square() -> None:
    weights = [never(f"m.{'x.' * 40}{i}.weight", 4, 4) for i in range(5000)]
    masks = [entry(f"{'x.' * 40}{i}.weight", np.eye(4, dtype=bool), "mask") for i in range(5000)]
    parts, _, _ = find_parts(Archive((*weights, *masks)), DEFAULT_OPTIONS, DEFAULT_LIMITS, has_shapes=True)
    assert sum(each.form == "pair" for each in parts) == 5000
