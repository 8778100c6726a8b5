"""One workflow under the Model page and the command line: the same masks, the same reasons, time counted once."""

from __future__ import annotations

import gc
import json
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.analysis.metrics import totals
from sparselab.cli import main
from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.core.ticket import FoundLayer, Ticket, ticket_of
from sparselab.formats import ReadOptions, read_ticket
from sparselab.runtime import messages
from sparselab.runtime.progress import Monitor
from sparselab.transforms import TRANSFORMS, Prune
from sparselab.transforms.base import Transform
from sparselab.workflows.model import Done, NotDone, apply_transform, model_parts, model_rows
from tests.strategies import layers

OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("prune", {"scope": "global", "sparsity": 0.8}),
    ("prune", {"scope": "global", "score": "random"}),
    ("prune", {"scope": "layer"}),
    ("shuffled-blocks", {"density": 0.13}),
]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three layers of different sizes and magnitudes, so that one threshold over all of them is none of theirs."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("model") / "network.npz"
    arrays: dict[str, Any] = {}
    for number, shape in enumerate([(16, 8, 3, 3), (64, 72), (40, 64)]):
        arrays[f"layer{number}_orig"] = (10.0**-number * rng.standard_normal(shape)).astype(np.float32)
        arrays[f"layer{number}_mask"] = rng.random(shape) < 0.3
    np.savez(path, **arrays)
    return path


def page(path: Path, name: str, values: Mapping[str, Any], seed: int) -> list[dict[str, Any]]:
    """The rows of the Model page: what its worker processes are asked for, in the parts they are asked for."""
    plan = [{"name": name, "title": name, "transform": name, "settings": dict(values)}]
    parts = model_parts(read_ticket(path).names, plan)
    answers = [messages.load(messages.dump(model_rows(str(path), part, plan, seed, ReadOptions()))) for part in parts]
    return [row for answer in answers for row in answer]


def command(
    path: Path, name: str, values: Mapping[str, Any], seed: int, capsys: pytest.CaptureFixture[str]
) -> tuple[Any, str]:
    """The document of `transform` and what it said on standard error."""
    flags = [part for key, value in values.items() for part in ("--" + key.replace("_", "-"), str(value))]
    assert main(["transform", str(path), name, *flags, "--seed", str(seed), "--json"]) == 0
    out, err = capsys.readouterr()
    return json.loads(out), err


@pytest.mark.parametrize(("name", "values"), [*((name, {}) for name in TRANSFORMS), *OTHERS])
def test_both_faces_make_the_same_masks(
    name: str, values: dict[str, Any], network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document, _ = command(network, name, values, 3, capsys)
    told = {item["name"]: item["digest"] for item in document["layers"]}
    shown = {row["layer"]: Layout.unpack(row["layout"]).after.digest for row in page(network, name, values, 3)}
    assert told == shown
    assert len(told) == 3


def test_both_faces_say_the_same_of_a_layer_that_cannot_be_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "some.npz"
    rng = np.random.default_rng(0)
    np.savez(path, bare_mask=rng.random((16, 32)) < 0.5, full=np.where(rng.random((16, 32)) < 0.5, 0, 1.5))
    document, err = command(path, "regroup", {"weigh": "energy"}, 0, capsys)
    shown = page(path, "regroup", {"weigh": "energy"}, 0)
    assert [item["name"] for item in document["layers"]] == ["full"]
    (lacking,) = document["not_done"]
    assert {row["layer"]: row["error"] for row in shown if "error" in row} == {"bare": lacking["reason"]}
    assert f"bare: not done: {lacking['reason']}\n" in err
    out = tmp_path / "out.npz"
    assert main(["transform", str(path), "regroup", "--weigh", "energy", "--out", str(out)]) == 0
    assert read_ticket(out)["bare"].mask == read_ticket(path)["bare"].mask


@dataclass(frozen=True)
class NeedsWeights(Transform):
    """A transform that cannot do without weights."""

    title: ClassVar[str] = "New"
    source: ClassVar[str] = "this test"

    def _run(self, layer: Layer, rng: np.random.Generator, device: str, monitor: Monitor) -> Layout:
        if layer.weight is None:
            raise SettingError(f"{self.title} needs weights, and {layer.name} is a mask alone")
        return Layout.unchanged(layer.mask, "nothing to do")


def test_what_a_layer_lacks_is_reported_and_ends_no_other() -> None:
    mask = Mask(np.eye(4, dtype=bool))
    ticket = ticket_of([Layer("bare", mask), Layer("full", mask, weight=np.eye(4))])
    bare, full = apply_transform(NeedsWeights(), ticket, ticket.names, rng=0)
    assert isinstance(bare, NotDone)
    assert isinstance(full, Done)
    assert str(bare.error) == "New needs weights, and bare is a mask alone"


def test_a_layer_is_let_go_before_the_next_is_loaded() -> None:
    held: list[weakref.ref[np.ndarray]] = []

    def load(name: str) -> Layer:
        gc.collect()
        assert not [each for each in held if each() is not None]
        layer = Layer(name, Mask(np.eye(4, dtype=bool)), weight=np.eye(4))
        assert layer.weight is not None
        held.append(weakref.ref(layer.weight))
        return layer

    found = [FoundLayer(name=x, tensor_shape=(4, 4), conversion="", load=partial(load, x)) for x in ("a", "b", "c")]
    ticket = Ticket(tuple(found))
    outcomes = list(apply_transform(NeedsWeights(), ticket, ticket.names, rng=0))
    assert [item.layer.name for item in outcomes if isinstance(item, Done)] == ["a", "b", "c"]
    gc.collect()
    assert not [each for each in held if each() is not None]


def test_a_threshold_over_all_layers_is_none_where_one_has_no_weights() -> None:
    mask = Mask(np.eye(4, dtype=bool))
    ticket = ticket_of([Layer("bare", mask), Layer("full", mask, weight=np.eye(4))])
    outcomes = apply_transform(Prune(0.5, "global"), ticket, ticket.names, rng=0)
    assert all(isinstance(item, NotDone) and isinstance(item.error, SettingError) for item in outcomes)
    _, full = apply_transform(Prune(0.5, "layer"), ticket, ticket.names, rng=0)
    assert isinstance(full, Done)


@settings(max_examples=20)
@given(st.lists(layers(), min_size=1, max_size=3))
@pytest.mark.parametrize("name", TRANSFORMS)
def test_several_layers_are_each_alone_unless_the_transform_is_global(name: str, several: list[Layer]) -> None:
    run = Prune(scope="layer", score="random") if name == "prune" else TRANSFORMS[name]()
    assert not run.is_global
    several = [replace(layer, weight=layer.mask.kept.astype(np.float32)) for layer in several]
    together = run.over(several, rng=np.random.default_rng(5), device="cpu")
    alone = [run(layer, rng=np.random.default_rng(5), device="cpu") for layer in several]
    assert [layout.after for layout in together] == [layout.after for layout in alone]


@pytest.mark.parametrize(("name", "values"), [*((name, {}) for name in TRANSFORMS), *OTHERS])
def test_seconds_are_counted_once(name: str, values: dict[str, Any], network: Path) -> None:
    run, ticket = TRANSFORMS[name](**values), read_ticket(network)
    start = time.perf_counter()
    done = [item for item in apply_transform(run, ticket, ticket.names, rng=0) if isinstance(item, Done)]
    spent = time.perf_counter() - start
    assert 0 < totals([(item.layer, item.layout, item.report) for item in done])["seconds"] <= spent
