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
from sparselab.workflows.sweeps.point import LayerPlace, PlannedPoint, task_of, timeless_settings

SCHEMA = 1
MOST_POINTS = 1_000_000
"""Points of one plan: beyond, a list of its digests alone takes gigabytes."""


@dataclass(frozen=True)
class PlannedLayer:
    """A layer by its name in its file, and by the digest of what it holds."""

    name: str
    digest: str
    rows: int
    cols: int


@dataclass(frozen=True)
class PlannedFile:
    """A file, how it is read, and the layers of it that are swept."""

    path: str
    layers: tuple[PlannedLayer, ...]
    options: ReadOptions = field(default_factory=ReadOptions)


@dataclass(frozen=True)
class Plan:
    """What is swept: every layer x every transform x every combination of its settings' values x every seed.

    transforms: by name, the values of the settings that are swept; others stand at their defaults.
    version, code: of the package that planned; what another computes has other names.
    """

    files: tuple[PlannedFile, ...]
    transforms: Mapping[str, Mapping[str, tuple[Any, ...]]]
    seeds: tuple[int, ...] = (0,)
    with_chance: bool = False
    device: str = "auto"
    version: str = __version__
    code: str = field(default_factory=code_digest)

    def __post_init__(self) -> None:
        check_transforms(self.transforms)
        if not self.seeds or min(self.seeds) < 0:
            raise SettingError(f"seeds: expected whole numbers from 0 up; got {list(self.seeds)}")
        self._check_layers()
        layers = sum(len(each.layers) for each in self.files)
        each_layer = sum(prod(map(len, values.values())) for values in self.transforms.values())
        if (count := layers * each_layer * len(self.seeds)) > MOST_POINTS:
            raise SettingError(f"expected at most {MOST_POINTS} points; got {count}: plan several sweeps")

    def points(self) -> Iterator[PlannedPoint]:
        """Yield every point, file by file and layer by layer; equal layers have points of one digest.

        Settings that do not count beside the others stand at their defaults, and combinations that exclude each other are left out.
        """
        chosen = [
            (name, timeless_settings(name, settings))
            for name, values in self.transforms.items()
            for settings in combinations(name, values)[0]
        ]
        for file in self.files:
            for layer in file.layers:
                place = LayerPlace(file.path, layer.name, file.options)
                for (name, settings), seed in product(chosen, self.seeds):
                    task = task_of(layer.digest, name, settings, seed, with_chance=self.with_chance, device=self.device)
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
        }

    def text(self) -> str:
        """Return the plan as the text of its file: the same plan has the same text, in its own order."""
        return json.dumps(self.as_json(), indent=1, allow_nan=False) + "\n"


def check_transforms(transforms: Mapping[str, Mapping[str, Sequence[Any]]]) -> None:
    """Raises: SettingError for a transform that there is not, a setting that it has not, a value out of range, a bound on seconds,
    no value at all, a list of too many, or values that exclude each other all.
    """
    if not transforms:
        raise SettingError(f"transforms: expected some of {', '.join(TRANSFORMS)}; got none")
    for name, values in transforms.items():
        if name not in TRANSFORMS:
            raise SettingError(f"transforms: expected some of {', '.join(TRANSFORMS)}; got {name!r}")
        known = {each.name: each for each in settings_of(TRANSFORMS[name])}
        for key, listed in values.items():
            if key not in known:
                raise SettingError(f"{name}: expected some of {', '.join(_timeless(known))}; got {key!r}")
            if known[key].stops_by_clock:
                raise SettingError(refusal_of(name, known[key]))
            if not listed:
                raise SettingError(f"{name}: {key}: expected at least one value; got none")
            for value in listed:
                known[key].check(value)
        if (count := prod(map(len, values.values()))) > MOST_POINTS:
            raise SettingError(f"{name}: expected at most {MOST_POINTS} combinations; got {count}")
        taken, why = combinations(name, values)
        if not taken:
            raise SettingError(f"{name}: {why[0]}")


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
    declared = settings_of(TRANSFORMS[name])
    found: dict[str, dict[str, Any]] = {}
    refused: list[str] = []
    for each in product(*values.values()):
        whole = {setting.name: setting.default for setting in declared} | dict(zip(values, each, strict=True))
        counting = {
            setting.name: whole[setting.name] if setting.counts(whole) else setting.default for setting in declared
        }
        try:
            TRANSFORMS[name](**whole)
        except SettingError as error:
            refused.append(str(error))
        else:
            found.setdefault(json.dumps(counting, sort_keys=True), counting)
    return list(found.values()), refused


def _ways_out(run: Transform) -> str:
    """Return which choice lets the layers stand by themselves, for a transform that does not."""
    settings = [each for each in settings_of(type(run)) if each.choices]
    tried = ((each.name, choice) for each in settings for choice in each.choices)
    for name, choice in tried:
        if not replace(run, **{name: choice}).is_global:
            return f"{name}={getattr(run, name)}: set {name} to {choice}, or sweep one layer"
    return "a transform of all layers at once: sweep one layer"


def _timeless(known: Mapping[str, Setting]) -> list[str]:
    return [name for name, each in known.items() if not each.stops_by_clock]


def _told(options: ReadOptions) -> dict[str, Any]:
    """Return the options that are not the usual ones."""
    usual = vars(ReadOptions())
    return {key: value for key, value in vars(options).items() if value != usual[key]}
