"""Everything the Explore page shows of one layer under one transform, computed in a worker process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.analysis.invariants import Invariant, check_invariants
from sparselab.analysis.metrics import block_densities
from sparselab.analysis.similarity import SimilarityRows, similarity_rows
from sparselab.core.layout import Layout
from sparselab.core.mask import IntVector
from sparselab.core.strips import row_strips
from sparselab.formats import ReadOptions, load_layer
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.transforms import TRANSFORMS
from sparselab.workflows.known_runs import NOTHING_KNOWN, KnownRuns

_SIMILARITY_PIXELS = 256


@dataclass(frozen=True, eq=False)
class View:
    """A layout with what is shown beside it. The similarity matrices are pooled to at most 256 x 256 means, 0-255."""

    layout: Layout
    report: Mapping[str, Any]
    invariants: tuple[Invariant, ...]
    similarity_before: NDArray[np.uint8]
    similarity_after: NDArray[np.uint8]
    block_densities: NDArray[np.float64]

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> View:
        """Return the view that `explore` described."""
        layout = Layout.unpack(packed["layout"])
        invariants = tuple(Invariant(**item) for item in packed["invariants"])
        similar = packed["similarity_before"], packed["similarity_after"]
        return cls(layout, packed["report"], invariants, *similar, packed["block_densities"])


def explore(
    path: str,
    layer_name: str,
    transform: str,
    settings: Mapping[str, Any],
    seed: int,
    options: ReadOptions,
    device: str = "auto",
    *,
    monitor: Monitor = SILENT,
    known: KnownRuns = NOTHING_KNOWN,
) -> dict[str, Any]:
    """Run a transform on one layer of a file, where it is not known; return a View as plain values that `wire` can carry."""
    layer = load_layer(path, layer_name, options)
    run = TRANSFORMS[transform](**settings)
    layout, numbers = known.layout(transform, run, layer, seed=seed, device=device, monitor=monitor)
    # No look at the monitor from here on: a search that was cancelled has given its best so far, and that is shown.
    similarity = similarity_rows(layer.mask, "jaccard", device)
    return {
        "layout": layout.pack(),
        "report": numbers.as_json(),
        "invariants": [asdict(item) for item in check_invariants(layout, layer)],
        "similarity_before": _pooled(similarity, np.arange(len(similarity))),
        "similarity_after": _pooled(similarity, layout.row_order.order),
        "block_densities": block_densities(layout),
    }


def _pooled(similarity: SimilarityRows, order: IntVector) -> NDArray[np.uint8]:
    """Average equal areas of the rows in `order` down to at most 256 x 256, without the diagonal, which is 1 by definition."""
    rows = len(similarity)
    step = -(-rows // _SIMILARITY_PIXELS)
    starts = np.arange(0, rows, step)
    sums = np.empty((starts.size, starts.size), dtype=np.float32)
    for pixels in row_strips(starts.size, rows * step):
        first = starts[pixels.start]
        numbers = order[first : starts[pixels][-1] + step]
        values = similarity[numbers][:, order]
        values[np.arange(numbers.size), first + np.arange(numbers.size)] = 0.0
        sums[pixels] = np.add.reduceat(np.add.reduceat(values, starts[pixels] - first, axis=0), starts, axis=1)
    extents = np.diff(np.append(starts, rows))
    pairs = np.outer(extents, extents) - np.diag(extents)
    pooled: NDArray[np.uint8] = np.rint(255 * sums / np.maximum(pairs, 1)).astype(np.uint8)
    return pooled
