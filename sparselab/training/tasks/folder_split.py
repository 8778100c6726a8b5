"""A split whose images are files, decoded as they are asked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sparselab.training.tasks.images import DRAWS, Box, decode, middle, random_box, whole
from sparselab.training.tasks.tensors import moved

_MOST_THREADS = 8


@dataclass(frozen=True, eq=False)
class FolderSplit:
    """Images in files, all of one size once decoded, normalised.

    `crops`: augmented images are random parts of the file's, the others its middle; without it, the whole image is taken and
    augmented ones move by up to `shift` pixels. Augmented ones are mirrored half of the time.
    """

    paths: tuple[str, ...]
    labels: Tensor
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    crops: bool
    shift: int = 0

    def __len__(self) -> int:
        return len(self.paths)

    def batch(self, indices: Tensor, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Return normalised images and labels; augmented when a generator is given.

        Every random number is drawn before the first file is opened, so that threads change nothing.
        Raises: FileError that names the file that cannot be decoded.
        """
        boxes: list[Callable[[int, int], Box]] = [middle if self.crops else whole] * len(indices)
        if rng is not None and self.crops:
            boxes = [random_box(draws) for draws in torch.rand(len(indices), DRAWS, generator=rng)]
        paths = [self.paths[index] for index in indices.tolist()]
        with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as threads:
            decoded = list(threads.map(decode, paths, [self.size] * len(paths), boxes))
        images = torch.from_numpy(np.stack(decoded)).float().div_(255)
        mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (self.mean, self.std))
        images = (images - mean) / std
        if rng is not None:
            images = moved(images, self.shift, flip=True, rng=rng)
        return images, self.labels[indices]
