"""What a run is told: one value a setting, declared once, and the hash that names it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.errors import SettingError
from sparselab.core.settings import Flag, OneOf, Unset, When, check_settings, settings_of
from sparselab.pruning.distributions import DISTRIBUTIONS
from sparselab.training.before import BEFORE
from sparselab.training.branches import Branch, parse_then
from sparselab.training.methods import AT_SPARSITY, AT_START, BLOCKS, DYNAMIC, METHODS, MOVING, MOVING_BLOCKS, REWOUND
from sparselab.training.models import MODELS
from sparselab.training.own_code.reference import REFERENCE, absolute, parse_reference
from sparselab.training.setting_text import parse_values
from sparselab.training.tasks import TASKS
from sparselab.transforms.cells import AUTOMATIC, WEIGHS


@dataclass(frozen=True)
class TrainSettings:
    """Every choice that the outcome of a run depends on. The defaults are for `digits` with `vgg-small`.

    Source: the method papers, see docs/training.md.
    """

    task: Annotated[str, OneOf(TASKS.keys()), REFERENCE, Doc("data and classes to learn")] = "digits"
    task_settings: Annotated[str, Doc("settings of the task, such as train=2000,noise=0.2; empty: its defaults")] = ""
    model: Annotated[str, OneOf(MODELS.keys()), REFERENCE, Doc("the network")] = "vgg-small"
    width: Annotated[float, Interval(ge=0.05, le=8.0), Doc("factor on the number of channels of every layer")] = 1.0
    method: Annotated[str, OneOf(METHODS), Doc("how the masks are found: by pruning, or by sparse training")] = "imp"
    levels: Annotated[
        int, Interval(ge=0, le=60), When("method", ("imp",)), Doc("cycles of pruning, each of 20 % of what is kept")
    ] = 10
    sparsity: Annotated[
        float, Interval(ge=0.0, le=0.999), When("method", AT_SPARSITY), Doc("weights dropped / prunable weights")
    ] = 0.9
    then: Annotated[
        str,
        Doc("transforms of the tickets, such as refill,regroup@3+6:refine=true; each is rewound and trained again"),
    ] = ""
    prune_first: Annotated[bool, Doc("masks cover the first convolution too")] = False
    prune_head: Annotated[bool, Doc("masks cover the classifier's last layer too")] = False
    epochs: Annotated[float, Interval(ge=0.01, le=1000.0), Doc("passes over the training images")] = 8.0
    batch: Annotated[int, Interval(ge=1, le=65536), Doc("images in a step, over all processes")] = 64
    lr: Annotated[float, Interval(ge=0.0, le=10.0), Doc("highest learning rate")] = 0.1
    momentum: Annotated[float, Interval(ge=0.0, le=0.999), Doc("momentum of SGD")] = 0.9
    weight_decay: Annotated[
        float, Interval(ge=0.0, le=1.0), Doc("this factor times the weights is added to the gradient")
    ] = 5e-4
    schedule: Annotated[
        str,
        OneOf(("cosine", "step")),
        Doc("the learning rate falls to 0 as a cosine, or to a tenth at 1/2 and at 3/4 of the steps"),
    ] = "cosine"
    warmup_epochs: Annotated[
        float, Interval(ge=0.0, le=100.0), Doc("epochs in which the learning rate rises from 0")
    ] = 0.0
    rewind_epoch: Annotated[
        float,
        Interval(ge=0.0, le=1000.0),
        When("method", REWOUND),
        Doc("epoch whose weights a ticket is rewound to"),
    ] = 0.5
    rewind: Annotated[
        str,
        OneOf(("late", "restart")),
        When("method", REWOUND),
        Doc("go on from the rewind step in rate and data (late), or from step 0 (restart)"),
    ] = "late"
    l1: Annotated[
        float,
        Interval(ge=0.0, le=1.0),
        When("method", ("l1",)),
        Doc("this factor times the signs of the weights is added to the gradient"),
    ] = 1e-4
    score_images: Annotated[
        int,
        Interval(ge=1, le=100_000),
        When("method", ("snip", "grasp")),
        Doc("training images from which scores are computed"),
    ] = 256
    distribution: Annotated[
        str,
        OneOf(tuple(DISTRIBUTIONS)),
        When("method", DYNAMIC),
        Doc("erk: large layers are sparser (Erdos-Renyi kernel); uniform: all layers have one sparsity"),
    ] = "erk"
    exchange: Annotated[
        float | None,
        Interval(ge=0.0, le=1.0),
        When("method", MOVING),
        Doc(
            "alpha: share of the kept weights exchanged first; none: 0.3, and 0.5 for dsb, which drops half rows at least"
        ),
    ] = None
    update_every: Annotated[
        int | None,
        Interval(ge=1, le=1_000_000),
        When("method", MOVING),
        Doc("steps between two updates of the masks; none: a sixtieth of the steps, 100 at most"),
    ] = None
    update_until: Annotated[
        float,
        Interval(ge=0.0, le=1.0),
        When("method", MOVING),
        Doc("share of the steps after which masks no longer change"),
    ] = 0.75
    block_size: Annotated[int, Interval(ge=2, le=64), When("method", BLOCKS), Doc("side of a square block")] = 16
    grow: Annotated[
        str,
        OneOf(("gradient", "norms")),
        When("method", (MOVING_BLOCKS,)),
        Doc("blocks grow by the dense gradient, or where rows of large output gradients cross columns of large inputs"),
    ] = "gradient"
    backward_extra: Annotated[
        float,
        Interval(ge=0.0, le=1.0),
        When("method", ("top-kast",)),
        Doc("M: weights that get gradients beyond those of the forward pass / all weights"),
    ] = 0.1
    seed: Annotated[int, Interval(ge=0, le=2**31 - 1), Doc("seed of every random choice")] = 0
    threads: Annotated[
        int | None,
        Interval(ge=1, le=256),
        Doc("CPU threads; none: all. The number changes the rounding of the results"),
    ] = None
    device: Annotated[str, Doc("device: auto, cpu or cuda")] = "auto"
    amp: Annotated[bool, Doc("mixed precision: bfloat16 for the operations that are faster in it on a CUDA device")] = (
        False
    )
    channels_last: Annotated[bool, Doc("channels innermost in memory: quicker convolutions on most machines")] = True
    optimizer: Annotated[str, OneOf(("sgd", "adamw")), Doc("how gradients move the weights")] = "sgd"
    nesterov: Annotated[bool, When("optimizer", ("sgd",)), Doc("momentum of SGD looks ahead, after Nesterov")] = False
    rate_steps: Annotated[
        str,
        When("schedule", ("step",)),
        Doc("epochs after which the rate falls, such as 30+70+90; empty: at 1/2 and at 3/4 of all"),
    ] = ""
    rate_factor: Annotated[
        float, Interval(ge=0.0, le=1.0), When("schedule", ("step",)), Doc("factor on the rate at each of its steps")
    ] = 0.1
    label_smoothing: Annotated[
        float, Interval(ge=0.0, le=0.999), Doc("share of a target that is spread over all classes, in cross entropy")
    ] = 0.0
    clip: Annotated[
        float | None, Interval(ge=1e-6, le=1e6), Unset("no limit"), Doc("largest norm of all gradients together")
    ] = None
    model_settings: Annotated[str, Doc("settings of the network, such as depth=4; empty: its defaults")] = ""
    from_file: Annotated[
        str,
        Flag("--from"),
        Doc("checkpoint or ticket whose weights and masks the run begins with; empty: fresh weights"),
    ] = ""
    take: Annotated[str, OneOf(("both", "weights", "masks")), Doc("what is taken of the file of --from")] = "both"
    weigh: Annotated[
        str | None,
        OneOf(WEIGHS),
        Unset(AUTOMATIC),
        Doc("what a kept weight counts for transforms that do not say it themselves"),
    ] = None

    def __post_init__(self) -> None:
        check_settings(self)
        self.rate_epochs  # noqa: B018 - raises
        if self.rewind_epoch > self.epochs and not self.starts_sparse:
            raise SettingError(f"rewind_epoch: expected at most {self.epochs:g} epochs; got {self.rewind_epoch:g}")
        if parse_reference(self.task) is None:
            self.task_values()
        if parse_reference(self.model) is None and self.model_settings:
            raise SettingError(
                f"model_settings: expected none, for {self.model} has no settings; got {self.model_settings!r}"
            )
        last = self.last_level
        for item in self.follow_ups:
            if beyond := [level for level in item.levels or () if level > last or level < self.first_level]:
                raise SettingError(
                    f"then: expected levels from {self.first_level} to {last}; got {item.name}@{beyond[0]}"
                )

    @property
    def starts_sparse(self) -> bool:
        """Whether the network is sparse from the first step on: nothing dense is trained and nothing rewound."""
        return self.method in (*AT_START, *DYNAMIC)

    @property
    def rate_epochs(self) -> tuple[float, ...] | None:
        """The epochs of `rate_steps`, None where it is empty. Raises: SettingError unless they are numbers that rise."""
        if not self.rate_steps:
            return None
        try:
            epochs = tuple(float(text) for text in self.rate_steps.split("+"))
        except ValueError:
            epochs = (math.nan,)
        if not all(0 <= one < other < math.inf for one, other in pairwise((*epochs, math.nextafter(math.inf, 0)))):
            raise SettingError(f"rate_steps: expected rising epochs such as 30+70+90; got {self.rate_steps!r}")
        return epochs

    @property
    def names_own_code(self) -> bool:
        """Whether the task or the network is code of one's own."""
        return any(parse_reference(value) is not None for value in (self.task, self.model))

    @property
    def first_level(self) -> int:
        return 1 if self.starts_sparse else 0

    @property
    def last_level(self) -> int:
        return {"dense": 0, "imp": self.levels}.get(self.method, 1)

    @property
    def follow_ups(self) -> tuple[Branch, ...]:
        """What `then` says. Raises: SettingError."""
        return tuple(dataclasses.replace(item, weigh=self.weigh) for item in parse_then(self.then))

    def task_values(self) -> Any:
        """Return a registered task's settings with those of `task_settings`. Raises: SettingError."""
        return parse_values(self.task, TASKS[self.task].settings, self.task_settings)

    def settled(self) -> TrainSettings:
        """Return the same with the number of threads and the folders of one's own code in place: what a run writes down."""
        threads = self.threads or os.cpu_count() or 1
        file = str(Path(self.from_file).absolute()) if self.from_file else ""
        own = {"task": absolute(self.task), "model": absolute(self.model), "from_file": file}
        return dataclasses.replace(self, threads=threads, **own)  # type: ignore[arg-type]

    @property
    def digest(self) -> str:
        """Name of a run with these settings: 16 hexadecimal digits of the SHA-256 of their JSON.

        A setting that came later counts where it is not what runs before it had, so that those keep their names.
        """
        values = dataclasses.asdict(self)
        told = {name: value for name, value in values.items() if name not in BEFORE or value != BEFORE[name]}
        if not self.then:  # nothing is weighed
            told.pop("weigh", None)
        text = json.dumps(told, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_settings(values: Mapping[str, Any]) -> TrainSettings:
    """Return the settings that `dataclasses.asdict` turned into `values`, then or by older code.

    Raises: SettingError for one unknown or out of range.
    """
    known = {setting.name for setting in settings_of(TrainSettings)}
    if strange := sorted(set(values) - known):
        raise SettingError(f"expected settings of this version of sparselab; got {strange[0]}")
    before = {name: value for name, value in BEFORE.items() if name != "weigh" or values.get("then")}
    return TrainSettings(**{**before, **values})
