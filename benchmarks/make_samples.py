"""Make the masks of sample_masks/: pruned small networks, planted groups and a random control.

Everything is seeded, and the number of threads is fixed. Another CPU or torch build may still add floats up
in another order, and so prune other weights; the planted and random files hang on NumPy's generator alone.
"""

import argparse
import copy
import math
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

Mask = npt.NDArray[np.bool_]
Masks = dict[str, Tensor]
Batch = tuple[Tensor, Tensor]

THREADS = 2
SEED = 2022
TRAIN_IMAGES, TEST_IMAGES, TEST_SOURCES = 10_000, 4_000, 360
CANVAS, DISTRACTORS, CROP, NOISE = 32, 2, 3, 0.1
PLAN = (32, "M", 64, "M", 128, "M", 256, 256)
BATCH, EPOCHS, LR, MOMENTUM, DECAY = 64, 5, 0.05, 0.9, 5e-4
STEPS = EPOCHS * (TRAIN_IMAGES // BATCH)
REWIND = STEPS // 20
STORED = {4: "60", 7: "80", 10: "90"}

SHAPE, GROUPS, DENSITY, MOVED = (512, 512, 3, 3), 16, 0.1, 0.02


def place(images: Tensor, rng: torch.Generator) -> Tensor:
    """Put each 8 x 8 image at a random place, size and angle on an empty canvas.

    A canvas point o in [-1, 1]^2 shows the image point R(a) (o - t) / s, with scale s in [.45, .9] of the
    canvas side, angle a in [-40, 40] degrees and shift t in [-(1 - s), 1 - s]^2.
    """
    n = len(images)
    scale = 0.45 + 0.45 * torch.rand(n, 1, 1, generator=rng)
    angle = math.radians(40) * (2 * torch.rand(n, generator=rng) - 1)
    shift = (2 * torch.rand(n, 2, 1, generator=rng) - 1) * (1 - scale)
    cos, sin = angle.cos(), angle.sin()
    turn = torch.stack([cos, -sin, sin, cos], dim=1).view(n, 2, 2) / scale
    grid = F.affine_grid(torch.cat([turn, -turn @ shift], dim=2), [n, 1, CANVAS, CANVAS], align_corners=False)
    canvas: Tensor = F.grid_sample(images, grid, align_corners=False)
    return canvas


def windows(n: int, rng: torch.Generator) -> Tensor:
    """Return n random windows of CROP x CROP ones in 8 x 8 zeros, shape (n, 1, 8, 8)."""
    offset = torch.arange(8) - torch.randint(8 - CROP + 1, (2, n, 1), generator=rng)
    inside = ((offset >= 0) & (offset < CROP)).float()
    return inside[0].view(n, 1, 8, 1) * inside[1].view(n, 1, 1, 8)


def scenes(sources: Batch, n: int, rng: torch.Generator) -> Batch:
    """Return n canvases, each one whole digit among crops of other digits in Gaussian noise, and labels."""
    images, labels = sources
    picked = torch.randint(len(images), (n,), generator=rng)
    canvas = place(images[picked], rng)
    for _ in range(DISTRACTORS):
        other = images[torch.randint(len(images), (n,), generator=rng)]
        canvas = torch.maximum(canvas, place(other * windows(n, rng), rng))
    return canvas + NOISE * torch.randn(canvas.shape, generator=rng), labels[picked]


def cluttered_digits() -> tuple[Batch, Batch]:
    """Return train and test scenes; the source digits are split first, so that none is in both."""
    pixels, labels = load_digits(return_X_y=True)
    images, targets = torch.tensor(pixels / 16, dtype=torch.float32).view(-1, 1, 8, 8), torch.tensor(labels)
    rng = torch.Generator().manual_seed(SEED)
    order = torch.randperm(len(images), generator=rng)
    test, train = order[:TEST_SOURCES], order[TEST_SOURCES:]
    data = scenes((images[train], targets[train]), TRAIN_IMAGES, rng)
    return data, scenes((images[test], targets[test]), TEST_IMAGES, rng)


class Vgg(nn.Module):
    """Small VGG: 3 x 3 convolution, BatchNorm, ReLU for each width of PLAN; M is a 2 x 2 max pool."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for width in PLAN:
            if isinstance(width, int):
                layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False)]
                layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
                channels = width
            else:
                layers += [nn.MaxPool2d(2)]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(channels, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits, shape (n, 10)."""
        scores: Tensor = self.classifier(self.features(images).mean(dim=(2, 3)))
        return scores


def prunable(model: Vgg) -> dict[str, nn.Parameter]:
    """Return the weights of every convolution but the first, by name."""
    return {name: w for name, w in model.named_parameters() if w.dim() == 4 and name != "features.0.weight"}


@torch.no_grad()
def apply_masks(model: Vgg, masks: Masks) -> None:
    """Set every pruned weight to exactly 0."""
    for name, weight in prunable(model).items():
        weight.masked_fill_(~masks[name], 0.0)


@torch.no_grad()
def largest(model: Vgg, masks: Masks, level: int) -> Masks:
    """Return the masks of the round(.8^level N) largest |w| among the kept weights, over all layers at once.

    Ties go to the lower index, in the order of the layers.
    """
    weights = prunable(model)
    size = torch.cat([w.abs().masked_fill(~masks[name], -1.0).flatten() for name, w in weights.items()])
    kept = torch.zeros(len(size), dtype=torch.bool)
    kept[size.argsort(descending=True, stable=True)[: round(0.8**level * len(size))]] = True
    parts = torch.split(kept, [w.numel() for w in weights.values()])
    return {name: part.view(w.shape) for (name, w), part in zip(weights.items(), parts, strict=True)}


def train(model: Vgg, masks: Masks, data: Batch, start: int, stop: int) -> None:
    """Run SGD steps start .. stop - 1 at rate LR (1 + cos(pi step / STEPS)) / 2, with fresh momentum.

    The step alone fixes the batch, so every level sees the same images in the same order.
    """
    images, labels = data
    rng = torch.Generator().manual_seed(SEED)
    passes = [torch.randperm(len(images), generator=rng)[: STEPS // EPOCHS * BATCH] for _ in range(EPOCHS)]
    batches = torch.split(torch.cat(passes), BATCH)
    sgd = torch.optim.SGD(model.parameters(), LR, MOMENTUM, weight_decay=DECAY)
    model.train()
    apply_masks(model, masks)
    for step in range(start, stop):
        sgd.param_groups[0]["lr"] = LR * (1 + math.cos(math.pi * step / STEPS)) / 2
        sgd.zero_grad()
        batch = batches[step]
        F.cross_entropy(model(images[batch]), labels[batch]).backward()  # type: ignore[no-untyped-call]
        sgd.step()
        apply_masks(model, masks)


@torch.no_grad()
def accuracy(model: Vgg, data: Batch) -> float:
    """Return the share of right answers, 0 to 1."""
    model.eval()
    images, labels = data
    answers = torch.cat([model(part).argmax(dim=1) for part in torch.split(images, 500)])
    return (answers == labels).float().mean().item()


def save(path: Path, arrays: dict[str, npt.NDArray[np.generic]]) -> None:
    """Write the arrays, by name, as one compressed .npz."""
    np.savez_compressed(path, allow_pickle=False, **arrays)


def make_imp(out: Path) -> None:
    """Iterative magnitude pruning: rewind all but the masks to step REWIND, train, drop 20 %, repeat."""
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(SEED)
    data, test = cluttered_digits()
    # Channels last saves a fifth of the time on a CPU.
    model = Vgg().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    masks = {name: torch.ones_like(w, dtype=torch.bool) for name, w in prunable(model).items()}
    train(model, masks, data, 0, REWIND)
    early = copy.deepcopy(model.state_dict())
    for level in range(max(STORED) + 1):
        if level:
            masks = largest(model, masks, level)
            model.load_state_dict(early)
        train(model, masks, data, REWIND, STEPS)
        kept = sum(int(mask.sum()) for mask in masks.values())
        print(f"level {level}: {kept} weights kept, test accuracy {accuracy(model, test):.4f}", flush=True)
        if level in STORED:
            weights = {f"{name}_orig": w.detach().numpy() for name, w in prunable(model).items()}
            pruned = {f"{name}_mask": mask.numpy() for name, mask in masks.items()}
            save(out / f"vgg-digits-imp-{STORED[level]}.npz", weights | pruned)


def planted() -> Mask:
    """Hide GROUPS sets of rows, each set keeping its own round(DENSITY columns) columns, rows shuffled."""
    rng = np.random.default_rng(SEED)
    rows, columns = SHAPE[0], math.prod(SHAPE[1:])
    groups = np.zeros((GROUPS, columns), dtype=np.bool_)
    for group in groups:
        group[rng.choice(columns, round(DENSITY * columns), replace=False)] = True
    return rng.permutation(groups.repeat(rows // GROUPS, axis=0)).reshape(SHAPE)


def planted_noisy() -> Mask:
    """Move round(MOVED kept) kept weights of the planted mask to positions that were empty in it."""
    rng = np.random.default_rng(SEED + 1)
    mask = planted()
    kept, empty = np.flatnonzero(mask), np.flatnonzero(~mask)
    moved = round(MOVED * len(kept))
    mask.flat[rng.choice(kept, moved, replace=False)] = False
    mask.flat[rng.choice(empty, moved, replace=False)] = True
    return mask


def uniform() -> Mask:
    """Keep as many weights as the planted mask, anywhere."""
    rng = np.random.default_rng(SEED + 2)
    mask = np.zeros(SHAPE, dtype=np.bool_)
    mask.flat[rng.choice(mask.size, np.count_nonzero(planted()), replace=False)] = True
    return mask


SYNTHETIC = {"planted": planted, "planted-noisy": planted_noisy, "random": uniform}


def main() -> None:
    """Write the chosen files into a folder and print the seconds taken."""
    parser = argparse.ArgumentParser(description="Make the sample masks.")
    parser.add_argument("--out", type=Path, default=Path("sample_masks"), help="folder to write into")
    parser.add_argument("--only", choices=["imp", *SYNTHETIC], help="make only these files (default: all)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    for name, make in SYNTHETIC.items():
        if options.only in (None, name):
            save(options.out / f"{name}.npz", {"conv.weight_mask": make()})
    if options.only in (None, "imp"):
        make_imp(options.out)
    print(f"done in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
