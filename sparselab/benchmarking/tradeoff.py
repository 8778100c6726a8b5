"""What a structure keeps against what it takes: results of training, comparison and latency joined by the digests of their masks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sparselab.benchmarking.break_even.opponents import exact_row
from sparselab.benchmarking.network import ratio_of_sums
from sparselab.benchmarking.records import Row, Session
from sparselab.benchmarking.statistics import Ratio

EXACT = "exact product"
"""The structure of the mask before any transform, as a trade-off names it."""


Masks = tuple[str, ...]
"""A network's masks: the digests of its layers' masks, sorted, because files order layers in different ways."""


def masks_of(digests: Iterable[str]) -> Masks:
    """Return what stands for the masks of a network."""
    return tuple(sorted(digests))


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """The test metric of a network that was trained with certain masks, and the training it came from."""

    value: float
    metric: str
    source: str
    higher_is_better: bool = True


@dataclass(frozen=True, kw_only=True)
class TradeOff:
    """One structure at one density: what it keeps (`worth`, by `measure`), and how many times as fast as dense it is.

    structure: the transform's name, or `EXACT`. sources: the stored results that it was joined from.
    """

    structure: str
    settings: str
    density: float
    worth: float
    measure: str
    speedup: Ratio
    milliseconds: float
    flags: tuple[str, ...]
    sources: tuple[str, ...]
    higher_is_better: bool = True

    @property
    def gain(self) -> float:
        """What grows as the worth gets better: the worth, or its negative."""
        return self.worth if self.higher_is_better else -self.worth


def pareto(points: Iterable[TradeOff]) -> tuple[TradeOff, ...]:
    """Return the points to which no other is at least equal in both worth and speedup and better in one; the fastest first."""
    found: list[TradeOff] = []
    for point in sorted(points, key=lambda each: (-each.speedup.value, -each.gain)):
        if not found or point.gain > found[-1].gain:
            found.append(point)
    return tuple(found)


def measure_name(session: Session) -> str | None:
    """Return what a session's layout was judged by: energy where the layer has weights, else coverage; None: by neither."""
    return next((name for name in ("energy", "coverage") if name in session.about), None)


def product_shown(session: Session) -> str:
    """Return in words on what and how a session was measured: only sessions that agree in it are compared."""
    taken = " x ".join(map(str, session.input_shape))
    what = "training step, " if session.is_step else ""
    return f"{what}input {taken}, {session.dtype}, {session.threads} threads, {session.device.get('name', '')}"


def of_layer(sessions: Iterable[Session], mask_digest: str) -> Mapping[str, tuple[TradeOff, ...]]:
    """Return by product what is known of the layer whose mask has this digest; of equal structures the first counts: the newest."""
    found: dict[str, dict[tuple[str, str, float], TradeOff]] = {}
    for session in sessions:
        measure = measure_name(session)
        if session.about.get("mask_before") != mask_digest or measure is None:
            continue
        source = f"session {session.date[:16].replace('T', ' ')}"
        rows = [
            (session.about.get("transform", ""), session.density, float(session.about[measure]), _structured(session)),
            (EXACT, float(session.about["density_before"]), 1.0, exact_row(session)),
        ]
        for structure, density, worth, row in rows:
            shown = None if row is None else session.shown(row)
            if row is None or shown is None or row.median_ms is None or not structure:
                continue
            settings = "" if structure == EXACT else session.about.get("settings", "")
            point = TradeOff(
                structure=structure,
                settings=settings,
                density=density,
                worth=worth,
                measure=measure,
                speedup=shown,
                milliseconds=row.median_ms,
                flags=row.flags,
                sources=(source,),
            )
            key = (structure, settings, round(density, 4))
            found.setdefault(product_shown(session), {}).setdefault(key, point)
    return {product: tuple(points.values()) for product, points in found.items()}


def of_networks(sessions: Iterable[Session], accuracies: Mapping[Masks, Accuracy]) -> tuple[TradeOff, ...]:
    """Return the networks that were trained here and measured here, layer by layer, with the same masks.

    accuracies: by the digests of a network's masks. A network of which one layer was not measured has no point.
    """
    found: dict[tuple[str, ...], TradeOff] = {}
    for key, layers in _networks(sessions).items():
        for structure, name, rows in (
            (layers[0].about.get("transform", ""), "mask_after", [_structured(each) for each in layers]),
            (EXACT, "mask_before", [exact_row(each) for each in layers]),
        ):
            known = accuracies.get(masks_of(each.about[name] for each in layers))
            timed = [row for row in rows if row is not None and row.ratio is not None]
            if known is None or len(timed) != len(layers):
                continue
            settings = "" if structure == EXACT else layers[0].about.get("settings", "")
            identity = (structure, settings, known.source, *key[-3:])
            found.setdefault(identity, _network_point(layers, timed, structure, settings, known))
    return tuple(found.values())


def _network_point(
    layers: Sequence[Session], rows: Sequence[Row], structure: str, settings: str, known: Accuracy
) -> TradeOff:
    sizes = [each.shape[0] * each.shape[1] for each in layers]
    exact = structure == EXACT
    densities = [float(each.about["density_before"]) if exact else each.density for each in layers]
    dates = sorted(each.date[:10] for each in layers)
    return TradeOff(
        structure=structure,
        settings=settings,
        density=sum(size * density for size, density in zip(sizes, densities, strict=True)) / sum(sizes),
        worth=known.value,
        measure=known.metric,
        speedup=ratio_of_sums(layers, rows),
        milliseconds=sum(row.median_ms or 0.0 for row in rows),
        flags=tuple(dict.fromkeys(flag for row in rows for flag in row.flags)),
        sources=(known.source, f"{len(layers)} sessions of {dates[-1]}"),
        higher_is_better=known.higher_is_better,
    )


def _networks(sessions: Iterable[Session]) -> dict[tuple[str, ...], tuple[Session, ...]]:
    """Return the newest session of every layer, in order, of each network that was measured whole."""
    found: dict[tuple[str, ...], dict[int, Session]] = {}
    sizes: dict[tuple[str, ...], int] = {}
    for session in sessions:
        about = session.about
        place, _, count = about.get("place", "").partition("/")
        if not (place.isdecimal() and count.isdecimal() and {"mask_before", "mask_after"} <= about.keys()):
            continue
        names = ("network", "transform", "settings", "seed", "input")
        key = (*(about.get(name, "") for name in names), session.dtype, str(session.threads))
        found.setdefault(key, {}).setdefault(int(place), session)
        sizes[key] = int(count)
    whole = {key: layers for key, layers in found.items() if len(layers) == sizes[key] == max(layers)}
    return {key: tuple(layers[place] for place in sorted(layers)) for key, layers in whole.items() if min(layers) == 1}


def _structured(session: Session) -> Row | None:
    """Return the fastest kernel on the layout, whatever it multiplies by."""
    timed = [row for row in session.rows if row.role == "kernel" and row.condition == "hot" and row.ratio is not None]
    return min(timed, key=lambda row: row.median_ms or 0.0, default=None)
