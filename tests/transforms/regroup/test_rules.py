"""What must hold of every rule of Regroup: it is walked, so that a new one cannot be forgotten."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.core.settings import settings_of
from sparselab.formats import read_ticket
from sparselab.grouping import Goal
from sparselab.transforms import Regroup
from sparselab.transforms.regroup.rule import Selection
from sparselab.transforms.regroup.rules import RULES, SPENDING, rule_of
from tests.strategies import layers, setting_values

ROOT = Path(__file__).resolve().parents[3]
CPU = torch.device("cpu")
REGROUP = {setting.name: setting for setting in settings_of(Regroup)}


def laid(layer: Layer, **values: object) -> Layout:
    return Regroup(**{"grouper": "random", **values})(layer, rng=np.random.default_rng(0), device="cpu")  # type: ignore[arg-type]


def noise(rows: int, cols: int, density: float = 0.1) -> Layer:
    return Layer("noise", Mask(np.random.default_rng(0).random((rows, cols)) < density))


@pytest.mark.parametrize("name", RULES)
def test_its_fields_are_settings_of_regroup_with_the_same_range_and_meaning(name: str) -> None:
    kind = RULES[name]
    assert REGROUP["rule"].meanings[name] == kind.meaning
    read = {field.name for field in fields(kind)}
    for setting in settings_of(kind):
        ours = REGROUP[setting.name]
        assert (ours.doc, ours.low, ours.high, ours.choices) == (
            setting.doc,
            setting.low,
            setting.high,
            setting.choices,
        )
    for setting in REGROUP.values():
        if setting.when and setting.when.name == "rule" and setting.name != "refine":
            assert (setting.name in read) == (name in setting.when.values)
    assert REGROUP["refine"].counts({"rule": name}) == kind.spends_density


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=40)
@given(layer=layers(), height=st.integers(1, 12), data=st.data())
def test_rounds_end_and_no_weight_lies_in_two_blocks(name: str, layer: Layer, height: int, data: st.DataObject) -> None:
    rule = RULES[name](**data.draw(setting_values(RULES[name])))
    selection, first = Selection(layer), ()
    groups = tuple(np.array_split(np.arange(layer.mask.rows), -(-layer.mask.rows // height)))
    try:
        while rule.goes_on(selection):
            assert len(selection.rounds) <= layer.mask.count + 1
            assert (rule.objective(selection, groups, CPU) is not None) == (name in SPENDING)
            first = first or groups
            selection = selection.with_round(rule.select(selection, groups, CPU))
    except SettingError:
        assert layer.weight is None, "only weights can be missing"
        return
    assert selection.covered.count == sum(block.area for block in selection.blocks), "painted once each"
    assert selection.left.mask == layer.mask - selection.covered
    if not selection.blocks:
        assert rule.why_none(layer, first)


@pytest.mark.parametrize("name", RULES)
def test_what_a_setting_it_does_not_read_says_changes_nothing(name: str) -> None:
    layer = noise(64, 96, 0.3)
    other = {"min_rows": 4, "min_kept": 3, "min_cols": 2, "ratio": 0.7, "row_multiple": 8, "density": 0.2}
    read = {field.name for field in fields(RULES[name])}
    ignored = {key: value for key, value in other.items() if key not in read}
    assert laid(layer, rule=name, **ignored).after == laid(layer, rule=name).after
    assert rule_of(Regroup(rule=name, **ignored)) == rule_of(Regroup(rule=name))


@pytest.mark.parametrize("name", RULES)
def test_refine_says_where_it_cannot_be_done(name: str) -> None:
    note = laid(noise(32, 48), rule=name, refine=True, refine_steps=2).notes["refine"]
    assert note.startswith("not done") == (name not in SPENDING)


@pytest.mark.parametrize("name", RULES)
def test_groups_that_nobody_set_are_those_of_the_rule(name: str) -> None:
    """The released pipeline cuts 8 parts, and the rules that restate it do too."""
    layer = noise(192, 576)
    usual = {"groups": 8} if name in ("ratio", "legacy") else {"rows_per_group": 32}
    other = {"rows_per_group": 32} if name in ("ratio", "legacy") else {"groups": 8}
    assert laid(layer, rule=name).after == laid(layer, rule=name, **usual).after
    assert laid(layer, rule=name).row_order == laid(layer, rule=name, **usual).row_order
    assert Regroup(rule=name).goal == Regroup(rule=name, **usual).goal != Regroup(rule=name, **other).goal


@pytest.mark.parametrize("name", RULES)
def test_one_of_height_and_number_is_given(name: str) -> None:
    assert Goal(height=RULES[name].rows_per_group, count=RULES[name].group_count)


def test_the_released_pipeline_without_settings() -> None:
    """On a layer of the samples the same rule on groups of 32 rows keeps 2.5 times as much: another pipeline."""
    ticket = read_ticket(ROOT / "sample_masks" / "vgg-digits-imp-90.npz")
    layer = next(layer for layer in ticket if layer.mask.shape == (128, 576))
    released, wider = (
        laid(layer, rule="legacy", grouper="jaccard-metis", **values) for values in ({}, {"rows_per_group": 32})
    )
    assert released.after == laid(layer, rule="legacy", grouper="jaccard-metis", groups=8).after
    assert wider.after.density > 2 * released.after.density
