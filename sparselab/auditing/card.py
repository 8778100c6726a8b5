"""An audit as Markdown, to paste into a model card, an issue or a review."""

from __future__ import annotations

from collections.abc import Sequence

from sparselab.auditing.layer_results import LayerAudit
from sparselab.auditing.places import place_of
from sparselab.auditing.results import Audit
from sparselab.core.version import __version__

_MOST_ROWS = 60


def markdown_card(audit: Audit, title: str) -> str:
    """Return a card of an audit: the answer, and a row for all layers that are the same part of their block and read alike."""
    groups: dict[tuple[str, str, str], list[LayerAudit]] = {}
    for layer in audit.layers:
        block, part = place_of(layer.name)
        name = part if part != "weight" else block
        groups.setdefault((name, layer.words, "" if layer.holds is None else _yes(layer.holds)), []).append(layer)
    claimed = audit.claim is not None
    head = ["layers", "number", "shape", "density", "pattern", "by chance", *(["claim holds"] if claimed else [])]
    rows = [_row(name, words, [said] if claimed else [], layers) for (name, words, said), layers in groups.items()]
    left = len(rows) - _MOST_ROWS
    return "\n".join([
        f"### Sparsity audit of {_code(title)}",
        "",
        f"**{_plain(audit.sentence)}**",
        "",
        _line(head),
        _line(["---"] * len(head)),
        *(_line(row) for row in rows[:_MOST_ROWS]),
        *([_line([f"and {left} more", *[""] * (len(head) - 1)])] if left > 0 else []),
        "",
        _about(audit),
        "",
    ])  # fmt: skip


def _row(name: str, words: str, said: Sequence[str], layers: Sequence[LayerAudit]) -> list[str]:
    shapes = list(dict.fromkeys(" x ".join(map(str, layer.shape)) for layer in layers))
    best = layers[0].best or layers[0].nearest
    chance = "" if best is None or best.share_by_chance is None else share_words(best.share_by_chance)
    shape = shapes[0] + (f" and {len(shapes) - 1} other" if len(shapes) > 1 else "")
    return [_code(name), str(len(layers)), shape, _range([layer.density for layer in layers]), words, chance, *said]


def _about(audit: Audit) -> str:
    zeros = sum(layer.negative_zeros for layer in audit.layers)
    denormals = sum(layer.denormals for layer in audit.layers)
    met = f" {zeros:,} zeros are -0; {denormals:,} weights are denormal." if zeros or denormals else ""
    return (
        "“By chance”: the share of units (windows, blocks, rows ...) that would fulfil the pattern if as many weights were kept "
        f"anywhere.{met} {_left(len(audit.skipped))} left alone. Made by `sparselab audit`, version {__version__}."
    )


def share_words(share: float) -> str:
    """Return a share in percent, with as many digits as tell it from 0.

    Example: >>> share_words(0.375), share_words(0.00004), share_words(1e-80)
             ('37.5 %', '0.004 %', 'below 0.001 %')
    """
    if 0 < share < 1e-5:
        return "below 0.001 %"
    return f"{100 * share:.1f} %" if share >= 0.001 or share == 0 else f"{100 * share:.1g} %"


def _range(densities: Sequence[float]) -> str:
    low, high = (f"{100 * pick(densities):.1f}" for pick in (min, max))
    return f"{low} %" if low == high else f"{low} to {high} %"


def _left(count: int) -> str:
    return f"{count} tensor{'s' * (count != 1)} {'was' if count == 1 else 'were'}"


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    return "`" + "".join("'" if c in "`|" else c for c in text if c.isprintable()) + "`"


def _plain(text: str) -> str:
    return "".join(f"\\{c}" if c in "\\`*_|<>[]#" else c for c in text if c.isprintable())
