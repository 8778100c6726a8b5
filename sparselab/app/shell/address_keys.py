"""The table of the keys of the address: name, pages where it is meant, how its text is read, default (None or "": the page's own)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Interval
from typing_extensions import Doc

from sparselab.app.shell.learn_keys import LearnControlKeys, LearnKeys
from sparselab.app.shell.why_keys import WhyKeys
from sparselab.core.errors import SettingError
from sparselab.core.im2col import COLUMN_ORDERS
from sparselab.core.settings import OneOf, Setting, ShownAs, When, settings_of
from sparselab.kernels.base import DTYPES

SAMPLE, UPLOAD, PATH = SOURCES = ("Sample", "Upload", "Path")
MATRIX, CONVOLUTION = PRODUCTS = ("Matrix product", "Convolution")
HERE, STORED = ("measure here", "from stored sessions")
WALL, TABLE = ("wall", "table")
BEST = "best per layer"
"""What stands for the transform on the page Model where every layer gets the best one."""

FIRST_TRANSFORM = "regroup"
"""The transform that Explore shows first."""

PRESENTER = "presenter"
TILES = (4, 8, 16, 32, 64)
_CORES = os.cpu_count() or 1
_OWN_FILE = When("source", (UPLOAD, PATH))
LONGEST_QUOTED = 60

Seconds = Annotated[int | None, Interval(ge=1, le=600), ShownAs("Seconds"), Doc("how long is measured, about")]
Side = Annotated[int, Interval(ge=1, le=4096)]


@dataclass(frozen=True)
class _FileKeys:
    source: Annotated[str, OneOf(SOURCES), ShownAs("Source"), Doc("where the file comes from")] = SAMPLE
    sample: Annotated[str, When("source", (SAMPLE,)), ShownAs("Sample"), Doc("a sample by its name")] = ""
    file: Annotated[str, When("source", (UPLOAD,)), ShownAs("File"), Doc("an upload by its name")] = ""
    digest: Annotated[str, When("source", (UPLOAD,)), ShownAs("Digest"), Doc("the sha256 of an upload")] = ""
    path: Annotated[str, When("source", (PATH,)), ShownAs("Path on this machine"), Doc("a file or a folder")] = ""
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
class _WindowKeys:
    view: Annotated[str, OneOf(("page", PRESENTER)), Doc("the view for a projector")] = "page"


@dataclass(frozen=True)
class _LayerKeys:
    layer: Annotated[str, ShownAs("Layer"), Doc("a layer by its name")] = ""


@dataclass(frozen=True)
class _SeedKeys:
    seed: Annotated[
        int,
        Interval(ge=0, le=2**31 - 1),
        ShownAs("Seed"),
        Doc("The seed of every random choice: the same seed gives the same answer."),
    ] = 0


@dataclass(frozen=True)
class _TransformKeys:
    transform: Annotated[str, ShownAs("Transform"), Doc("what gives the layer a structure")] = FIRST_TRANSFORM


@dataclass(frozen=True)
class _ModelTransformKeys:
    transform: Annotated[str, ShownAs("Transform"), Doc("what gives every layer a structure")] = BEST


@dataclass(frozen=True)
class _ExploreKeys:
    order: Annotated[str, Doc("rows of the right picture")] = ""
    plain: Annotated[bool, Doc("both masks as plain heatmaps")] = False
    tab: Annotated[str, Doc("the open tab")] = ""
    minus_chance: Annotated[bool, Doc("similarity less what chance gives")] = False
    sweep: Annotated[bool, Doc("the transform's knob over its range, on the tab Sweep")] = False
    tile: Annotated[int, OneOf(TILES), Doc("side of the kernel's square tile, in weights")] = 16


@dataclass(frozen=True)
class _CompareKeys:
    budget: Annotated[
        float | None,
        Interval(ge=0.1, le=100.0),
        ShownAs("Weights to spend, % of all"),
        Doc("Every contender at one budget spends this many weights."),
    ] = None
    baseline: Annotated[str, Doc("the contender that all others are compared with")] = ""


@dataclass(frozen=True)
class _ModelKeys:
    show: Annotated[str, OneOf((WALL, TABLE)), ShownAs("Show"), Doc("the layers as a wall of pictures or a table")] = (
        WALL
    )
    audit: Annotated[bool, Doc("what is in the file: which patterns its zeros fulfil")] = False
    claim: Annotated[str, ShownAs("Claim"), Doc("what the file is said to be, such as 2:4")] = ""


@dataclass(frozen=True)
class _LatencyKeys:
    latency_tab: Annotated[str, Doc("the open tab")] = ""
    product: Annotated[str, OneOf(PRODUCTS), ShownAs("Product"), Doc("what is measured")] = MATRIX
    backward: Annotated[
        bool,
        ShownAs("Training step"),
        Doc("measure whole training steps of one layer, Y, dX and dW, by the kernels that train"),
    ] = False
    batch: Annotated[int | None, Interval(ge=1, le=4096), ShownAs("Batch"), Doc("images or sequences in one run")] = (
        None
    )
    size: Annotated[
        int | None,
        Interval(ge=1, le=1_000_000),
        ShownAs("Positions each"),
        Doc("output pixels or tokens per image or sequence"),
    ] = None
    height: Annotated[Side, ShownAs("Height"), Doc("height of the input, in pixels")] = 32
    width: Annotated[Side, ShownAs("Width"), Doc("width of the input, in pixels")] = 32
    stride: Annotated[
        int, Interval(ge=1, le=16), ShownAs("Stride"), Doc("stride of the convolution; few files hold it")
    ] = 1
    padding: Annotated[
        int | None, Interval(ge=0, le=64), ShownAs("Padding"), Doc("zero padding on every side; few files hold it")
    ] = None
    dtype: Annotated[str, OneOf(DTYPES), ShownAs("Arithmetic"), Doc("the numbers' type")] = DTYPES[0]
    device: Annotated[str, OneOf(("auto", "cpu", "cuda")), ShownAs("Device"), Doc("where is measured")] = "auto"
    threads: Annotated[
        int, Interval(ge=1, le=_CORES), ShownAs("Threads"), Doc(f"CPU threads; this machine has {_CORES}")
    ] = _CORES
    seconds: Seconds = None
    seconds_each: Seconds = None
    seconds_cell: Seconds = None
    side: Annotated[
        int | None,
        Interval(ge=1, le=4096),
        ShownAs("Side of the network's input"),
        Doc(
            "Pixels of a side of the square images that the network is given: the file does not tell. It stays in the address."
        ),
    ] = None
    input: Annotated[str, Doc("whose input the layer is given")] = ""
    model_input: Annotated[str, Doc("whose input the network is given")] = ""
    tradeoff: Annotated[str, Doc("what the points of gain and loss are of")] = ""
    figures: Annotated[str, OneOf((HERE, STORED)), ShownAs("Figures"), Doc("where the figures come from")] = HERE
    map_kernel: Annotated[str, Doc("the kernel of the map")] = ""


@dataclass(frozen=True)
class _TrainingKeys:
    run: Annotated[str, Doc("a run by its name")] = ""
    training_tab: Annotated[str, Doc("the open tab")] = ""
    axis: Annotated[str, Doc("the horizontal axis")] = ""
    with_study: Annotated[bool, ShownAs("Show the study"), Doc("whether the study is shown")] = True
    published: Annotated[str, Doc("the data set of the published results")] = ""
    film_layer: Annotated[str, Doc("the layer whose film is shown")] = ""


@dataclass(frozen=True)
class _SweepsKeys:
    sweep_folder: Annotated[str, ShownAs("Folder of a sweep"), Doc("the folder of a sweep, on this machine")] = ""
    sweeps_tab: Annotated[str, Doc("the open tab")] = ""


@dataclass(frozen=True)
class _GlossaryKeys:
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
        if len(text) > LONGEST_QUOTED:
            raise SettingError(f"{self.setting.name}: expected {self.setting.expected}; got {len(text)} characters")
        return self.setting.parse(text)


def _declared(kind: type, *pages: str, prefix: str = "") -> tuple[Key, ...]:
    return tuple(Key(each, frozenset(pages), prefix + each.name) for each in settings_of(kind))


_MODEL, _LEARN = "model.", "learn."
KEYS: tuple[Key, ...] = (
    *_declared(_WindowKeys, "explore", "compare", "model", "sweeps", "latency", "why", "training", "learn", "glossary"),
    *_declared(_FileKeys, "explore", "compare", "model", "latency", "why"),
    *_declared(_LayerKeys, "explore", "compare", "model", "latency"),
    *_declared(_TransformKeys, "explore", "latency"),
    *_declared(_ModelTransformKeys, "model", prefix=_MODEL),
    *_declared(_SeedKeys, "explore", "compare", "model", "latency"),
    *_declared(_ExploreKeys, "explore"),
    *_declared(_CompareKeys, "compare"),
    *_declared(_ModelKeys, "model"),
    *_declared(_SweepsKeys, "sweeps"),
    *_declared(_LatencyKeys, "latency"),
    *_declared(WhyKeys, "why"),
    *_declared(_TrainingKeys, "training"),
    *_declared(LearnKeys, "learn", prefix=_LEARN),
    *_declared(LearnControlKeys, "learn", prefix=_LEARN),
    *_declared(_GlossaryKeys, "glossary"),
)

FILE_NAMES = tuple(each.name for each in settings_of(_FileKeys))
"""The keys that say which file is shown, and how it is read."""

SUBJECT_NAMES = frozenset(
    {*FILE_NAMES, *(each.name for kind in (_LayerKeys, _TransformKeys) for each in settings_of(kind))}
)
"""The keys that say what a page is about, and not how it is looked at; knobs do so too."""
