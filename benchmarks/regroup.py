"""Regroup's quality and speed: planted blocks, real layers at equal density, and seconds.

    python -m benchmarks.regroup [--dlmc FOLDER]

Real layers (Deep Learning Matrix Collection, .smtx) are skipped where the folder is absent. Listed coverages are those of
the released rule with eight parts of a hypergraph partitioner standing in for hMETIS.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import median_seconds, write_rows
from sparselab.analysis import similarity
from sparselab.analysis.similarity import jaccard_similarity
from sparselab.core.device import resolve_device
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.formats import read_ticket
from sparselab.grouping import GROUPERS, Goal
from sparselab.transforms import Regroup
from sparselab.transforms.regroup.rule import Selection
from sparselab.transforms.regroup.rules import rule_of

ROOT = Path(__file__).resolve().parent.parent
LISTED = {"rn50-mag-0.8-g3_2": (0.382, 0.552), "rn50-mag-0.9-g3_2": (0.210, 0.424), "rn50-vd-0.9-g3_2": (0.204, 0.540)}
SEEDS = range(5)


def run(layer: Layer, seed: int = 0, **settings: Any) -> Layout:
    return Regroup(**settings)(layer, rng=np.random.default_rng(seed), device="cpu")


def coverage(layer: Layer, **settings: Any) -> float:
    """Mean over the seeds."""
    return float(np.mean([run(layer, seed, **settings).covered.count for seed in SEEDS])) / layer.mask.count


def planted() -> list[dict[str, Any]]:
    rows = []
    for sample in ("planted", "planted-noisy", "random"):
        layer = next(iter(read_ticket(ROOT / "sample_masks" / f"{sample}.npz")))
        for grouper in ("jaccard-metis", "hypergraph", "random"):
            layout = run(layer, grouper=grouper)
            numbers = {
                "coverage": round(layout.covered.count / layer.mask.count, 4),
                "block_density": round(layout.covered.count / layout.after.count, 4),
                "density": round(layout.after.density, 4),
            }
            rows.append({"what": "planted", "layer": sample, "grouper": grouper, "groups": "32 rows", **numbers})
    return rows


def real(folder: Path) -> list[dict[str, Any]]:
    rows = []
    for name, (density, listed) in LISTED.items():
        layer = next(iter(read_ticket(folder / f"{name}.smtx")))
        for label, heights in (("8 groups", {"groups": 8}), ("16 rows", {"rows_per_group": 16})):
            equal = {"rows_per_group": 32 if "groups" in heights else 16}
            covered = {
                "metis": coverage(layer, density=density, **heights),
                "random": coverage(layer, density=density, grouper="random", **equal),
                "natural": coverage(layer, density=density, grouper="natural", **equal),
            }
            numbers = {
                "coverage": round(covered["metis"], 4),
                "density": density,
                "over_listed": round(covered["metis"] / listed, 3),
                "over_random": round(covered["metis"] / covered["random"], 3),
                "over_natural": round(covered["metis"] / covered["natural"], 3),
            }
            rows.append({"what": "real", "layer": name, "grouper": "jaccard-metis", "groups": label, **numbers})
    return rows


def speed() -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    large = Layer("4096 x 14336", Mask(rng.random((4096, 14336)) < 0.1))
    middle = next(iter(read_ticket(ROOT / "sample_masks" / "planted-noisy.npz")))
    small = Layer("256 x 2304", Mask(rng.random((256, 2304)) < 0.1))
    groups = GROUPERS["random"](small.mask, Goal(count=8), rng=rng, device="cpu")

    legacy = rule_of(Regroup(rule="legacy"))

    def fresh(work: Any) -> Any:
        similarity._similarity.cache_clear()
        return work()

    works = {
        ("jaccard similarity", "4096 x 14336"): lambda: fresh(lambda: jaccard_similarity(large.mask, device="cpu")),
        ("regroup, budget, jaccard-metis", "512 x 4608"): lambda: fresh(lambda: run(middle)),
        ("regroup, budget, jaccard-metis", "4096 x 14336"): lambda: fresh(lambda: run(large)),
        ("legacy rule for given groups", "256 x 2304"): lambda: legacy.select(
            Selection(small), groups, resolve_device("cpu")
        ),
    }
    return [
        {"what": "speed", "layer": layer, "work": name, "seconds": round(median_seconds(work), 4)}
        for (name, layer), work in works.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dlmc", type=Path, default=ROOT.parent / "shared" / "dlmc", help="folder of .smtx layers")
    folder = parser.parse_args().dlmc
    write_rows("regroup_speed", speed())
    quality = planted() + (real(folder) if folder.is_dir() else [])
    fields = list(dict.fromkeys(key for row in quality for key in row))
    write_rows("regroup_quality", [{field: row.get(field, "") for field in fields} for row in quality])


if __name__ == "__main__":
    main()
