"""A plan: which layers, which transforms, which values of their settings. It is JSON, and its points follow from it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from math import prod
from typing import Any

from sparselab.core.errors import SettingError
from sparselab.core.settings import Setting, settings_of
from sparselab.core.version import __version__
from sparselab.formats import ReadOptions
from sparselab.runtime.results import code_digest
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.base import Transform
from sparselab.workflows.sweeps.kinds import KINDS, USUAL
from sparselab.workflows.sweeps.kinds.base import TaskKind
from sparselab.workflows.sweeps.layers import PlannedFile
from sparselab.workflows.sweeps.point import POINT, DataPlace, LayerPlace, PlannedPoint, task_of, timeless_settings
from sparselab.workflows.sweeps.values import MOST_POINTS, check_values, combinations_of

SCHEMA = 1


@dataclass(frozen=True)
class Plan:
    """What is swept: every layer x every transform x every combination of its settings' values x every seed.

    transforms: by name, the values of the settings that are swept; others stand at their defaults.
    kind: of its tasks, a name in `KINDS`. settings: values of what the kind itself sweeps; a kind without layers has these alone, and
    no files and no transforms. data: where the files of a training's task lie.
    version, code: of the package that planned; what another computes has other names.
    """

    files: tuple[PlannedFile, ...]
    transforms: Mapping[str, Mapping[str, tuple[Any, ...]]]
    seeds: tuple[int, ...] = (0,)
    with_chance: bool = False
    device: str = "auto"
    version: str = __version__
    code: str = field(default_factory=code_digest)
    kind: str = USUAL
    settings: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    data: str | None = None

    def __post_init__(self) -> None:
        check_asked(self.kind, self.transforms, self.settings)
        if not self.seeds or min(self.seeds) < 0:
            raise SettingError(f"seeds: expected whole numbers from 0 up; got {list(self.seeds)}")
        if self.files and not self.of_kind.has_layers:
            raise SettingError(f"{self.kind}: expected a plan without files; got {len(self.files)}")
        if self.with_chance and self.kind != USUAL:
            raise SettingError(f"{self.kind}: expected no chance; got it: it is drawn beside a transform's result")
        self._check_layers()
        layers = sum(len(each.layers) for each in self.files) if self.of_kind.has_layers else 1
        each_layer = sum(prod(map(len, values.values())) for values in self.transforms.values()) or 1
        own = prod(map(len, self.settings.values()))
        if (count := layers * each_layer * own * len(self.seeds)) > MOST_POINTS:
            raise SettingError(f"expected at most {MOST_POINTS} points; got {count}: plan several sweeps")

    @property
    def of_kind(self) -> TaskKind:
        """The kind of its tasks."""
        return KINDS[self.kind]

    def points(self) -> Iterator[PlannedPoint]:
        """Yield every point, file by file and layer by layer; equal layers have points of one digest.

        Settings that do not count beside the others stand at their defaults, and combinations that exclude each other are left out.
        """
        return self._on_layers() if self.of_kind.has_layers else self._alone()

    def _alone(self) -> Iterator[PlannedPoint]:
        for settings, seed in product(self.of_kind.chosen(self.settings), self.seeds):
            task = {self.of_kind.mark: {"settings": settings, "seed": seed, "device": self.device}}
            yield PlannedPoint(task, DataPlace(self.data), 0, self.version, self.code)

    def _on_layers(self) -> Iterator[PlannedPoint]:
        chosen = [
            (name, timeless_settings(name, settings))
            for name, values in self.transforms.items()
            for settings in combinations(name, values)[0]
        ]
        own = self.of_kind.chosen(self.settings)
        for file in self.files:
            for layer in file.layers:
                place = LayerPlace(file.path, layer.name, file.options)
                for (name, settings), seed, more in product(chosen, self.seeds, own):
                    task = task_of(layer.digest, name, settings, seed, with_chance=self.with_chance, device=self.device)
                    if more:
                        task = {self.of_kind.mark: {**task.pop(POINT), self.kind: more}, **task}
                    yield PlannedPoint(task, place, layer.rows * layer.cols, self.version, self.code)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Why combinations were left out, a sentence a transform."""
        found = ((name, combinations(name, values)[1]) for name, values in self.transforms.items())
        return tuple(f"{name}: {len(why)} combinations are left out: {why[0]}" for name, why in found if why)

    def _check_layers(self) -> None:
        """Raises: SettingError for a transform that treats the layers of a file at once: a point is one layer."""
        if all(len(each.layers) < 2 for each in self.files):
            return
        for name, values in self.transforms.items():
            for settings in combinations(name, values)[0]:
                if (run := TRANSFORMS[name](**settings)).is_global:
                    raise SettingError(
                        f"{name}: expected settings under which every layer stands by itself; got {_ways_out(run)}"
                    )

    def as_json(self) -> dict[str, Any]:
        """Return plain values, as `read_plan` takes them."""
        files = [
            {"path": each.path, "options": _told(each.options), "layers": [asdict(layer) for layer in each.layers]}
            for each in self.files
        ]
        return {
            "sparselab_sweep": SCHEMA,
            "version": self.version,
            "code": self.code,
            "files": files,
            "transforms": {
                name: {key: list(v) for key, v in values.items()} for name, values in self.transforms.items()
            },
            "seeds": list(self.seeds),
            "chance": self.with_chance,
            "device": self.device,
            **({} if self.kind == USUAL else self._of_its_kind()),
        }

    def _of_its_kind(self) -> dict[str, Any]:
        told = {"kind": self.kind, "settings": {key: list(values) for key, values in self.settings.items()}}
        return told if self.data is None else {**told, "data": self.data}

    def text(self) -> str:
        """Return the plan as the text of its file: the same plan has the same text, in its own order."""
        return json.dumps(self.as_json(), indent=1, allow_nan=False) + "\n"


def check_asked(
    kind: str, transforms: Mapping[str, Mapping[str, Sequence[Any]]], settings: Mapping[str, Sequence[Any]]
) -> None:
    """Raises: SettingError for a kind, a transform or a setting that there is not, and for values that cannot be swept."""
    if kind not in KINDS:
        raise SettingError(f"kind: expected one of {', '.join(KINDS)}; got {kind!r}")
    if KINDS[kind].has_layers:
        check_transforms(transforms)
    elif transforms:
        raise SettingError(
            f"{kind}: expected a plan without transforms; got {', '.join(transforms)}: `settings` says what is swept"
        )
    KINDS[kind].check(settings)


def check_transforms(transforms: Mapping[str, Mapping[str, Sequence[Any]]]) -> None:
    """Raises: SettingError for no transform, one that there is not, a bound on seconds, and what `check_values` refuses."""
    if not transforms:
        raise SettingError(f"transforms: expected some of {', '.join(TRANSFORMS)}; got none")
    for name, values in transforms.items():
        if name not in TRANSFORMS:
            raise SettingError(f"transforms: expected some of {', '.join(TRANSFORMS)}; got {name!r}")
        known = {each.name: each for each in settings_of(TRANSFORMS[name])}
        if late := next((known[key] for key in values if key in known and known[key].stops_by_clock), None):
            raise SettingError(refusal_of(name, late))
        check_values(name, TRANSFORMS[name], values)


def refusal_of(name: str, setting: Setting) -> str:
    """Return why a bound on seconds is not taken by a sweep, and what is."""
    steps = [
        each.name
        for each in settings_of(TRANSFORMS[name])
        if each.when == setting.when and each.kind is int and each != setting
    ]
    instead = f": set {' or '.join(steps)}" if steps else ""
    return f"{name}: {setting.name}: expected no bound on seconds, because what a clock ends differs from machine to machine{instead}"


def combinations(name: str, values: Mapping[str, Sequence[Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the whole settings of every combination that the transform takes, once each, and why the others are left out."""
    return combinations_of(TRANSFORMS[name], values)


def _ways_out(run: Transform) -> str:
    """Return which choice lets the layers stand by themselves, for a transform that does not."""
    settings = [each for each in settings_of(type(run)) if each.choices]
    tried = ((each.name, choice) for each in settings for choice in each.choices)
    for name, choice in tried:
        if not replace(run, **{name: choice}).is_global:
            return f"{name}={getattr(run, name)}: set {name} to {choice}, or sweep one layer"
    return "a transform of all layers at once: sweep one layer"


def _told(options: ReadOptions) -> dict[str, Any]:
    """Return the options that are not the usual ones."""
    usual = vars(ReadOptions())
    return {key: value for key, value in vars(options).items() if value != usual[key]}
