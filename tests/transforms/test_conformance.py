"""What must hold of every transform, on every kind of layer, for any settings."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.errors import SettingError
from sparselab.invariants import check_invariants
from sparselab.layout import Layout
from sparselab.metrics import report
from sparselab.settings import settings_of
from sparselab.transform import Layer
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
    original = layer.mask.digest
    layout = run(name, layer, values)
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
