"""What must hold of every transform, on every kind of layer, for any settings."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.analysis.invariants import check_invariants
from sparselab.analysis.metrics import report
from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.core.settings import settings_of
from sparselab.transforms import TRANSFORMS
from tests.strategies import layers, setting_values


def run(name: str, layer: Layer, values: dict[str, Any], threads: int = 1) -> Layout | None:
    """Return the layout, or None where the settings do not suit each other or the layer, which is said in words."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return TRANSFORMS[name](**values)(layer, rng=np.random.default_rng(7), device="cpu")
    except SettingError:
        return None
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("name", TRANSFORMS)
@settings(max_examples=120)
@given(data=st.data(), layer=layers())
def test_laws(name: str, data: st.DataObject, layer: Layer) -> None:
    # Mt-KaHyPar and scikit-learn cost tens of milliseconds a call; test_grouping has them.
    values = data.draw(setting_values(TRANSFORMS[name]))
    if values.get("grouper") in ("hypergraph", "spectral"):
        values["grouper"] = "natural"
    obeys(name, layer, values)


# The settings a choice depends on are given the value it counts under.
CHOICES = [
    (name, setting.name, choice)
    for name, kind in TRANSFORMS.items()
    for setting in settings_of(kind)
    for choice in setting.choices
]


@pytest.mark.parametrize(("name", "setting", "choice"), CHOICES)
def test_every_choice_of_every_setting_obeys_the_laws(name: str, setting: str, choice: str) -> None:
    """On layers on which blocks are found, so that no choice is passed by for want of any."""
    by_name = {each.name: each for each in settings_of(TRANSFORMS[name])}
    values = {setting: choice}
    if (when := by_name[setting].when) and when.values[0] is not None:
        values = {when.name: when.values[0], **values}
    rng = np.random.default_rng(0)
    patterns = rng.random((3, 48)) < 0.4
    for kept in (patterns[np.repeat(np.arange(3), 24)], rng.random((40, 36)) < 0.2):
        weight, rewound = (rng.standard_normal(kept.shape).astype(np.float32) for _ in range(2))
        layer = Layer("layer", Mask(kept), weight * kept, rewound, features=rng.random((len(kept), 3)))
        obeys(name, layer, values, must_run=True)


def obeys(name: str, layer: Layer, values: dict[str, Any], *, must_run: bool = False) -> None:
    """Check every law on what a transform makes of a layer. Without `must_run` the settings may be refused."""
    original = layer.mask.digest
    layout = run(name, layer, values)
    assert layout is not None or not must_run
    if layout is None:
        return
    assert layer.mask.digest == original
    assert layout.before == layer.mask
    assert (layout.covered & layout.after) == layout.covered
    assert (layout.before - layout.dropped) | layout.grown == layout.after
    assert bool(layout.blocks) == (layout.status in ("blocked", "dense"))
    assert layout.status == "blocked" or layout.reason
    if layout.status == "unblocked":
        assert layout.after == layout.before
    for law in check_invariants(layout, layer):
        assert law.holds, f"{law.name}: {law.figure}"
    numbers = report(layout, layer)
    assert numbers.density_after + numbers.sparsity_after == pytest.approx(1)
    assert (numbers.coverage is None) == (layout.status == "unblocked" or layer.mask.count == 0)
    again = run(name, layer, values, threads=2)
    assert again is not None
    assert again.after == layout.after
    assert again.blocks == layout.blocks


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_setting_is_documented_and_its_default_is_legal(name: str) -> None:
    kind = TRANSFORMS[name]
    assert kind.title
    assert kind.source
    assert kind.__doc__
    for setting in settings_of(kind):
        assert len(setting.doc) > 5
        setting.check(setting.default)
        assert set(setting.meanings) == set(setting.choices), "a line a choice"
        assert not (setting.optional and not setting.unset), "None means something"
        if setting.when:
            assert setting.when.name in {other.name for other in settings_of(kind)}


def lines_of_settings(name: str) -> list[dict[str, Any]]:
    """The defaults, and every choice of every setting but for groupers, which look at the mask alone."""
    choices = [(setting.name, value) for setting in settings_of(TRANSFORMS[name]) for value in setting.choices]
    return [{}, *({key: value} for key, value in choices if key != "grouper")]


@pytest.mark.parametrize(("name", "values"), [(name, v) for name in TRANSFORMS for v in lines_of_settings(name)])
def test_what_a_transform_says_it_needs_is_enough_and_is_needed(name: str, values: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    mask = Mask(rng.random((64, 36)) < 0.3)
    bare, transform = Layer("layer", mask), TRANSFORMS[name](**values)
    brought = {"weight": rng.standard_normal(mask.shape), "features": rng.random((mask.rows, 3))}
    enough = {need: brought[need] for need in transform.needs}
    transform(replace(bare, **enough), rng=rng, device="cpu")
    for need in transform.needs:
        less = {other: value for other, value in enough.items() if other != need}
        with pytest.raises(SettingError, match="needs"):
            transform(replace(bare, **less), rng=rng, device="cpu")
