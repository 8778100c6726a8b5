"""A split whose images all lie in memory, and the augmentations of small images."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, eq=False)
class TensorSplit:
    """Images in memory, normalised as they are asked for.

    `images`: uint8 or float32, N x C x H x W; uint8 counts as value / 255. `mean`, `std`: one a channel. `shift`: augmented
    images move by up to that many pixels each way, zeros (after normalising) coming in; `flip`: half of them are mirrored.
    """

    images: Tensor
    labels: Tensor
    mean: tuple[float, ...]
    std: tuple[float, ...]
    shift: int = 0
    flip: bool = False

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: Tensor, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Return normalised images and labels; augmented when a generator is given."""
        images = self.images[indices]
        if images.dtype == torch.uint8:
            images = images.float().div_(255)
        mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (self.mean, self.std))
        images = (images - mean) / std
        if rng is not None:
            images = moved(images, self.shift, flip=self.flip, rng=rng)
        return images, self.labels[indices]


def moved(images: Tensor, shift: int, *, flip: bool, rng: torch.Generator) -> Tensor:
    """Return every image moved by its own random number of pixels up to `shift` each way, half of them mirrored.

    The same as padding by `shift` zeros and cropping at random: the augmentation of CIFAR since He et al., CVPR 2016, 4.2.

    Args: images: n x C x H x W.
    """
    n, channels, height, width = images.shape
    if shift:
        corner = torch.randint(2 * shift + 1, (2, n, 1), generator=rng)
        padded = F.pad(images, (shift, shift, shift, shift))
        pieces = padded.unfold(2, height, 1).unfold(3, width, 1)
        images = pieces[torch.arange(n).view(n, 1), torch.arange(channels), corner[0], corner[1]]
    if flip:
        mirrored = torch.rand(n, 1, 1, 1, generator=rng) < 0.5
        images = torch.where(mirrored, images.flip(3), images)
    return images
