"""Networks and trade-offs: the sums keep inside their layers, and points are joined by what was measured, never by a name."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sparselab.benchmarking.network import ratio_of_sums, verdict_on
from sparselab.benchmarking.records import Row, Session
from sparselab.benchmarking.statistics import Ratio
from sparselab.benchmarking.tradeoff import EXACT, Accuracy, TradeOff, masks_of, of_layer, of_networks, pareto

SPEEDS = st.floats(0.1, 20.0)
SHARES = st.floats(0.0, 1.0)


def row(kernel: str, speed: float, role: str = "kernel", dense_ms: float = 4.0) -> Row:
    interval = (0.9 * speed, 1.1 * speed)
    return Row(kernel, role, median_ms=dense_ms / speed, speedup_vs_dense=speed, interval=interval, rounds=20)


def layer(place: int, count: int, blocks: float, exact: float | None, **about: str) -> Session:
    rows = [row("dense", 1.0, "baseline"), row("native-blocks", blocks)]
    rows += [] if exact is None else [row("native-sparse", exact, "exact")]
    told = {"layer": f"l{place}", "place": f"{place}/{count}", "network": "n", "transform": "regroup", "energy": "0.75"}
    told |= {"mask_before": f"b{place}", "mask_after": f"a{place}", "density_before": "0.2"}
    return Session(
        rows=tuple(rows),
        shape=(8, 8),
        input_shape=(8, 4),
        positions=4,
        dtype="float32",
        threads=1,
        density=0.25,
        date=f"2026-11-25T10:00:{place:02d}+00:00",
        about=told | about,
    )


@given(st.lists(st.tuples(SPEEDS, st.none() | SPEEDS), min_size=1, max_size=6), st.integers(1, 3))
def test_there_is_no_verdict_on_a_network_before_every_layer_is_measured(
    speeds: list[tuple[float, float | None]], lacking: int
) -> None:
    count = len(speeds)
    sessions = [layer(place, count, *pair) for place, pair in enumerate(speeds, start=1)]
    assert verdict_on(sessions, count + lacking) is None
    found = verdict_on(sessions, count)
    assert found is not None
    assert found.speedup.low <= found.speedup.value <= found.speedup.high
    assert found.speedup.value >= 1 - 1e-9  # what was not shown to be faster stays dense
    assert (found.structure is None) == any(exact is None for _, exact in speeds)


@given(st.lists(SPEEDS, min_size=1, max_size=6))
def test_a_sum_lies_between_its_layers(speeds: list[float]) -> None:
    sessions = [layer(1, 1, speed, None) for speed in speeds]
    ratio = ratio_of_sums(sessions, [session.rows[1] for session in sessions])
    assert min(speeds) * (1 - 1e-9) <= ratio.value <= max(speeds) * (1 + 1e-9)


def point(speed: float, worth: float, **more: bool) -> TradeOff:
    return TradeOff(
        structure="regroup",
        settings="",
        density=0.2,
        worth=worth,
        measure="energy",
        speedup=Ratio(speed, speed, speed),
        milliseconds=1.0,
        flags=(),
        sources=("session",),
        **more,
    )


@given(st.lists(st.builds(point, SPEEDS, SHARES, higher_is_better=st.just(True)), max_size=12))
def test_the_line_holds_what_nothing_beats(points: list[TradeOff]) -> None:
    def beats(a: TradeOff, b: TradeOff) -> bool:
        mine, other = (a.speedup.value, a.gain), (b.speedup.value, b.gain)
        return mine != other and mine[0] >= other[0] and mine[1] >= other[1]

    line = pareto(points)
    assert not any(beats(a, b) for a in points for b in line)
    assert all(any(beats(a, b) or (a.speedup, a.gain) == (b.speedup, b.gain) for a in line) for b in points)


def test_a_layer_has_the_points_of_its_own_mask_and_of_one_product() -> None:
    mine = [layer(1, 2, 5.0, 4.0), layer(1, 2, 9.0, 8.0, settings="older")]
    strangers = [layer(2, 2, 7.0, 6.0), replace(mine[0], threads=2), replace(mine[0], about={"layer": "l1"})]
    found = of_layer([*mine, *strangers], "b1")
    assert len(found) == 2
    points = found[next(iter(found))]
    assert [(p.structure, p.worth, p.speedup.value) for p in points] == [
        ("regroup", 0.75, 5.0),
        (EXACT, 1.0, 4.0),
        ("regroup", 0.75, 9.0),
    ]
    assert all(p.sources for p in points)


def test_a_network_is_joined_by_all_its_masks_in_any_order() -> None:
    sessions = [layer(1, 2, 5.0, 4.0), layer(2, 2, 3.0, 2.0)]
    after = Accuracy(value=0.9, metric="accuracy", source="run r, level-01-regroup")
    before = Accuracy(value=0.95, metric="accuracy", source="run r, level-01")
    known = {masks_of(["a2", "a1"]): after, masks_of(["b1", "b2"]): before}
    found = {p.structure: p for p in of_networks(sessions, known)}
    assert (found["regroup"].worth, found[EXACT].worth) == (0.9, 0.95)
    assert found["regroup"].sources[0] == "run r, level-01-regroup"
    assert of_networks(sessions[:1], known) == ()
    assert of_networks(sessions, {masks_of(["a1", "a3"]): after}) == ()
    assert of_networks([sessions[0], replace(sessions[1], dtype="float64")], known) == ()


@given(SPEEDS, st.floats(0.5, 2.0))
def test_a_point_lies_at_the_quotient_of_the_times_of_its_session(speed: float, off: float) -> None:
    session = layer(1, 1, speed, None)
    dense, ours = session.rows
    session = replace(session, rows=(dense, replace(ours, median_ms=off * ours.median_ms)))
    ((point,),) = of_layer([session], "b1").values()
    assert point.speedup.value == dense.median_ms / point.milliseconds
    assert point.speedup.low <= point.speedup.value <= point.speedup.high


def test_a_network_is_held_against_the_best_opponent_on_all_its_layers() -> None:
    told = {"half": {"in_words": "dense in half", "arithmetic": "bfloat16"}}
    half = [
        row("half", 8.0, "opponent"),
        replace(row("half", 1.0, "opponent"), median_ms=None, obstacle="no convolution"),
    ]
    layers = [
        replace(each, rows=(*each.rows, other), protocol={"opponents": told})
        for each, other in zip([layer(1, 2, 4.0, 2.0), layer(2, 2, 4.0, 2.0)], half, strict=True)
    ]
    found = verdict_on(layers, 2)
    assert found is not None
    assert found.structure is not None
    assert [(each.opponent, each.arithmetic) for each in found.structure.comparisons] == [
        ("the dense product", ""),
        ("the exact product", ""),
        ("dense in half", "bfloat16"),
    ]
    # 8 ms dense; structure 2 ms, exact 4 ms, half .5 ms on the layer it runs and dense on the other.
    assert [round(each.ratio.value, 6) for each in found.structure.comparisons] == [4.0, 2.0, 2.25]
    assert found.structure.best.opponent == "the exact product"
