"""What an address says: its keys, and the state of the pages that it stands for.

`KEYS` is the table: what a key is called in the address, on which pages it is meant, how its text is read, and its default (None: the
page's own). Knobs of a transform are keys as well, under their settings' names. A state holds what was chosen; all else is default.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Annotated, Any

from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.errors import SettingError
from sparselab.core.im2col import COLUMN_ORDERS
from sparselab.core.settings import Label, OneOf, Setting, When, settings_of
from sparselab.kernels.base import DTYPES
from sparselab.transforms import TRANSFORMS

SAMPLE, UPLOAD, PATH = SOURCES = ("Sample", "Upload", "Path")
MATRIX, CONVOLUTION = PRODUCTS = ("Matrix product", "Convolution")
HERE, STORED = ("measure here", "from stored sessions")
WALL, TABLE = ("wall", "table")
BEST = "best per layer"
"""What stands for the transform on the page Model where every layer gets the best one."""

TILES = (4, 8, 16, 32, 64)
_CORES = os.cpu_count() or 1
_OWN_FILE = When("source", (UPLOAD, PATH))
_LONGEST_QUOTED = 60

Seconds = Annotated[int | None, Interval(ge=1, le=600), Label("Seconds"), Doc("how long is measured, about")]
Side = Annotated[int, Interval(ge=1, le=4096)]


@dataclass(frozen=True)
class _File:
    source: Annotated[str, OneOf(SOURCES), Label("Source"), Doc("where the file comes from")] = SAMPLE
    sample: Annotated[str, When("source", (SAMPLE,)), Label("Sample"), Doc("a sample by its name")] = ""
    file: Annotated[str, When("source", (UPLOAD,)), Label("File"), Doc("an upload by its name")] = ""
    digest: Annotated[str, When("source", (UPLOAD,)), Label("Digest"), Doc("the sha256 of an upload")] = ""
    path: Annotated[str, When("source", (PATH,)), Label("Path on this machine"), Doc("a file or a folder")] = ""
    read_all: Annotated[bool, _OWN_FILE, Doc("read the tensors that were left alone too")] = False
    read_axes: Annotated[str, _OWN_FILE, Doc("letters for the axes of a tensor")] = ""
    read_groups: Annotated[str, _OWN_FILE, Doc("groups of convolutions")] = ""
    read_threshold: Annotated[
        float | None, Interval(ge=0.0, le=1e30), _OWN_FILE, Doc("weights of at most this size count as pruned")
    ] = None
    column_order: Annotated[str, OneOf(COLUMN_ORDERS), _OWN_FILE, Doc("the order of a matrix's columns")] = (
        COLUMN_ORDERS[0]
    )
    kernel_shape: Annotated[str, _OWN_FILE, Doc("the kernel of a convolution that lies there as a matrix")] = ""
    read_masks: Annotated[str, When("source", (PATH,)), Doc("masks in a second file")] = ""


@dataclass(frozen=True)
class _Layer:
    layer: Annotated[str, Label("Layer"), Doc("a layer by its name")] = ""


@dataclass(frozen=True)
class _Seed:
    seed: Annotated[
        int,
        Interval(ge=0, le=2**31 - 1),
        Label("Seed"),
        Doc("The seed of every random choice: the same seed gives the same answer."),
    ] = 0


@dataclass(frozen=True)
class _Transform:
    transform: Annotated[str, Label("Transform"), Doc("what gives the layer a structure")] = "regroup"


@dataclass(frozen=True)
class _ModelTransform:
    transform: Annotated[str, Label("Transform"), Doc("what gives every layer a structure")] = BEST


@dataclass(frozen=True)
class _Explore:
    order: Annotated[str, Doc("rows of the right picture")] = ""
    plain: Annotated[bool, Doc("both masks as plain heatmaps")] = False
    tab: Annotated[str, Doc("the open tab")] = ""
    tile: Annotated[int, OneOf(TILES), Doc("side of the kernel's square tile, in weights")] = 16


@dataclass(frozen=True)
class _Compare:
    budget: Annotated[
        float | None,
        Interval(ge=0.1, le=100.0),
        Label("Weights to spend, % of all"),
        Doc("Every contender at one budget spends this many weights."),
    ] = None
    baseline: Annotated[str, Doc("the contender that all others are compared with")] = ""


@dataclass(frozen=True)
class _Model:
    show: Annotated[str, OneOf((WALL, TABLE)), Label("Show"), Doc("the layers as a wall of pictures or as a table")] = (
        WALL
    )


@dataclass(frozen=True)
class _Latency:
    latency_tab: Annotated[str, Doc("the open tab")] = ""
    product: Annotated[str, OneOf(PRODUCTS), Label("Product"), Doc("what is measured")] = MATRIX
    batch: Annotated[int | None, Interval(ge=1, le=4096), Label("Batch"), Doc("images or sequences in one run")] = None
    size: Annotated[
        int | None,
        Interval(ge=1, le=1_000_000),
        Label("Positions each"),
        Doc("output pixels or tokens per image or sequence"),
    ] = None
    height: Annotated[Side, Label("Height"), Doc("height of the input, in pixels")] = 32
    width: Annotated[Side, Label("Width"), Doc("width of the input, in pixels")] = 32
    stride: Annotated[
        int, Interval(ge=1, le=16), Label("Stride"), Doc("stride of the convolution; few files hold it")
    ] = 1
    padding: Annotated[
        int | None, Interval(ge=0, le=64), Label("Padding"), Doc("zero padding on every side; few files hold it")
    ] = None
    dtype: Annotated[str, OneOf(DTYPES), Label("Arithmetic"), Doc("the numbers' type")] = DTYPES[0]
    device: Annotated[str, OneOf(("auto", "cpu", "cuda")), Label("Device"), Doc("where is measured")] = "auto"
    threads: Annotated[
        int, Interval(ge=1, le=_CORES), Label("Threads"), Doc(f"CPU threads; this machine has {_CORES}")
    ] = _CORES
    seconds: Seconds = None
    seconds_each: Seconds = None
    seconds_cell: Seconds = None
    side: Annotated[Side, Label("First side"), Doc("side of the square input of the first layer, in pixels")] = 32
    figures: Annotated[str, OneOf((HERE, STORED)), Label("Figures"), Doc("where the figures come from")] = HERE
    map_kernel: Annotated[str, Doc("the kernel of the map")] = ""


@dataclass(frozen=True)
class _Training:
    run: Annotated[str, Doc("a run by its name")] = ""
    training_tab: Annotated[str, Doc("the open tab")] = ""
    axis: Annotated[str, Doc("the horizontal axis")] = ""
    with_study: Annotated[bool, Label("Show the study"), Doc("whether the study is shown")] = True
    published: Annotated[str, Doc("the data set of the published results")] = ""


@dataclass(frozen=True)
class _Glossary:
    term: Annotated[str, Doc("what is searched for")] = ""


@dataclass(frozen=True)
class Key:
    """A key of the address. `slot` names its value in the state: two keys of one name mean two things on two pages."""

    setting: Setting
    pages: frozenset[str]
    slot: str

    def parse(self, text: str) -> Any:
        """Turn the address's text into a value. Raises: SettingError that says what was expected."""
        if self.setting.kind is str and not self.setting.choices:
            return text
        if len(text) > _LONGEST_QUOTED:
            raise SettingError(f"{self.setting.name}: expected {self.setting.expected}; got {len(text)} characters")
        return self.setting.parse(text)


def _declared(kind: type, *pages: str, prefix: str = "") -> tuple[Key, ...]:
    return tuple(Key(each, frozenset(pages), prefix + each.name) for each in settings_of(kind))


_MODEL = "model."
KEYS: tuple[Key, ...] = (
    *_declared(_File, "explore", "compare", "model", "latency"),
    *_declared(_Layer, "explore", "compare", "model", "latency"),
    *_declared(_Transform, "explore", "latency"),
    *_declared(_ModelTransform, "model", prefix=_MODEL),
    *_declared(_Seed, "explore", "compare", "model", "latency"),
    *_declared(_Explore, "explore"),
    *_declared(_Compare, "compare"),
    *_declared(_Model, "model"),
    *_declared(_Latency, "latency"),
    *_declared(_Training, "training"),
    *_declared(_Glossary, "glossary"),
)

_SUBJECT = frozenset(each.name for kind in (_File, _Layer, _Transform) for each in settings_of(kind))


@dataclass(frozen=True)
class State:
    """What was chosen, by slot. What is not in it stands at its default."""

    values: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def put(self, values: Mapping[str, Any]) -> State:
        """Return the state with these values."""
        return replace(self, values=MappingProxyType({**self.values, **values}))

    def without(self, slots: frozenset[str]) -> State:
        """Return the state with these slots at their defaults."""
        return replace(self, values=MappingProxyType({k: v for k, v in self.values.items() if k not in slots}))


def fixed_keys(page: str) -> dict[str, Key]:
    """Return the keys of a page by name, without knobs."""
    return {key.setting.name: key for key in KEYS if page in key.pages}


def slot_of(page: str, name: str) -> str:
    """Return the slot of a key, or of a knob, of a page. Raises: KeyError for a knob where there is no transform."""
    fixed = fixed_keys(page)
    return fixed[name].slot if name in fixed else _prefix(fixed["transform"]) + name


def _prefix(transform: Key) -> str:
    return transform.slot.removesuffix(transform.setting.name)


def knob_keys(page: str, transform: str | None) -> dict[str, Key]:
    """Return the knobs of a transform as keys of a page, by name; none where the page has no transform."""
    own = fixed_keys(page).get("transform")
    if own is None or transform is None or transform not in TRANSFORMS:
        return {}
    return {each.name: Key(each, own.pages, _prefix(own) + each.name) for each in settings_of(TRANSFORMS[transform])}


def keys_of(page: str, state: State) -> dict[str, Key]:
    """Return every key of a page by name, with the knobs of the transform chosen."""
    fixed = fixed_keys(page)
    own = fixed.get("transform")
    chosen = None if own is None else state.values.get(own.slot, own.setting.default)
    return fixed | knob_keys(page, chosen)


def file_names() -> tuple[str, ...]:
    """Return the names of the keys that say which file is shown, and how it is read."""
    return tuple(each.name for each in settings_of(_File))


def knob_slots(page: str) -> frozenset[str]:
    """Return the slots of a page's knobs, of every transform."""
    return frozenset(key.slot for name in TRANSFORMS for key in knob_keys(page, name).values())


def subject_slots(page: str) -> frozenset[str]:
    """Return the slots of what a page is about: file, layer, transform and knobs, but not how it is looked at."""
    return knob_slots(page) | {key.slot for name, key in fixed_keys(page).items() if name in _SUBJECT}


def parse(page: str, query: Mapping[str, str]) -> tuple[State, tuple[str, ...]]:
    """Return what an address says of a page, and a sentence for every part of it that means nothing there."""
    state, problems = State(), []
    fixed = fixed_keys(page)
    # The transform first: it says what the other names mean.
    for name in sorted(query, key=lambda name: name != "transform"):
        key = fixed.get(name) or keys_of(page, state).get(name)
        if key is None:
            problems.append(f"{name[:_LONGEST_QUOTED]!r} is no setting of this page and is left out")
            continue
        try:
            value = key.parse(query[name])
            if name == "transform" and value not in (key.setting.default, *TRANSFORMS):
                raise SettingError(
                    f"transform: expected one of {', '.join(TRANSFORMS)}; got {value[:_LONGEST_QUOTED]!r}"
                )
            state = state.put({key.slot: value})
        except SettingError as error:
            problems.append(f"{error}; the default is shown")
    return state, tuple(problems)


def query_of(page: str, state: State) -> dict[str, str]:
    """Return the address of a page in a state: every choice that counts there, under its name."""
    fixed = fixed_keys(page)
    values = {name: state.values.get(key.slot, key.setting.default) for name, key in fixed.items()}
    chosen = {name: key for name, key in keys_of(page, state).items() if key.slot in state.values}
    return {
        name: text_of(state.values[key.slot])
        for name, key in chosen.items()
        if name not in fixed or key.setting.counts(values)
    }


def text_of(value: Any) -> str:
    """Return a value as the address has it.

    Example: >>> text_of(True), text_of(None), text_of(0.25), text_of(20.0)
             ('true', 'none', '0.25', '20')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return "none" if value is None else str(value)
