"""At this shape and density the sparse product is no faster than the dense one."""

from __future__ import annotations

from sparselab.diagnosis.causes.base import SIZE, Cause, Explanation, calls_dominate, ms_shown, named, share_shown
from sparselab.diagnosis.causes.small_share import LEAST_SHARE
from sparselab.diagnosis.evidence import THIS_MACHINE, Evidence, Product


def _judge(evidence: Evidence) -> Explanation | None:
    if calls_dominate(evidence) or evidence.share < LEAST_SHARE:
        return None
    timed = [layer for layer in evidence.pruned if layer.product is not None and layer.product.best_ms is not None]
    layers = [layer for layer in timed if layer.product is not None and layer.product.does_not_pay]
    if not layers or sum(layer.dense_ms for layer in layers) < 0.5 * sum(layer.dense_ms for layer in timed):
        return None
    lines = []
    for layer in layers:
        product = layer.product
        assert product is not None
        assert product.best_ms is not None
        lines.append(
            f"{layer.name}, {layer.shape[0]} x {layer.shape[1]} at {layer.positions} positions, {share_shown(layer.density)} kept: "
            f"dense {ms_shown(product.dense_ms)}, sparse {ms_shown(product.best_ms)}; {break_even_shown(layer.density, product)}"
        )
    converted = any(layer.is_sparse_run for layer in layers)
    return Explanation(
        sentence=f"{named(layers)}: at this shape and density the sparse product is no faster than the dense one on this machine.",
        lines=tuple(lines),
        gain=1.0,
        cure=("Leave these layers dense" if converted else "Nothing to mend in the code: these layers stay dense")
        + ", or give them more positions in one call, or prune them further where the line says that this helps.",
        trial="dense" if converted else "",
        basis="measured",
        layers=tuple(layer.name for layer in layers),
    )


def break_even_shown(density: float, product: Product) -> str:
    """Return at which density the exact product would pay: on the line through two measured densities, a model and no measurement."""
    floor, exact, dense = product.floor_ms, product.exact_ms, product.dense_ms
    if floor is None or exact is None:
        return "its break-even was not measured"
    if floor >= dense:
        return f"even with 2 % kept it takes {ms_shown(floor)}: at this shape no density pays"
    slope = (exact - floor) / max(density - 0.02, 1e-9)
    if slope <= 0:
        return "its break-even lies above the densities measured"
    return f"by a line through two densities it would pay below about {share_shown(min(1.0, 0.02 + (dense - floor) / slope))} (model)"


CAUSE = Cause(title="The shape is below break-even here", judge=_judge, rank=SIZE, targets=(THIS_MACHINE,))
