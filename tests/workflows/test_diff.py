"""Two tickets compared layer by layer: what pairs, what does not, and why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sparselab
from sparselab.core.errors import FileError
from sparselab.core.mask import Mask
from sparselab.core.ticket import FoundLayer, Ticket
from sparselab.workflows.diff import diff

RNG = np.random.default_rng(0)
CONV = RNG.random((6, 4, 3, 3)) < 0.5
FC = RNG.random((8, 10)) < 0.3


def test_a_ticket_is_the_same_as_itself_whatever_it_is_kept_in(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{"conv_mask": CONV, "fc_mask": FC})
    found = sparselab.diff(tmp_path / "a.npz", {"fc_mask": Mask(FC), "conv_mask": CONV})
    assert found.verdict == "same"
    assert set(found.layers) == {"conv", "fc"}
    assert found.sentence == "The masks are the same."


def test_one_weight_is_a_difference() -> None:
    other = FC.copy()
    other[0, 0] = not other[0, 0]
    found = diff({"conv_mask": CONV, "fc_mask": FC}, {"conv_mask": CONV, "fc_mask": other})
    assert found.verdict == "different"
    assert found.layers["conv"].is_same
    assert found.layers["fc"].only_a + found.layers["fc"].only_b == 1
    assert found.total is not None
    assert found.total.size == CONV.size + FC.size


def test_layers_of_one_side_and_of_other_shapes_are_said() -> None:
    found = diff({"conv_mask": CONV, "fc_mask": FC}, {"conv_mask": CONV, "fc_mask": FC.T, "new_mask": FC})
    assert {item.name: item.reason for item in found.not_compared} == {
        "fc": "expected one shape; got 8 x 10 in A and 10 x 8 in B",
        "new": "only in B",
    }
    assert found.verdict == "different"
    assert found.sentence == "Of the layers compared (1): The masks are the same."


def test_the_only_layers_are_a_pair_under_any_names_and_that_is_said() -> None:
    found = diff({"seed0_mask": FC}, {"seed1_mask": FC})
    assert found.verdict == "same"
    assert found.notes == ("seed0 of A is compared with seed1 of B: each is the only layer",)


def test_matrices_of_other_tensors_are_compared_and_it_is_said() -> None:
    found = diff({"conv_mask": CONV}, {"conv_mask": CONV.reshape(6, 36)})
    assert found.verdict == "same"
    assert "compared as matrices" in found.notes[0]


def test_no_layer_in_both() -> None:
    found = diff({"a_mask": FC, "b_mask": FC}, {"c_mask": FC})
    assert (found.total, found.verdict, found.sentence) == (None, "different", "No layer could be compared.")


def test_one_bad_layer_costs_no_other_and_one_pair_is_in_memory_at_a_time() -> None:
    asked: list[str] = []

    def layer(name: str, which: str) -> FoundLayer:
        def load() -> Mask:
            asked.append(f"{name} {which}")
            if name == "bad" and which == "B":
                raise FileError("expected finite weights; got NaN")
            return Mask(FC)

        whole = {"load": lambda: pytest.fail("weights were read"), "load_mask": load}
        return FoundLayer(name=name, tensor_shape=FC.shape, conversion="", **whole)  # type: ignore[arg-type]

    a, b = (Ticket(tuple(layer(name, which) for name in ("one", "bad", "two"))) for which in "AB")
    found = diff(a, b)
    assert asked == ["one A", "one B", "bad A", "bad B", "two A", "two B"]
    assert set(found.layers) == {"one", "two"}
    assert found.not_compared[0].reason == "in B: expected finite weights; got NaN"
    assert found.verdict == "unreadable"
