"""The answer of an audit in a sentence: whether a claim holds, or the best guess where there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sparselab.auditing.findings import Finding
from sparselab.auditing.layer_results import LayerAudit


def verdict(claim: str, layers: Sequence[LayerAudit]) -> str:
    """Return whether a claim holds, in how many layers, and where it breaks first."""
    judged = [layer for layer in layers if layer.claimed is not None]
    broken = [layer for layer in judged if not layer.holds]
    if not judged:
        return f"{claim}: does not hold; no layer has what the claim speaks of"
    if not broken:
        return f"{claim}: holds in {_all_of(len(judged))}" + _by_chance(judged)
    text = f"{claim}: does not hold in {len(broken)} of {_counted(len(judged))}"
    if dense := sum(layer.density == 1 for layer in broken):
        text += f"; nothing is pruned in {dense}"
    first = next((layer for layer in broken if layer.density < 1), broken[0])
    at = None if first.claimed is None else first.claimed.first_break
    if at is not None:
        where = f" at {list(at.index)}" if at.index else ""
        text += f"; first in {first.name}{where}: {at.found}"
    return text + _other_axis(broken)


def guess(layers: Sequence[LayerAudit]) -> str:
    """Return the pattern that is the best in most layers, and in how many it holds beyond chance."""
    best = Counter((layer.best.pattern, layer.best.axis) for layer in layers if layer.best is not None)
    if not best:
        return _without_pattern(layers)
    (pattern, axis), _ = best.most_common(1)[0]
    having = [found for layer in layers if (found := _those(layer, pattern, axis))]
    # Exactly where it is so in all of them; at most where it is so in some.
    strict = all(any(finding.strict for finding in found) for found in having)
    shown = next(finding for finding in having[0] if finding.strict == strict)
    text = f"{shown.words} in {len(having)} of {_counted(len(layers))}"
    if dense := sum(layer.density == 1 for layer in layers):
        text += f"; nothing is pruned in {dense}"
    if others := sum(layer.best is not None and not _those(layer, pattern, axis) for layer in layers):
        text += f"; another pattern in {others}"
    if left := len(layers) - len(having) - dense - others:
        near = sum(layer.nearest is not None for layer in layers)
        text += f"; no pattern in {left}" + (f" (nearly one in {near})" if near else "")
    return text


def _without_pattern(layers: Sequence[LayerAudit]) -> str:
    if all(layer.density in (0, 1) for layer in layers):
        return f"nothing is pruned in {_all_of(len(layers))}" if any(x.density for x in layers) else "all is zero"
    near = Counter(layer.words for layer in layers if layer.nearest is not None)
    text = f"no pattern beyond chance in {_all_of(len(layers))}"
    if near:
        words, count = near.most_common(1)[0]
        text += f"; {words} in {count}"
    return text


def _those(layer: LayerAudit, pattern: str, axis: str | None) -> list[Finding]:
    return [x for x in layer.findings if (x.pattern, x.axis) == (pattern, axis) and x.beyond_chance]


def _by_chance(judged: Sequence[LayerAudit]) -> str:
    """Return in how many layers a claim says nothing, because as few or as many weights anywhere would fulfil it too."""
    count = sum(
        layer.claimed is not None and layer.claimed.share_by_chance is not None and not layer.claimed.beyond_chance
        for layer in judged
    )
    which = "" if count == len(judged) else f" in {count} of them"
    return f"; it would by chance too{which}" if count else ""


def _other_axis(broken: Sequence[LayerAudit]) -> str:
    """Return what is said where the claimed pattern holds along the other axis."""
    count, words = 0, ""
    for layer in broken:
        claimed = layer.claimed
        if claimed is None or claimed.axis is None:
            continue
        other = "out" if claimed.axis == "in" else "in"
        same = (x for x in _those(layer, claimed.pattern, other) if x.strict == claimed.strict)
        if (found := next(same, None)) is not None:
            count, words = count + 1, found.words
    return f"; in {count} of them it is {words}" if count else ""


def _counted(count: int) -> str:
    return f"{count} layer{'s' * (count != 1)}"


def _all_of(count: int) -> str:
    return "its one layer" if count == 1 else f"all {count} layers"
