"""The laws of every method: counts are exact, masks only shrink or only exchange, rewound is rewound bit for bit."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from sparselab.core.settings import settings_of
from sparselab.formats import read_ticket
from sparselab.training.engine.checkpoint import read_checkpoint
from sparselab.training.engine.optimizer import Sgd
from sparselab.training.engine.stage_start import level_start, updater_of
from sparselab.training.methods import DYNAMIC, METHODS, MOVING_BLOCKS, STATIC_BLOCKS
from sparselab.training.models import MODELS
from sparselab.training.network import build_network
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.run import train
from sparselab.training.runs.views import read_run
from sparselab.training.schedule import schedule_of
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import TASKS
from sparselab.training.updaters import BlockPruneAndGrow, Step

TINY = TrainSettings(
    task_settings="train=96,validation=32,test=32,canvas=12",
    width=0.5,
    epochs=2,
    batch=32,
    rewind_epoch=0.5,
    threads=1,
    device="cpu",
)
BLOCKS = (MOVING_BLOCKS, STATIC_BLOCKS)


@pytest.fixture(scope="module")
def imp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "imp"
    train(replace(TINY, levels=4, then="refill@2,refill@2:regrow=random,n-m@0,regroup@4"), folder)
    return folder


def test_imp_keeps_round_of_a_fifth_less_each_level_and_only_shrinks(imp: Path) -> None:
    view = read_run(imp)
    levels = [entry for entry in view.stages if entry["then"] is None]
    assert [entry["kept"] for entry in levels] == [round(0.8**k * levels[0]["size"]) for k in range(5)]
    tickets = [read_ticket(view.ticket(entry["stage"])) for entry in levels]
    for before, after in pairwise(tickets):
        for old, new in zip(before, after, strict=True):
            assert (new.mask - old.mask).count == 0


def test_imp_drops_the_smallest_of_all_layers_together(imp: Path) -> None:
    paths = RunPaths(imp)
    before, after = (read_checkpoint(paths.model(f"level-0{level}")) for level in (1, 2))
    old, new, weights = before.part("mask"), after.part("mask"), before.part("model")
    values = torch.cat([weights[f"{name}.weight"][old[name]].abs() for name in old])
    stays = torch.cat([new[name][old[name]] for name in old])
    assert values[stays].min() >= values[~stays].max()


def test_every_level_starts_at_the_rewind_step_bit_for_bit(imp: Path, tmp_path: Path) -> None:
    """Stopped at its first step, a level holds theta_k: masked weights, and BatchNorm's parameters and buffers."""
    settings = replace(TINY, levels=4)
    data = TASKS["digits"].load(seed=0, settings=settings.task_values())
    network = build_network(settings, data, torch.device("cpu"))
    paths = RunPaths(imp)
    rewound = read_checkpoint(paths.model("rewind")).part("model")
    before = read_checkpoint(paths.model("level-01"))
    ended = (before.part("model"), before.part("mask"))
    start = level_start(settings, network, data, level=2, rewound=rewound, before=ended)
    network.restore(start.state)
    updater = updater_of(settings, network, schedule_of(settings, 96), masks=start.masks, tensors={})
    state = network.capture()
    for name, value in rewound.items():
        mask = start.masks.get(name.removesuffix(".weight"))
        expected = value if mask is None else torch.where(mask, value, 0.0)
        assert torch.equal(state[name], expected), name
    assert any("running_mean" in name for name in state)
    for layer in read_ticket(paths.ticket("level-02")):
        assert layer.rewound is not None
        assert torch.equal(torch.from_numpy(layer.rewound.copy()).flatten(), rewound[f"{layer.name}.weight"].flatten())
    assert updater.current().keys() == start.masks.keys()


def test_level_zero_is_dense_and_what_was_transformed_says_so(imp: Path) -> None:
    view = read_run(imp)
    assert view.dense is not None
    assert view.dense["sparsity"] == 0
    by_stage = {entry["stage"]: entry for entry in view.stages}
    assert list(by_stage) == [
        *("level-00", "level-00-n-m", "level-01", "level-02", "level-02-refill", "level-02-refill-2"),
        *("level-03", "level-04", "level-04-regroup"),
    ]
    assert by_stage["level-02-refill-2"]["then"]["settings"] == {"regrow": "random"}
    assert by_stage["level-02-refill-2"]["mask_digest"] == by_stage["level-02-refill"]["mask_digest"]
    assert by_stage["level-00-n-m"]["sparsity"] == pytest.approx(0.5, abs=0.01)
    document = view.document()
    assert [len(level["then"]) for level in document["levels"]] == [1, 0, 2, 0, 1]
    assert document["threads"] == 1


@pytest.mark.parametrize("method", METHODS)
def test_every_method_keeps_what_it_is_told(method: str, tmp_path: Path) -> None:
    """Exactly; methods of blocks keep whole blocks, as many as the nearest number of weights asks for in each layer."""
    settings = replace(TINY, method=method, levels=2, sparsity=0.7, block_size=4)
    train(settings, tmp_path)
    entry = read_run(tmp_path).stages[-1]
    assert entry["level"] == settings.last_level
    exact = {"dense": entry["size"], "imp": round(0.8**2 * entry["size"])}.get(method, round((1 - 0.7) * entry["size"]))
    slack = 0.5 * 4 * 4 * len(list(read_ticket(read_run(tmp_path).ticket(entry["stage"])))) if method in BLOCKS else 0
    assert abs(entry["kept"] - exact) <= slack


# Tasks, models and methods are registries with laws of their own.
CHOICES = [
    (setting.name, choice)
    for setting in settings_of(TrainSettings)
    if setting.name not in ("task", "model", "method")
    for choice in setting.choices
]


@pytest.mark.parametrize(("setting", "choice"), CHOICES)
def test_a_run_ends_whatever_is_chosen_and_every_choice_names_another_run(
    setting: str, choice: str, tmp_path: Path
) -> None:
    by_name = {each.name: each for each in settings_of(TrainSettings)}
    when = by_name[setting].when
    method = "imp" if when is None or "imp" in when.values else when.values[0]
    then = "regroup" if setting == "weigh" else ""  # else nothing is weighed
    chosen = replace(TINY, method=method, levels=1, sparsity=0.7, block_size=4, then=then, **{setting: choice})
    train(chosen, tmp_path)
    entry = read_run(tmp_path).stages[-1]
    assert entry["level"] == chosen.last_level
    others = [replace(chosen, **{setting: other}) for other in by_name[setting].choices if other != choice]
    assert chosen.digest not in {other.digest for other in others}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("method", [method for method in DYNAMIC if method != STATIC_BLOCKS])
def test_dynamic_masks_keep_their_counts_at_every_update(model: str, method: str) -> None:
    """Layer by layer, at every step; weights outside are 0 when the step is over, momentum of grown weights too.

    Gradients are drawn at random: the laws know nothing of losses, and convolutions are slow to compile.
    """
    settings = replace(
        TINY, model=model, width=0.125, method=method, sparsity=0.6, update_every=1, block_size=4, batch=4
    )
    side = max(12, MODELS[model].smallest)
    settings = replace(settings, epochs=0.25, task_settings=f"train=64,validation=16,test=16,canvas={side}", lr=0.02)
    data = TASKS["digits"].load(seed=0, settings=settings.task_values())
    network = build_network(settings, data, torch.device("cpu"))
    schedule = schedule_of(settings, len(data.train))
    start = level_start(settings, network, data, level=1, rewound=network.capture(), before=None)
    updater = updater_of(settings, network, schedule, masks=start.masks, tensors=start.tensors)
    sgd = Sgd(updater.weights, momentum=0.9, decay=0.0)
    counts = [int(mask.sum()) for mask in updater.masks]
    blocks = [len(parts) for parts in updater.blocks] if isinstance(updater, BlockPruneAndGrow) else []
    if method != "dsb":
        assert sum(counts) == round(0.4 * network.size)
    rng = torch.Generator().manual_seed(0)
    updates = 0
    for step in range(schedule.total):
        old = [mask.clone() for mask in updater.masks]
        updater.before(step)
        gradients = [torch.randn(weight.shape, generator=rng) for weight in updater.weights]
        seen = Step(step, gradients, sgd.velocities)
        if updater.update(seen):
            sgd.step(gradients, 0.1)
            updater.after(seen)
        updater.finish()
        told = updater.news()
        updates += len(told)
        if isinstance(updater, BlockPruneAndGrow):
            assert [len(parts) for parts in updater.blocks] == blocks
            areas = [sum(part.area for part in parts) for parts in updater.blocks]
            assert [int(mask.sum()) for mask in updater.masks] == areas
        else:
            assert [int(mask.sum()) for mask in updater.masks] == counts
        for weight, mask in zip(updater.weights, updater.masks, strict=True):
            assert not weight.detach()[~mask].count_nonzero()
        if told:
            for velocity, mask, before in zip(sgd.velocities, updater.masks, old, strict=True):
                assert not velocity[~mask].count_nonzero()
                assert not velocity[mask & ~before].count_nonzero()
    assert updates >= 2 or method == "top-kast"
