"""Steps and learning rates: what the step alone decides."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi

from sparselab.core.errors import SettingError
from sparselab.training.settings import TrainSettings


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A training of `total` steps, `per_epoch` of them an epoch, that returns to step `rewind`."""

    per_epoch: int
    total: int
    rewind: int
    warmup: int
    lr: float
    kind: str
    falls: tuple[int, ...] | None = None
    factor: float = 0.1

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0.

        cosine  lr / 2 * (1 + cos(pi * step / total))
        step    lr * factor^(number of `falls` that are past), by default at total / 2 and 3 / 4 total, to a tenth each (He et
                al., CVPR 2016: 32k and 48k of 64k)

        both times min(1, (step + 1) / warmup).
        """
        rising = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        if self.kind == "cosine":
            return rising * self.lr / 2 * (1 + cos(pi * step / self.total))
        past = (2 * step >= self.total) + (4 * step >= 3 * self.total)
        if self.falls is not None:
            past = sum(step >= fall for fall in self.falls)
        return rising * self.lr * self.factor**past


def schedule_of(settings: TrainSettings, images: int) -> Schedule:
    """Return the schedule of a run over `images` training images; the images that fill no batch are left out of an epoch.

    Raises: SettingError when the images do not fill a single batch, or the epochs make no step.
    """
    per_epoch = images // settings.batch
    if not per_epoch:
        raise SettingError(f"batch: expected at most the {images} training images; got {settings.batch}")
    total = round(settings.epochs * per_epoch)
    if not total:
        raise SettingError(f"epochs: expected enough for one step; {settings.epochs:g} of {per_epoch} steps make none")
    rewind = 0 if settings.starts_sparse else round(settings.rewind_epoch * per_epoch)
    warmup = round(settings.warmup_epochs * per_epoch)
    return Schedule(
        per_epoch=per_epoch,
        total=total,
        rewind=min(rewind, total),
        warmup=warmup,
        lr=settings.lr,
        kind=settings.schedule,
        falls=None if settings.rate_epochs is None else tuple(round(one * per_epoch) for one in settings.rate_epochs),
        factor=settings.rate_factor,
    )
