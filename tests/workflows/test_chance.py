"""What random groups keep: of the same heights, at the same budget, by the same rule and measure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sparselab.analysis.metrics import report
from sparselab.analysis.worth import share_in_cells, worth_of
from sparselab.core.layer import Layer
from sparselab.core.mask import Mask
from sparselab.formats import ReadOptions, read_ticket
from sparselab.runtime import messages
from sparselab.transforms import TRANSFORMS, Regroup, ShuffledBlocks
from sparselab.transforms.base import Transform
from sparselab.transforms.regroup.rules import RULES, SPENDING
from sparselab.workflows.chance import FEWEST_DRAWS, MOST_DRAWS, chance_of, chance_row, random_rival
from sparselab.workflows.stored_chance import stored_chance_row


def noise(*, weights: bool, shape: tuple[int, int] = (96, 120), groups: int = 1) -> Layer:
    rng = np.random.default_rng(3)
    kept = rng.random(shape) < 0.2
    weight = np.where(kept, rng.standard_normal(shape), 0).astype(np.float32) if weights else None
    return Layer("noise", Mask(kept), weight=weight, groups=groups)


def planted() -> Layer:
    rng = np.random.default_rng(0)
    patterns = rng.random((4, 128)) < 0.1
    return Layer("planted", Mask(patterns[rng.permutation(np.repeat(np.arange(4), 16))]))


RUNS = [
    Regroup(rows_per_group=8),
    Regroup(groups=6),
    Regroup(rows_per_group=8, second_share=0.3),
    ShuffledBlocks(block_size=8),
]


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("groups", [1, 4])
def test_chance_is_what_random_groups_keep(run: Transform, weights: bool, groups: int) -> None:
    """Runs by hand with seeds of their own lie where the draws lie."""
    layer = noise(weights=weights, groups=groups)
    chance = chance_of(layer, run(layer, device="cpu"), run, device="cpu")
    assert chance is not None
    assert chance.low <= chance.mean <= chance.high
    assert FEWEST_DRAWS <= chance.draws <= MOST_DRAWS
    random = type(run)(**{**vars(run), "grouper": "random"})
    by_hand = [worth_of(report(random(layer, rng=seed, device="cpu"), layer)) for seed in range(12)]
    assert np.mean(by_hand) == pytest.approx(chance.mean, abs=2 * float(np.std(by_hand)))
    assert chance == chance_of(layer, run(layer, device="cpu"), run, device="cpu"), "the same at every call"


AT_RANDOM = [random for kind in TRANSFORMS.values() if (random := kind().at_random(0.3)) is not None]


@pytest.mark.parametrize("changed", [{}, {"density": 0.07}, {"weigh": "count"}, {"second_share": 0.3}, {"groups": 5}])
@pytest.mark.parametrize("random", AT_RANDOM, ids=lambda random: type(random).__name__)
@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("groups", [1, 2])
def test_a_draw_keeps_what_the_report_of_its_layout_says(
    random: Transform, changed: dict[str, float], weights: bool, groups: int
) -> None:
    """And lies in the very same blocks: the draws share what does not depend on chance, and nothing else is changed by it."""
    if not changed.keys() <= vars(random).keys():
        pytest.skip("no such setting")
    if "groups" in changed:
        changed = changed | {"rows_per_group": None}  # type: ignore[dict-item]
    layer, run = noise(weights=weights, groups=groups, shape=(90, 70)), replace(random, **changed)
    draw, share = run.drawing(layer, device="cpu"), share_in_cells(layer)
    for seed in range(3):
        layout, cells = run(layer, rng=seed, device="cpu"), draw(np.random.default_rng(seed))
        assert layout.status == "blocked"
        assert np.array_equal(cells.covers(layer.mask.shape), layout.after.kept)
        assert share(cells.groups, cells.chosen) == pytest.approx(worth_of(report(layout, layer)), rel=1e-12)


def test_hidden_groups_are_worth_far_more_than_chance_and_noise_is_not() -> None:
    run = Regroup(rows_per_group=16)
    for layer, gains in ((planted(), (0.4, 1.0)), (noise(weights=False), (-0.01, 0.1))):
        layout = run(layer, device="cpu")
        chance, worth = chance_of(layer, layout, run, device="cpu"), worth_of(report(layout, layer))
        assert chance is not None
        assert gains[0] < chance.gain(worth) < gains[1]
        assert chance.explains(worth) == (worth <= chance.high)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in SPENDING])
def test_a_rule_with_a_density_of_its_own_is_measured_at_that_density(rule: str) -> None:
    layer, run = noise(weights=False), Regroup(rule=rule, rows_per_group=24, min_cols=1)
    layout = run(layer, device="cpu")
    random = run.at_random(layout.after.density)
    drawn = random(layer, rng=1, device="cpu")
    assert layout.after.count - 24 < drawn.after.count <= layout.after.count
    assert chance_of(layer, layout, run, device="cpu") is not None


def test_where_one_group_holds_all_rows_there_is_nothing_to_draw() -> None:
    layer, run = noise(weights=True), Regroup(rows_per_group=96)
    layout = run(layer, device="cpu")
    chance = chance_of(layer, layout, run, device="cpu")
    assert chance is not None
    assert chance.draws == 2
    assert chance.low == chance.high == pytest.approx(worth_of(report(layout, layer)))


@pytest.mark.parametrize("name", [name for name, kind in TRANSFORMS.items() if kind().at_random(0.5) is None])
def test_nothing_is_said_where_no_rows_are_put_together(name: str) -> None:
    layer, run = noise(weights=True), TRANSFORMS[name]()
    assert chance_of(layer, run(layer, device="cpu"), run, device="cpu") is None


def test_nothing_is_said_without_blocks_or_where_all_is_kept() -> None:
    for layer in (Layer("empty", Mask(np.zeros((8, 8), bool))), Layer("full", Mask(np.ones((8, 8), bool)))):
        layout = Regroup(rows_per_group=4)(layer, device="cpu")
        assert chance_of(layer, layout, Regroup(rows_per_group=4), device="cpu") is None


def test_a_worker_says_the_same_and_draws_once_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = noise(weights=True)
    assert layer.weight is not None
    path = str(tmp_path / "net.npz")
    np.savez(path, noise=layer.weight)
    layer, run = read_ticket(path)["noise"], Regroup(rows_per_group=8)
    layout = run(layer, device="cpu")
    random, chance = random_rival(run, layout), chance_of(layer, layout, run, device="cpu")
    assert random is not None
    assert chance is not None
    asked = (path, "noise", "regroup", vars(random), ReadOptions())
    assert messages.load(messages.dump(chance_row(*asked, "cpu"))) == chance.as_json()
    store = str(tmp_path / "store")
    assert stored_chance_row(*asked, store, "cpu") == chance.as_json()
    monkeypatch.setattr("sparselab.workflows.stored_chance.chance_row", None)
    assert stored_chance_row(*asked, store, "cpu") == chance.as_json()
