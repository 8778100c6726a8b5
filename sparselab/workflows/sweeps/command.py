"""The commands that run as a sweep what was chosen by clicking."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from sparselab.core.settings import settings_of
from sparselab.transforms import TRANSFORMS

_SEED = "0"
_Product = Mapping[str, tuple[Any, ...]]


def command_of(
    file: str,
    layers: Sequence[str],
    chosen: Mapping[str, Mapping[str, Sequence[Any]]],
    seeds: str,
    *,
    chance: bool = False,
    out: str = "sweep",
) -> str:
    """Return the command that runs a plan, quoted for a shell. layers: names or patterns; none for all.

    Example: >>> command_of("a b.npz", ["fc"], {"regroup": {"rows_per_group": [16, 32]}}, "0")
             "sparselab sweep 'a b.npz' --transforms regroup --layer fc --rows-per-group 16,32 --out sweep"
    """
    words = ["sparselab", "sweep", file.strip() or "FILE", "--transforms", ",".join(chosen)]
    for layer in layers:
        words += ["--layer", layer]
    told: dict[str, str] = {}
    for name, values in chosen.items():
        flags = {each.name: each.flag for each in settings_of(TRANSFORMS[name])}
        told |= {flags[key]: ",".join(map(_text, listed)) for key, listed in values.items()}
    for flag, text in told.items():
        words += [flag, text]
    if seeds.strip() not in ("", _SEED):
        words += ["--seeds", seeds.replace(" ", "")]
    return shlex.join([*words, *(["--chance"] if chance else []), "--out", out])


def commands_of(
    file: str, layers: Sequence[str], runs: Sequence[tuple[str, Mapping[str, Any]]], seed: int
) -> list[str]:
    """Return the commands, as few as are found, that run transforms with these settings and nothing else.

    runs: the name of a transform and its settings, each. Bounds on seconds are left out, which a sweep does not take.
    Example: >>> commands_of("a.npz", [], [("regroup", {"rows_per_group": 16}), ("regroup", {"rows_per_group": 32})], 0)
             ['sparselab sweep a.npz --transforms regroup --rows-per-group 16,32 --out sweep']
    """
    plans: list[tuple[_Product, list[str]]] = []
    for name in dict.fromkeys(name for name, _ in runs):
        defaults = {each.name: (each.default,) for each in settings_of(TRANSFORMS[name])}
        for product in products_of(name, [settings for other, settings in runs if other == name]):
            told = {key: values for key, values in product.items() if values != defaults[key]}
            alike = next((names for other, names in plans if other == told and name not in names), None)
            if alike is None:
                plans.append((told, [name]))
            else:
                alike.append(name)
    outs = ["sweep"] if len(plans) == 1 else [f"sweep-{number}" for number in range(1, len(plans) + 1)]
    return [
        command_of(file, layers, dict.fromkeys(names, told), str(seed), out=out)
        for (told, names), out in zip(plans, outs, strict=True)
    ]


def products_of(transform: str, settings: Sequence[Mapping[str, Any]]) -> list[_Product]:
    """Return lists of values whose products are, together, these settings of a transform, once each, bounds on seconds left out."""
    declared = [each for each in settings_of(TRANSFORMS[transform]) if not each.stops_by_clock]
    whole = [{each.name: told.get(each.name, each.default) for each in declared} for told in settings]
    products: list[_Product] = [
        {name: (value,) for name, value in told.items()}
        for place, told in enumerate(whole)
        if told not in whole[:place]
    ]
    while (pair := next(filter(_differ_once, combinations(products, 2)), None)) is not None:
        one, other = pair
        merged = {key: values if values == other[key] else (*values, *other[key]) for key, values in one.items()}
        products = [merged if each is one else each for each in products if each is not other]
    return products


def _differ_once(pair: tuple[_Product, _Product]) -> bool:
    one, other = pair
    return sum(values != other[key] for key, values in one.items()) == 1


def _text(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
