"""Which images a step sees, and how they are augmented: the step alone decides."""

from __future__ import annotations

import torch

from sparselab.training.seeds import derive


class Order:
    """Every epoch is a permutation of `images` images of its own, cut into batches; what remains is left out."""

    def __init__(self, *, images: int, batch: int, seed: int) -> None:
        self._images, self._batch, self._seed = images, batch, seed
        self._per_epoch = images // batch
        self._epoch, self._permuted = -1, torch.empty(0, dtype=torch.int64)

    def indices(self, step: int) -> torch.Tensor:
        """Return the images of a step, int64."""
        epoch, place = divmod(step, self._per_epoch)
        if epoch != self._epoch:
            self._permuted = torch.randperm(self._images, generator=self._generator("order", epoch))
            self._epoch = epoch
        return self._permuted[place * self._batch : (place + 1) * self._batch]

    def augmentation(self, step: int) -> torch.Generator:
        """Return the generator of a step's augmentation."""
        return self._generator("augment", step)

    def _generator(self, *purpose: str | int) -> torch.Generator:
        return torch.Generator().manual_seed(derive(self._seed, *purpose))
