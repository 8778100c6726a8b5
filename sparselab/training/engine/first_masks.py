"""The masks a level starts with: from trained weights, or from a network that has not been trained."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch.nn import functional as F

from sparselab.core.errors import SettingError
from sparselab.core.mask import Mask
from sparselab.pruning.distributions import layer_counts
from sparselab.pruning.scores import SCORES, Scores, synflow_densities
from sparselab.training.network import Masks, Network, State, mask_of, tensor_of
from sparselab.training.seeds import derive
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import Data
from sparselab.transforms.prune import keep_largest

KEPT_PER_LEVEL = 0.8
_GRASP_COOLING = 200.0
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def largest_of(state: State, masks: Masks, count: int) -> Masks:
    """Return the masks that keep the `count` largest |w| of the kept weights, over all layers together.

    Ordered by (|w|, index), the index running through the layers in turn: among equal ones the lower index goes.
    Source: Frankle & Carbin, ICLR 2019.
    """
    scores = [SCORES["magnitude"](weight=_matrix(state[f"{name}.weight"])) for name in masks]
    return _keep(scores, masks, count)


def kept_at(level: int, size: int) -> int:
    """Return the weights that IMP keeps after `level` cycles: round(0.8^level * size)."""
    return round(KEPT_PER_LEVEL**level * size)


def scored_at_start(settings: TrainSettings, network: Network, data: Data) -> Masks:
    """Return the masks of `random`, `snip`, `grasp` or `synflow` for the network as it stands, which is left as it was.

    Keeps exactly round((1 - sparsity) * prunable weights), over all layers together.
    """
    count = round((1 - settings.sparsity) * network.size)
    if settings.method == "synflow":
        return _synflow(network, data, 1 - settings.sparsity, count)
    weights = [_matrix(weight) for weight in network.weights.values()]
    rng = np.random.default_rng(derive(settings.seed, "scores"))
    given: list[dict[str, np.ndarray]] = [{} for _ in weights]
    if settings.method != "random":
        images = _some_images(settings, data)
        slope = {"snip": "gradient", "grasp": "hessian_gradient"}[settings.method]
        seed, second = derive(settings.seed, "network", "scores"), settings.method == "grasp"
        slopes = _slopes(network, *images, data.loss or F.cross_entropy, seed, second=second)
        given = [{slope: _matrix(values)} for values in slopes]
    score = SCORES[settings.method]
    scores = [score(weight=weight, rng=rng, **values) for weight, values in zip(weights, given, strict=True)]
    return _keep(scores, network.full, count)


def random_masks(settings: TrainSettings, network: Network) -> Masks:
    """Return random masks with exactly as many weights a layer as the distribution says: where SET and RigL start."""
    weights = list(network.weights.values())
    counts = layer_counts([weight.shape for weight in weights], 1 - settings.sparsity, settings.distribution)
    rng = np.random.default_rng(derive(settings.seed, "masks"))
    found = {}
    for (name, weight), count in zip(network.weights.items(), counts, strict=True):
        full = Mask(np.ones((weight.shape[0], weight.numel() // weight.shape[0]), dtype=bool))
        (mask,) = keep_largest([rng.random(full.shape)], [full], count)
        found[name] = tensor_of(mask, weight)
    return found


def _slopes(
    network: Network, images: torch.Tensor, labels: torch.Tensor, loss_of: Loss, seed: int, *, second: bool
) -> list[torch.Tensor]:
    """Return g = dL/dw of every prunable weight, or H g with logits divided by 200, in training mode."""
    images, labels = images.to(network.device), labels.to(network.device)
    weights = list(network.weights.values())
    with _left_as_it_was(network), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network.model.train()
        logits = network.model(images)
        if not second:
            return list(torch.autograd.grad(loss_of(logits, labels), weights))
        loss = loss_of(logits / _GRASP_COOLING, labels)
        slopes = torch.autograd.grad(loss, weights, create_graph=True)
        product = torch.stack([(slope * slope.detach()).sum() for slope in slopes]).sum()
        return list(torch.autograd.grad(product, weights))


def _synflow(network: Network, data: Data, density: float, count: int) -> Masks:
    """Prune in 100 steps, scores taken anew before each: float64, absolute weights, an image of ones, BatchNorm in eval."""
    masks = network.full
    model = copy.deepcopy(network.model).to("cpu", torch.float64).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_()
    weights = {name: model.get_submodule(name).weight for name in masks}
    example, _ = data.train.batch(torch.zeros(1, dtype=torch.int64))
    if not example.is_floating_point():
        raise SettingError(
            "method: expected inputs that can be set to 1 for synflow; those of the task are whole numbers"
        )
    ones = torch.ones(example.shape, dtype=torch.float64)
    densities = synflow_densities(density)
    for step, share in enumerate(densities, start=1):
        flow = model(ones).sum()
        slopes = torch.autograd.grad(flow, list(weights.values()))  # type: ignore[arg-type]
        pairs = zip(weights.values(), slopes, strict=True)
        scores = [SCORES["synflow"](weight=_matrix(w), flow_gradient=_matrix(g)) for w, g in pairs]  # type: ignore[arg-type]
        masks = _keep(scores, masks, count if step == len(densities) else round(share * network.size))
        with torch.no_grad():
            for name, weight in weights.items():
                weight.masked_fill_(~masks[name], 0.0)  # type: ignore[operator]
    return masks


def _some_images(settings: TrainSettings, data: Data) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(derive(settings.seed, "score images"))
    return data.train.batch(torch.randperm(len(data.train), generator=generator)[: settings.score_images])


def _keep(scores: Sequence[Scores], masks: Masks, count: int) -> Masks:
    kept = keep_largest(scores, [mask_of(mask) for mask in masks.values()], count)
    return {name: tensor_of(mask, masks[name]) for name, mask in zip(masks, kept, strict=True)}


def _matrix(values: torch.Tensor) -> np.ndarray:
    matrix: np.ndarray = values.detach().cpu().reshape(values.shape[0], -1).numpy()
    return matrix


@contextmanager
def _left_as_it_was(network: Network) -> Iterator[None]:
    before, mode = network.capture(), network.model.training
    try:
        yield
    finally:
        network.restore(before)
        network.model.train(mode)
