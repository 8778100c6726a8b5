"""What Explore says of its picture: one sentence for every status, with what chance would keep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sparselab.analysis.metrics import Report, report
from sparselab.app.explore.words import sentence, sentence_before
from sparselab.core.layer import Layer
from sparselab.core.mask import Mask
from sparselab.transforms import TRANSFORMS, Regroup
from sparselab.workflows.chance import Chance, chance_of

LAYER = Layer("fc", Mask(np.random.default_rng(0).random((64, 96)) < 0.2))
RUN = Regroup(rows_per_group=8)


def numbers(layer: Layer = LAYER, run: object = RUN) -> Report:
    return report(run(layer, device="cpu"), layer)  # type: ignore[operator]


def said(found: Report, **about: object) -> str:
    return sentence(found.as_json(), **{"grouped": True, "chance": None} | about)  # type: ignore[arg-type]


def test_what_is_kept_is_said_beside_what_chance_keeps() -> None:
    found, chance = numbers(), chance_of(LAYER, RUN(LAYER, device="cpu"), RUN, device="cpu")
    assert found.coverage is not None
    assert chance is not None
    text = said(found, chance=chance)
    assert f"**{100 * found.coverage:.0f} of 100 kept weights** fit into 8 dense blocks" in text
    assert f"random groups would keep {100 * chance.mean:.0f}." in text
    assert "being counted" in said(found, is_drawing=True)


def test_chance_that_keeps_as_much_is_not_called_a_gain() -> None:
    found = numbers()
    assert found.coverage is not None
    chance = Chance(found.coverage - 0.001, found.coverage - 0.002, found.coverage, 8)
    assert "random groups keep as much" in said(found, chance=chance)


def test_energy_is_what_chance_is_measured_by_where_there_are_weights() -> None:
    weights = replace(LAYER, weight=np.random.default_rng(1).standard_normal((64, 96)))
    text = said(numbers(weights), chance=Chance(0.2, 0.1, 0.3, 8))
    assert "of their energy" in text
    assert "random groups would keep 20 % of the energy." in text


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize(
    "kept", [LAYER.mask.kept, np.zeros((8, 8), bool), np.ones((8, 8), bool), np.eye(1, dtype=bool)]
)
def test_there_is_a_sentence_for_every_transform_and_every_mask(name: str, kept: np.ndarray) -> None:
    run = TRANSFORMS[name]()
    layer = Layer("fc", Mask(kept), weight=kept.astype(float))
    found = numbers(layer, run)
    text = said(found, grouped=run.at_random(0.5) is not None)
    assert text.endswith(".")
    assert "None" not in text
    assert found.status in ("blocked", "masked") or found.reason in text


def test_before_there_is_an_answer_the_layer_itself_is_described() -> None:
    assert "100 of 100" in sentence_before(Mask(np.ones((2, 2), bool)))
