"""Which convolutions are taken for grouped ones, where a file says nothing of groups."""

from __future__ import annotations

import numpy as np
import pytest

from tests.formats.kinds.examples import w
from tests.formats.kinds.test_kinds import read

Shape = tuple[int, ...]


def groups(**shapes: Shape) -> dict[str, int]:
    found = read({name.replace("__", "."): np.asarray(w(*shape)) for name, shape in shapes.items()})
    return {layer.name: layer.groups for layer in found if layer.groups > 1}


GROUPED: dict[str, tuple[dict[str, Shape], dict[str, int]]] = {
    "ResNeXt": (
        {
            "conv1__weight": (16, 3, 3, 3),
            "l__0__conv1__weight": (32, 16, 1, 1),
            "l__0__conv2__weight": (32, 4, 3, 3),
            "l__0__conv3__weight": (64, 32, 1, 1),
            "l__0__down__0__weight": (64, 16, 1, 1),
            "l__1__conv1__weight": (32, 64, 1, 1),
            "l__1__conv2__weight": (32, 4, 3, 3),
            "l__1__conv3__weight": (64, 32, 1, 1),
        },
        {"l.0.conv2.weight": 8, "l.1.conv2.weight": 8},
    ),
    "two groups, and all is taken": (
        {"a__weight": (16, 3, 3, 3), "b__weight": (16, 8, 3, 3), "c__weight": (32, 16, 3, 3)},
        {"b.weight": 2},
    ),
    "one after another": (
        {
            "a__weight": (16, 3, 3, 3),
            "b__weight": (16, 4, 3, 3),
            "c__weight": (16, 4, 3, 3),
            "d__weight": (8, 16, 1, 1),
        },
        {"b.weight": 4, "c.weight": 4},
    ),
    "the last": ({"a__weight": (16, 3, 3, 3), "b__weight": (16, 4, 3, 3)}, {"b.weight": 4}),
}

CHAINS: dict[str, dict[str, Shape]] = {
    "two of one size": {"conv2d/kernel": (3, 3, 4, 8), "conv2d_1/kernel": (3, 3, 4, 8)},
    "gates, which leave half": {"a__weight": (16, 3, 3), "b__weight": (16, 8, 3), "c__weight": (16, 8, 3)},
    "a gate at the end": {"a__weight": (16, 3, 3), "b__weight": (16, 8, 3)},
    "pixel shuffles": {
        "body__weight": (8, 3, 3, 3),
        "up__0__weight": (32, 8, 3, 3),
        "up__2__weight": (32, 8, 3, 3),
        "last__weight": (3, 8, 3, 3),
    },
    "branches in the order of their names": {
        "b__one__weight": (16, 12, 1, 1),
        "b__three__weight": (16, 4, 3, 3),
        "b__three_reduce__weight": (4, 12, 1, 1),
    },
    "another follows": {"a__weight": (16, 3, 3, 3), "b__weight": (16, 4, 3, 3), "c__weight": (8, 6, 3, 3)},
}


@pytest.mark.parametrize("case", GROUPED)
def test_a_part_of_the_inputs_that_nothing_else_explains_means_groups(case: str) -> None:
    shapes, expected = GROUPED[case]
    assert groups(**shapes) == expected


@pytest.mark.parametrize("case", CHAINS)
def test_sizes_that_a_chain_explains_mean_none(case: str) -> None:
    assert groups(**CHAINS[case]) == {}
