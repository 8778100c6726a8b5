"""Addresses as the app of commit b015b54 writes them when knobs are turned, and how to see what a page shows of one.

Nothing of the package is imported here, so that `make_fixtures.py` opens the pages of that commit with the same lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

LAYER = {"sample": "vgg-digits-imp-90", "layer": "features.4.weight"}
NATURAL = {**LAYER, "grouper": "natural"}
REFINED = {"refine": "true", "refine_steps": "20", "refine_seconds": "2"}
ADDRESSES: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("explore", {"sample": "planted", "rows_per_group": "16", "knn": "16", "order": "packed", "seed": "3"}),
    ("explore", {**NATURAL, "rule": "threshold", "min_rows": "8", "min_kept": "3", "min_cols": "8", "plain": "true"}),
    ("explore", {**LAYER, "grouper": "random", "rule": "ratio", "ratio": "2.5", "groups": "2", "tab": "Block density"}),
    ("explore", {**NATURAL, "rule": "legacy", "row_multiple": "8", "order": "natural", "tab": "Checks"}),
    ("explore", {**NATURAL, **REFINED, "density": "0.3", "weigh": "energy", "second_share": "0.1"}),
    (
        "explore",
        {
            **LAYER,
            **REFINED,
            "transform": "shuffled-blocks",
            "block_size": "8",
            "similarity": "jaccard",
            "q": "0.25",
            "density": "0.3",
            "weigh": "magnitude",
            "tab": "Kernel's eye",
            "tile": "32",
        },
    ),
    ("explore", {**LAYER, "transform": "prune", "sparsity": "0.5", "scope": "layer", "score": "random", "seed": "7"}),
    ("explore", {**LAYER, "transform": "refill", "score": "count", "regrow": "random", "tab": "All numbers"}),
    ("explore", {**LAYER, "transform": "refill-plus", "score": "count", "rho": "0.5", "tab": "Take away"}),
    (
        "explore",
        {**LAYER, "transform": "n-m", "n": "1", "permute": "stripe", "permute_seconds": "9", "escapes": "1"},
    ),
    ("explore", {"source": "Upload"}),
    ("explore", {"source": "Path", "path": "{flat}", "column_order": "kh-kw-cin", "kernel_shape": "3,3"}),
    (
        "compare",
        {
            "source": "Path",
            "path": "{ticket}",
            "layer": "head",
            "budget": "20",
            "seed": "2",
            "baseline": "regroup, natural",
        },
    ),
    ("model", {"sample": "planted-noisy", "transform": "n-m", "n": "1", "m": "8", "seed": "2"}),
    ("latency", {**NATURAL, "rows_per_group": "8", "size": "64", "batch": "2", "seconds": "3", "dtype": "float64"}),
    (
        "latency",
        {
            **NATURAL,
            "product": "Convolution",
            "height": "6",
            "width": "7",
            "stride": "2",
            "padding": "0",
            "device": "cpu",
            "threads": "1",
        },
    ),
    ("latency", {**NATURAL, "latency_tab": "Whole model", "batch": "3", "side": "16", "seconds_each": "4"}),
    ("latency", {**NATURAL, "latency_tab": "Break-even map", "map_kernel": "csr", "seconds_cell": "2"}),
    ("latency", {**NATURAL, "latency_tab": "Break-even map", "figures": "from stored sessions"}),
    ("latency", {**NATURAL, "latency_tab": "Stored results"}),
    ("training", {"axis": "blocks"}),
    ("training", {"run": "{run}", "with_study": "false"}),
    ("training", {"run": "{run}", "training_tab": "This run"}),
    ("training", {"training_tab": "Start a run"}),
    ("training", {"training_tab": "What the papers print", "published": "cifar100"}),
)


def opened(page: str, address: Mapping[str, str], places: Mapping[str, str]) -> dict[str, Any]:
    """Open a page of the checkout in the working folder by an address; return its knobs and the figures it shows.

    `{ticket}`, `{flat}` and `{run}` in an address stand for what `places` says: two files and a run's name.
    """
    at = AppTest.from_file(str(Path("pages", f"{page}.py").resolve()), default_timeout=240)
    for name, text in address.items():
        at.query_params[name] = text.format_map(places)
    at.run()
    assert not at.exception, (page, address, at.exception)
    assert not at.error, (page, address, at.error)
    return {
        "knobs": {name: _knob(at, page, name) for name in address if name != "path"},
        "figures": {_FIGURES[metric.label]: metric.value for metric in at.metric if metric.label in _FIGURES},
    }


_FIGURES = {"Coverage": "Coverage", "Weights kept": "Coverage", "Blocks": "Blocks"}
"""Figures by the label they have now or had then."""


def _knob(at: AppTest, page: str, name: str) -> Any:
    # A picker whose shown label changes stands in the state under a name of its own.
    own = f"_{name}@{page}"
    return at.session_state[own if own in at.session_state else name]
