"""Choosing tile sizes, with a clock of our own; and the choices on disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sparselab.core.errors import UnavailableError
from sparselab.core.paths import cache_folder
from sparselab.kernels.support import tuning_cache
from sparselab.kernels.triton_blocks.configs import Config, coarse, fine, fits
from sparselab.kernels.triton_blocks.tile_tuning import chosen

KEY = {"device": "some card", "shape": (64, 576), "density": 0.26}
COARSE = [Config(16, 64, 32), Config(32, 64, 32), Config(64, 64, 32), Config(128, 64, 32)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPARSELAB_CACHE", str(tmp_path))
    return tmp_path


class Clock:
    def __init__(self, times: dict[Config, float], other: float = 9.0) -> None:
        self.times, self.other, self.asked = times, other, list[Config]()

    def __call__(self, config: Config) -> float:
        self.asked.append(config)
        return self.times.get(config, self.other)


def choose(clock: Clock, key: dict[str, object] = KEY) -> Config:
    return chosen(key, COARSE, lambda config: [Config(config.block_m, 64, 32, warps=8)], clock)


def test_the_quickest_is_found_among_variations_of_the_best() -> None:
    best = Config(64, 64, 32, warps=8)
    clock = Clock({COARSE[1]: 1.0, COARSE[2]: 2.0, COARSE[3]: 3.0, best: 0.5})
    assert choose(clock) == best
    assert not {Config(16, 64, 32, warps=8), Config(128, 64, 32, warps=8)} & set(clock.asked)
    assert len(clock.asked) == len(set(clock.asked)) == 6


def test_a_choice_is_kept_and_not_timed_again() -> None:
    found = choose(Clock({COARSE[2]: 1.0}))
    again = Clock({})
    assert choose(again) == found
    assert not again.asked
    other = Clock({COARSE[0]: 1.0})
    assert choose(other, KEY | {"device": "another card"}) == COARSE[0]
    assert other.asked


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"\x00\xff not json"),
        lambda path: path.write_text(path.read_text()[:40]),
        lambda path: path.write_text("[]"),
        lambda path: path.write_text(path.read_text().replace("some card", "some cart")),
        lambda path: path.write_text(path.read_text().replace('"block_m": 64', '"block_m": "64"')),
        lambda path: path.write_text(path.read_text().replace('"block_m"', '"block_q"')),
        lambda path: path.write_text(json.dumps({"key": None, "choice": [1]})),
    ],
)
def test_a_damaged_choice_is_made_again(damage: object) -> None:
    choose(Clock({COARSE[2]: 1.0}))
    (path,) = cache_folder("tuning").glob("*.json")
    damage(path)  # type: ignore[operator]
    clock = Clock({COARSE[1]: 1.0})
    assert choose(clock) == COARSE[1]
    assert clock.asked
    assert choose(Clock({})) == COARSE[1]


def test_a_folder_that_cannot_be_written_to_costs_only_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "file").write_text("in the way")
    monkeypatch.setenv("SPARSELAB_CACHE", str(folder / "file"))
    for _ in range(2):
        clock = Clock({COARSE[0]: 1.0})
        assert choose(clock) == COARSE[0]
        assert clock.asked


def test_nothing_is_left_beside_a_choice() -> None:
    tuning_cache.keep(KEY, {"a": 1})
    assert [path.suffix for path in cache_folder("tuning").iterdir()] == [".json"]
    assert tuning_cache.recall(KEY, {"a": int}) == {"a": 1}
    assert tuning_cache.recall(KEY, {"a": str}) is None
    assert tuning_cache.recall(KEY | {"x": 1}, {"a": int}) is None


def test_a_device_that_refuses_everything_is_told_of() -> None:
    with pytest.raises(UnavailableError, match="it refused them all"):
        choose(Clock({}, other=float("inf")))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "tf32", "float32"])
@pytest.mark.parametrize("height", [1, 7, 32, 33, 128, 500])
def test_candidates_suit_the_panels(dtype: str, height: int) -> None:
    heights = np.full(9, height)
    for positions, cols in ((1, 3), (4096, 2000)):
        found = coarse(heights, positions, cols, dtype, ("padded", "unrolled"))
        assert found
        assert len(set(found)) == len(found) <= 48
        for config in found:
            assert all(
                size >= 16 and size & (size - 1) == 0 for size in (config.block_m, config.block_n, config.block_k)
            )
            assert config.block_m <= max(16, 2 * height)
            assert all(fits(other, dtype) for other in (config, *fine(config, dtype)))


def test_a_layout_without_panels_has_candidates_too() -> None:
    assert coarse(np.zeros(0, np.int64), 100, 1, "float16", ("padded",))
