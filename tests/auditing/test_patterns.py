"""Every pattern: counted as its definition says, found where it is, broken where it breaks, by chance as often as random masks have it."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.auditing.bits import MaskBits
from sparselab.auditing.counting import count_layer
from sparselab.auditing.findings import find
from sparselab.auditing.patterns import PATTERNS, Pattern
from sparselab.auditing.patterns.n_m import NMWindows
from sparselab.core.ticket import StoredLayer
from tests.auditing.definitions import broken_units, examples


def bits_of(kept: np.ndarray, groups: int = 1) -> MaskBits:
    return count_layer("layer", StoredLayer(kept.reshape(len(kept), -1), "bool"), kept.shape, groups).bits


def some(form: str, rng: np.random.Generator) -> list[Pattern]:
    """The usual patterns of a form, and one of odd numbers."""
    numbers = [int(x) for x in rng.integers(2, 7, 4)]
    odd = {
        "N:M": lambda: PATTERNS[form](min(numbers[0], 6), 7 + numbers[1]),
        "V:N:M": lambda: PATTERNS[form](numbers[0], min(numbers[1], 4), 3 + numbers[2]),
        "HxW": lambda: PATTERNS[form](numbers[0], numbers[1]),
        "heads": lambda: PATTERNS[form](numbers[0]),
    }
    return [*PATTERNS[form].usual(), *([odd[form]()] if form in odd else [])]


@pytest.mark.parametrize("form", PATTERNS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_pattern_is_counted_as_its_definition_says(form: str, data: st.DataObject) -> None:
    groups = data.draw(st.sampled_from([1, 1, 2, 3]))
    shape = (groups * data.draw(st.integers(1, 11)), data.draw(st.integers(1, 35)))
    shape += data.draw(st.sampled_from([(), (3,), (2, 2)]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**20)))
    kept = rng.random(shape) < data.draw(st.sampled_from([0.05, 0.3, 0.5, 0.9, 1.0]))
    bits = bits_of(kept, groups)
    for pattern in some(form, rng):
        for axis in pattern.axes:
            for strict in pattern.stricts:
                found = find(pattern, bits, axis, strict=strict, kernel=shape[2:])
                units, broken = broken_units(pattern, axis, kept, strict=strict, groups=groups)
                assert (found.units, round((1 - found.share) * units)) == (units, len(broken)), (pattern, axis, strict)
                assert found.holds == (not broken)
                assert (found.first_break is None) == found.holds
                assert found.first_break is None or found.first_break.index in broken


@pytest.mark.parametrize("form", PATTERNS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**20), place=st.floats(0, 0.999))
def test_a_pattern_is_found_and_one_break_is_where_it_was_put(form: str, seed: int, place: float) -> None:
    pattern, axis, kept = examples(form, np.random.default_rng(seed), (32, 48))
    whole = find(pattern, bits_of(kept), axis, strict=True, kernel=())
    assert whole.holds
    assert whole.beyond_chance
    at = np.unravel_index(int(place * kept.size), kept.shape)
    kept[at] = not kept[at]
    found = find(pattern, bits_of(kept), axis, strict=True, kernel=())
    (expected,) = broken_units(pattern, axis, kept, strict=True)[1]
    assert not found.holds
    assert found.first_break is not None
    assert found.first_break.index == expected
    assert round(found.share * found.units) == found.units - 1


@pytest.mark.parametrize("form", PATTERNS)
@pytest.mark.parametrize("density", [0.08, 0.5, 0.93])
def test_chance_is_what_random_masks_of_the_same_count_have(form: str, density: float) -> None:
    rng = np.random.default_rng(3)
    shape = (12, 22)
    size = shape[0] * shape[1]
    masks = [(rng.permutation(size) < round(density * size)).reshape(shape) for _ in range(200)]
    small = {"V:N:M": [PATTERNS["V:N:M"](3, 2, 5), PATTERNS["V:N:M"](2, 1, 8)], "HxW": [PATTERNS["HxW"](2, 3)]}
    for pattern in small.get(form) or [*PATTERNS[form].usual(), *([PATTERNS[form](5)] if form == "heads" else [])]:
        for axis in pattern.axes:
            for strict in pattern.stricts:
                found = [find(pattern, bits_of(mask), axis, strict=strict, kernel=()) for mask in masks]
                shares = np.array([each.share for each in found])
                error = shares.std(ddof=1) / np.sqrt(len(shares))
                chance = found[0].share_by_chance
                assert chance is not None
                # A share that no mask has is too rare for two hundred of them to tell.
                assert abs(shares.mean() - chance) <= max(3 * error, 3 / found[0].units / 200), (pattern, axis, strict)


def test_chance_of_a_layer_that_keeps_all_or_nothing_is_one() -> None:
    for kept in (np.ones((9, 20), bool), np.zeros((9, 20), bool)):
        for form in PATTERNS:
            for pattern in PATTERNS[form].usual():
                strict = pattern.stricts[-1]
                assert exp(pattern.log_chance(bits_of(kept), strict=strict)) == pytest.approx(
                    find(pattern, bits_of(kept), pattern.axes[0], strict=strict, kernel=()).share
                )


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 3), st.integers(0, 2**20))
def test_turned_bits_are_the_mask_along_the_other_axis(rows: int, cols: int, groups: int, seed: int) -> None:
    kept = np.random.default_rng(seed).random((groups * rows, cols)) < 0.4
    turned = bits_of(kept, groups).turned
    for group in range(groups):
        here = kept[group * rows : (group + 1) * rows]
        assert np.array_equal(turned.unpacked(slice(None), group)[:, 0], here.T)
    assert turned.count == kept.sum()


@pytest.mark.parametrize("form", PATTERNS)
def test_a_pattern_is_parsed_from_its_name(form: str) -> None:
    for pattern in some(form, np.random.default_rng(0)):
        if form != "heads":
            assert PATTERNS[form].parse(pattern.name) == pattern
        assert [kind for kind in PATTERNS if PATTERNS[kind].parse(pattern.name) is not None] == [form]


def test_windows_longer_than_the_layer_are_what_remains() -> None:
    found = find(NMWindows(3, 100), bits_of(np.ones((2, 3), bool)), "in", strict=True, kernel=())
    assert (found.units, found.holds) == (2, True)
