"""What fits into minutes: nothing planned is longer than what is left where the least of it fits, and nothing there is too much of."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparselab.training.tasks import Data
from sparselab.training.tasks.fewer import fewer, judged_examples, judged_on
from sparselab.training.tasks.tensors import TensorSplit
from sparselab.tuning.budget import Costs, plan
from sparselab.tuning.intervals import accuracy_interval, constant_accuracy, difference_interval

COSTS = st.builds(
    Costs,
    example=st.floats(0, 10),
    step=st.floats(1e-4, 100),
    once=st.floats(0, 1000),
    per_epoch=st.integers(1, 5000),
    validation=st.integers(1, 20_000),
    test=st.integers(1, 20_000),
)


@given(left=st.floats(-10, 1e5), costs=COSTS, is_busy=st.booleans())
def test_a_plan_holds_wherever_the_least_does(left: float, costs: Costs, is_busy: bool) -> None:
    found, least = plan(left, costs, is_busy=is_busy), plan(0.0, costs)
    assert round(found.epochs * costs.per_epoch) >= 1
    assert 0.01 <= found.epochs <= 1000
    assert min(64, costs.test) <= found.test <= costs.test
    assert min(8, costs.validation) <= found.validation <= costs.validation
    assert found.seconds >= least.seconds - 1e-6 * abs(least.seconds)
    if least.seconds <= 0.3 * left:
        assert found.holds
    if not found.holds:
        assert (found.epochs, found.test) == (least.epochs, least.test) or least.seconds > 0.3 * left


@given(left=st.floats(1, 1e5), costs=COSTS)
def test_examples_of_validation_are_left_out_before_those_of_the_test(left: float, costs: Costs) -> None:
    found = plan(left, costs)
    if found.test < costs.test:
        assert found.validation == min(8, costs.validation)


def test_fewer_examples_are_those_of_the_split_the_same_every_time_and_said() -> None:
    images = torch.arange(40.0).view(40, 1, 1, 1)
    split = TensorSplit(images, torch.arange(40), (0.0,), (1.0,))
    some = fewer(split, 10)
    inputs, labels = some.batch(torch.arange(10))
    assert torch.equal(inputs.flatten(), labels.float())
    assert torch.equal(some.labels, labels)
    assert torch.equal(fewer(split, 10).labels, labels)
    assert len(set(labels.tolist())) == 10
    assert fewer(split, 40) is split
    data = Data(train=split, validation=split, test=split)
    assert judged_examples(judged_on(data, validation=40, test=10)) == {"examples": {"test": 10}}
    assert judged_examples(replace(data)) == {}


@given(one=st.floats(0, 1), other=st.floats(0, 1), examples=st.integers(20, 5000))
def test_a_difference_lies_in_its_interval_which_turns_with_it(one: float, other: float, examples: int) -> None:
    one, other = (round(value * examples) / examples for value in (one, other))
    low, high = difference_interval(one, other, examples)
    assert low - 1e-9 <= one - other <= high + 1e-9
    back = difference_interval(other, one, examples)
    assert (-back[1], -back[0]) == pytest.approx((low, high))
    inside = accuracy_interval(one, examples)
    assert 0 <= inside[0] <= one + 1e-9 <= inside[1] + 2e-9 <= 1 + 3e-9


@given(st.lists(st.integers(0, 5), min_size=1, max_size=1200))
def test_one_class_for_all_is_right_where_it_is_the_most_frequent(labels: list[int]) -> None:
    split = TensorSplit(torch.zeros(len(labels), 1, 1, 1), torch.tensor(labels), (0.0,), (1.0,))
    assert constant_accuracy(split) == max(map(labels.count, set(labels))) / len(labels)
