"""Contenders, the pool that runs them, and the whole network."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, ClassVar

import numpy as np
import pytest
from annotated_types import Interval
from typing_extensions import Doc

from sparselab.analysis.worth import worth_of
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.formats import ReadOptions, read_ticket
from sparselab.grouping import GROUPERS
from sparselab.runtime import messages
from sparselab.runtime.progress import Monitor
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.base import Transform
from sparselab.transforms.contender import ROLES
from sparselab.workflows import compare
from sparselab.workflows.compare import (
    at_density,
    best_contenders,
    compare_row,
    contenders,
    curve_contenders,
    curve_row,
    run_contender,
)
from sparselab.workflows.model import export_ticket, model_row


def weighted(seed: int, shape: tuple[int, int] = (64, 96), density: float = 0.2) -> Layer:
    rng = np.random.default_rng(seed)
    kept = rng.random(shape) < density
    return Layer(f"layer{seed}", Mask(kept), weight=np.where(kept, rng.standard_normal(shape), 0).astype(np.float32))


@pytest.fixture
def network(tmp_path: Path) -> str:
    layers = [weighted(seed) for seed in range(3)]
    np.savez(tmp_path / "net.npz", **{layer.name: layer.weight for layer in layers})  # type: ignore[arg-type]
    return str(tmp_path / "net.npz")


@pytest.mark.parametrize("density", [0.05, 0.2, 0.6])
def test_who_competes_at_a_budget_stays_within_it(density: float) -> None:
    layer = weighted(0)
    rounding = 0.5 / layer.mask.kept.size
    for contender in contenders(density):
        if contender.settings.get("grouper") in ("hypergraph", "spectral"):
            continue
        layout, _ = run_contender(layer, contender, seed=0, device="cpu")
        if contender.at_budget:
            assert layout.status == "unblocked" or layout.after.density <= density + rounding, contender.title


def test_names_and_titles_are_unique_and_every_curve_has_its_contender() -> None:
    found = contenders(0.1)
    for names in ([contender.name for contender in found], [contender.title for contender in found]):
        assert len(names) == len(set(names))
    names = {contender.name for contender in found}
    assert {contender.name for contender in curve_contenders()} <= names
    for contender in curve_contenders():
        told = at_density(contender, 0.25).settings
        assert told.get("density") == 0.25 or told.get("sparsity") == 0.75


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_transform_names_its_contenders(name: str) -> None:
    kind = TRANSFORMS[name]
    found = kind.contenders(name, 0.1)
    assert found
    for contender in found:
        assert re.fullmatch(rf"{name}(-[a-z0-9-]+)?", contender.name), "links and files hold it"
        assert contender.transform == name
        assert contender.role in ROLES
        assert contender.title
        kind(**contender.settings)
        assert not contender.at_budget or at_density(contender, 0.1) == contender, "it spends what it is told to"
        assert contender.at_budget or not contender.on_curve
    assert [item.name for item in kind.contenders(name, None)] == [item.name for item in found]


def test_every_role_is_taken_and_controls_are_groups_that_look_at_no_row() -> None:
    found = contenders(0.1)
    assert {contender.role for contender in found} == set(ROLES)
    for contender in found:
        grouper = GROUPERS.get(contender.settings.get("grouper", ""))
        assert (contender.role == "control") == (grouper is not None and grouper.is_control)
        assert contender.by_chance == (grouper is not None and grouper.by_chance)


@dataclass(frozen=True)
class New(Transform):
    """A transform that says nothing of contenders."""

    title: ClassVar[str] = "New"
    source: ClassVar[str] = "a test"
    density: Annotated[float | None, Interval(ge=0.0, le=1.0), Doc("weights to keep / all weights")] = None

    def _run(self, layer: Layer, rng: np.random.Generator, device: str, monitor: Monitor) -> Layout:
        return Layout.unchanged(layer.mask, "nothing is looked for")


def test_a_transform_that_is_registered_takes_part(monkeypatch: pytest.MonkeyPatch) -> None:
    known = MappingProxyType({"new": New, **TRANSFORMS})
    monkeypatch.setattr(compare, "TRANSFORMS", known)
    (found,) = (contender for contender in contenders(0.3) if contender.transform == "new")
    assert (found.name, found.title, found.role, found.at_budget) == ("new", "New", "candidate", True)
    assert found.settings == {"density": 0.3}
    layout, _ = run_contender(weighted(0), found, seed=0, device="cpu")
    assert layout.status == "unblocked"


def test_a_row_for_who_chooses_a_density_carries_the_budgets_answer_there(network: str) -> None:
    ratio = next(item for item in contenders(0.2) if item.name == "regroup-ratio")
    ratio = replace(ratio, settings={**ratio.settings, "rows_per_group": 32})  # 8 groups of this layer are too small
    row = messages.load(messages.dump(compare_row(network, "layer0", asdict(ratio), 0, ReadOptions(), "cpu")))
    assert row["picture"].dtype == np.uint8
    assert row["picture"].shape[0] == 2
    layer = read_ticket(network)["layer0"]
    budget = next(item for item in contenders(row["report"]["density_after"]) if item.name == "regroup-jaccard-metis")
    _, numbers = run_contender(layer, budget, seed=0, device="cpu")
    assert row["rival"] == numbers.coverage


def test_a_curve_rises_with_what_is_spent(network: str) -> None:
    natural = next(item for item in curve_contenders() if item.name == "regroup-natural")
    points = curve_row(network, "layer0", asdict(natural), [0.05, 0.2, 0.8], 0, ReadOptions(), "cpu")["points"]
    spent, covered = zip(*points, strict=True)
    assert list(spent) == sorted(spent)
    assert list(covered) == sorted(covered)


def test_best_per_layer_is_the_best_of_those_that_compare_crowns(network: str) -> None:
    row = model_row(network, "layer1", [], 0, ReadOptions(), "cpu")
    layer = read_ticket(network)["layer1"]
    worths = {
        item.title: worth_of(run_contender(layer, item, seed=0, device="cpu")[1])
        for item in contenders(layer.mask.density)
        if item.per_layer
    }
    assert worth_of(row["report"]) == max(worths.values())
    assert worths[row["contender"]] == max(worths.values())
    assert row["level"] == [title for title, worth in worths.items() if worth == max(worths.values())][1:]


def test_the_best_is_sought_among_candidates_at_one_budget_refined_ones_too() -> None:
    found = best_contenders(0.2)
    assert {(each.role, each.at_budget, each.by_chance) for each in found} == {("candidate", True, False)}
    assert {bool(each.settings.get("refine")) for each in found} == {True, False}


def test_the_exported_ticket_holds_the_new_masks(network: str, tmp_path: Path) -> None:
    row = model_row(network, "layer1", [], 0, ReadOptions(), "cpu")
    out = tmp_path / "new.npz"
    assert export_ticket(network, ReadOptions(), {"layer1": row["layout"]}, str(out), "npz") == 3
    before, after = read_ticket(network), read_ticket(out)
    assert after["layer1"].mask == Layout.unpack(row["layout"]).after
    assert after["layer0"].mask == before["layer0"].mask
