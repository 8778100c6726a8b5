"""What a stage starts with: a network at its first step, its masks, and the updater they are under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.pruning.activations import channel_features
from sparselab.pruning.distributions import layer_counts, layer_densities
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.training.branches import Branch
from sparselab.training.engine.first_masks import kept_at, largest_of, random_masks, scored_at_start
from sparselab.training.methods import AT_START, MOVING_BLOCKS, STATIC_BLOCKS
from sparselab.training.network import Masks, Network, State, layers_of, tensor_of
from sparselab.training.schedule import Schedule
from sparselab.training.seeds import derive
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import Data
from sparselab.training.updaters import (
    Admm,
    BlockPruneAndGrow,
    MaskUpdater,
    PruneAndGrow,
    TopKast,
    UpdateSchedule,
    first_blocks,
)
from sparselab.training.updaters.block_prune_and_grow import paint_all, unpack_all
from sparselab.transforms.refill.regrown_weights import regrown_weights

_FEATURE_IMAGES = 256
_ALPHA = 0.3  # RigL's
_ALPHA_OF_BLOCKS = 0.5  # a candidate goes only with half of its block's row or column: of fewer candidates few go


@dataclass(frozen=True, eq=False, kw_only=True)
class Start:
    """Masks and weights of a stage's first step, blocks where there are any, what is to be told of each layer, and what a transform made
    of each."""

    masks: Masks
    state: State
    tensors: Mapping[str, torch.Tensor] = field(default_factory=dict)
    told: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    layouts: Mapping[str, Layout] = field(default_factory=dict)


def level_start(
    settings: TrainSettings,
    network: Network,
    data: Data,
    *,
    level: int,
    rewound: State,
    before: tuple[State, Masks] | None,
    early: Masks | None = None,
) -> Start:
    """Return where a level starts: at the rewound weights, under the masks of its method.

    Args: early: the masks of the rewind step, None where they are full: the run began with no ticket. before: weights and masks at the end of the level before, None for the first one.
    """
    network.restore(rewound)
    method, early = settings.method, early or network.full
    if method in AT_START:
        return Start(masks=scored_at_start(settings, network, data), state=rewound)
    if method in (MOVING_BLOCKS, STATIC_BLOCKS):
        return _blocks_start(settings, network, rewound)
    if method in ("set", "rigl"):
        return Start(masks=random_masks(settings, network), state=rewound)
    if before is None or method == "top-kast":
        return Start(masks=early, state=rewound)
    begun_with = sum(int(mask.sum()) for mask in early.values())
    count = kept_at(level, begun_with) if method == "imp" else round((1 - settings.sparsity) * network.size)
    return Start(masks=largest_of(*before, count), state=rewound)


def transformed_start(
    settings: TrainSettings,
    network: Network,
    data: Data,
    *,
    item: Branch,
    rewound: State,
    ticket: tuple[State, Masks],
    monitor: Monitor = SILENT,
) -> Start:
    """Return where a transformed ticket starts: at the rewound weights, under what the transform made of each mask.

    A layer that does not suit the transform, or in which it finds nothing, keeps its mask; what it says of every layer is
    told. New weights take the values that the transform's `regrow` names, those of the rewind step by default.
    """
    run, (_, masks) = item.transform(), ticket
    after, fresh, told = dict(masks), dict(rewound), {}
    found = transformed_layouts(settings, network, data, item=item, rewound=rewound, ticket=ticket, monitor=monitor)
    for layer, layout in found:
        after[layer.name] = tensor_of(layout.after, masks[layer.name])
        told[layer.name] = {
            "status": layout.status,
            "reason": layout.reason,
            "blocks": len(layout.blocks),
            "covered": layout.covered.count,
        }
        if run.draws_new_weights:
            fresh[f"{layer.name}.weight"] = _regrown(layout, layer, settings.seed)
    return Start(masks=after, state=fresh, told=told, layouts={layer.name: layout for layer, layout in found})


def transformed_layouts(
    settings: TrainSettings,
    network: Network,
    data: Data,
    *,
    item: Branch,
    rewound: State,
    ticket: tuple[State, Masks],
    monitor: Monitor = SILENT,
) -> list[tuple[Layer, Layout]]:
    """Return every layer of a ticket with what a transform makes of it: the same whenever it is asked for. Raises: Cancelled."""
    run, (state, masks) = item.transform(), ticket
    layers = layers_of(network, masks, state=state, rewound=rewound)
    if "features" in run.needs:
        network.restore(state)
        layers = _with_features(settings, network, data, layers)
    layouts = run.over(layers, rng=np.random.default_rng(settings.seed), device=settings.device, monitor=monitor)
    monitor.check()  # a search that was cancelled hands back its best so far, which is not what its steps would find
    return list(zip(layers, layouts, strict=True))


def updater_of(
    settings: TrainSettings, network: Network, schedule: Schedule, *, masks: Masks, tensors: Mapping[str, torch.Tensor]
) -> MaskUpdater:
    """Return the updater of a level: masks that move by the run's method, or hold."""
    update_schedule = update_schedule_of(settings, schedule)
    if settings.method in ("set", "rigl"):
        return PruneAndGrow(network, masks, how=settings.method, update_schedule=update_schedule, seed=settings.seed)
    if settings.method == MOVING_BLOCKS:
        blocks = unpack_all(tensors, len(masks))
        released = settings.candidates == "released"
        return BlockPruneAndGrow(
            network,
            blocks,
            update_schedule=update_schedule,
            block_size=settings.block_size,
            grow=settings.grow,
            seed=settings.seed,
            densities=_densities(settings, network) if released else None,
        )
    if settings.method == "admm":
        count = round((1 - settings.sparsity) * network.size)
        return Admm(
            network,
            masks,
            rho=settings.admm_rho,
            count=count,
            updates=settings.admm_updates,
            first=schedule.rewind,
            total=schedule.total,
        )
    if settings.method == "top-kast":
        shapes = [weight.shape for weight in network.weights.values()]
        forward = layer_counts(shapes, 1 - settings.sparsity, settings.distribution)
        return TopKast(network, forward, backward_extra=settings.backward_extra, decay=settings.weight_decay)
    return MaskUpdater(network, masks)


def update_schedule_of(settings: TrainSettings, schedule: Schedule) -> UpdateSchedule:
    """Return when masks move: by default sixty times were it to the end, and no more often than every 100 steps on long runs."""
    alpha = settings.exchange
    if alpha is None:
        alpha = _ALPHA_OF_BLOCKS if settings.method == MOVING_BLOCKS else _ALPHA
    every = settings.update_every or min(100, max(1, round(schedule.total / 60)))
    return UpdateSchedule(every=every, until=round(settings.update_until * schedule.total), alpha=alpha)


def _blocks_start(settings: TrainSettings, network: Network, rewound: State) -> Start:
    weights, shares = list(network.weights.values()), _densities(settings, network)
    blocks = [
        first_blocks(weight, share, settings.block_size, derive(settings.seed, "blocks", place))
        for place, (weight, share) in enumerate(zip(weights, shares, strict=True))
    ]
    masks, tensors = paint_all(network, blocks)
    told = {
        name: {"status": "blocked", "reason": "", "blocks": len(parts)}
        for name, parts in zip(network.weights, blocks, strict=True)
    }
    return Start(masks=masks, state=rewound, tensors=tensors, told=told)


def _densities(settings: TrainSettings, network: Network) -> tuple[float, ...]:
    shapes = [weight.shape for weight in network.weights.values()]
    return layer_densities(shapes, 1 - settings.sparsity, settings.distribution)


def _with_features(settings: TrainSettings, network: Network, data: Data, layers: list[Layer]) -> list[Layer]:
    generator = torch.Generator().manual_seed(derive(settings.seed, "feature images"))
    images, labels = data.train.batch(torch.randperm(len(data.train), generator=generator)[:_FEATURE_IMAGES])
    labels, loss = labels.to(network.device), data.loss or F.cross_entropy
    features = channel_features(network.model, images.to(network.device), lambda outputs: loss(outputs, labels))
    return [replace(layer, features=features[layer.name]) for layer in layers]


def _regrown(layout: Layout, layer: Layer, seed: int) -> torch.Tensor:
    early = replace(layer, weight=layer.rewound)
    values = regrown_weights(layout, early, "random", np.random.default_rng(derive(seed, "regrow", layer.name)))
    return torch.from_numpy(values).reshape(layer.tensor_shape)
