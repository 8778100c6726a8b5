"""A film's file: what is written is read, what is damaged or asks for too much is said, and what stays is counted."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from dataclasses import fields
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sparselab.core.data_files import DSB_FILM
from sparselab.core.errors import FileError, SettingError
from sparselab.training.runs.film import Film, FilmedLayer, MeasuredAt, read_film, reading
from sparselab.training.runs.film.layout import MAGIC, FilmHeader, header_bytes, most_record_bytes, record_bytes
from sparselab.training.runs.film.reading import write_film
from sparselab.training.runs.film.recording import spacing
from sparselab.training.runs.film.stability import block_chance, block_stability, kept_stability


@st.composite
def films(draw: st.DrawFn) -> Film:
    """Films of one or two small layers."""
    frames = draw(st.integers(1, 4))
    grouped = draw(st.booleans())
    layers = []
    for name in draw(st.lists(st.text(max_size=4), min_size=1, max_size=2, unique=True)):
        rows, cols = draw(st.integers(1, 5)), draw(st.integers(1, 17))
        kept = draw(arrays.arrays(bool, (frames, rows, cols)))
        groups = draw(arrays.arrays(np.int32, (frames, rows), elements=st.integers(0, 3))) if grouped else None
        layers.append(FilmedLayer(name=name, shape=(rows, cols), packed=np.packbits(kept, axis=2), groups=groups))
    at = sorted(draw(st.lists(st.integers(0, 10**6), min_size=frames, max_size=frames)))
    return Film(
        title=draw(st.text(max_size=9)),
        unit=draw(st.sampled_from(["step", "level"])),
        at=tuple(at),
        updates=tuple(range(frames)),
        layers=tuple(layers),
        looks=tuple(
            MeasuredAt(place, value) for place, value in draw(st.lists(st.tuples(st.integers(0, 99), st.floats(-9, 9))))
        ),
        split=draw(st.sampled_from(["validation", "test"])),
        note=draw(st.sampled_from(["", "half of it"])),
    )


def assert_same(one: Film, other: Film) -> None:
    plain = [each.name for each in fields(Film) if each.name != "layers"]
    assert [getattr(one, name) for name in plain] == [getattr(other, name) for name in plain]
    for left, right in zip(one.layers, other.layers, strict=True):
        assert (left.name, left.shape) == (right.name, right.shape)
        np.testing.assert_equal(left.packed, right.packed)
        np.testing.assert_equal(left.groups, right.groups)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(film=films(), data=st.data())
def test_what_is_written_is_read_and_what_is_cut_or_changed_is_fewer_frames_or_refused(
    film: Film, data: st.DataObject, tmp_path: Path
) -> None:
    path = tmp_path / "a.film"
    write_film(film, path)
    assert_same(read_film(path), film)
    name = film.layers[-1].name
    assert_same(read_film(path, layer=name), film.only(name))
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    for damaged in (
        whole[:place],
        whole[:place] + bytes([whole[place] ^ data.draw(st.integers(1, 255))]) + whole[place + 1 :],
    ):
        path.write_bytes(damaged)
        try:
            found = read_film(path)
        except FileError:
            continue
        assert len(found) <= len(film)
        kept = min(len(layer.packed) for layer in found.layers)
        assert kept == len(found)
        if place >= len(header_bytes(FilmHeader(layers=()))) and [x.shape for x in found.layers] == [
            x.shape for x in film.layers
        ]:
            for left, right in zip(found.layers, film.layers, strict=True):
                np.testing.assert_equal(left.packed, right.packed[:kept])


def record(size: int, *, at: int = 0, body: bytes | None = None) -> bytes:
    """A record whose body has a right checksum and expands to `size` zeros."""
    body = zlib.compress(bytes(size)) if body is None else body
    checked = struct.pack("<QQ", at, at)
    return struct.pack("<II", len(body), zlib.crc32(body, zlib.crc32(checked))) + checked + body


def header(*layers: tuple[object, ...], groups: object = False) -> bytes:
    return header_bytes(FilmHeader(layers=layers, groups=groups))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        MAGIC,
        MAGIC + struct.pack("<I", 2**32 - 1) + b"{}",
        MAGIC + struct.pack("<I", 2) + b"{}",
        MAGIC + struct.pack("<I", 9000) + b"[" * 9000,
        header(),
        header(("a", 0, 4)),
        header(("a", 2.0, 4)),
        header(("a", True, 4)),
        header(("a", 2**40, 4)),
        header(("a", 2, 4), ("a", 2, 4)),
        header((7, 2, 4)),
        header(("a" * 9999, 2, 4)),
        header(("a", 2, 4), groups=3),
        header(("a", 2**31 - 1, 2**31 - 1)) + record(8),
        header(("a", 2**20, 2**12)) + record(8),
    ],
    ids=lambda content: f"{len(content)} bytes",
)
def test_a_strangers_file_is_refused_in_one_sentence_before_anything_is_allocated(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "a.film"
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"^expected"):
        read_film(path)


def test_bodies_that_expand_to_more_or_less_than_the_header_says_end_the_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.film"
    good = record(8)
    for bad in (record(7, at=1), record(10**8, at=1), record(0, at=1, body=b"no zlib")):
        path.write_bytes(header(("a", 8, 8)) + good + bad)
        found = read_film(path)
        assert len(found) == 1
        assert "damaged" in found.note
    path.write_bytes(header(("a", 8, 8)) + record(8, at=2) + record(8, at=1))
    assert len(read_film(path)) == 1, "time runs forward"
    with pytest.raises(SettingError, match="'b'"):
        read_film(path, layer="b")
    monkeypatch.setattr(reading, "MOST_BYTES", 2 * len(header(("a", 8, 8))))
    path.write_bytes(header(("a", 64, 64)) + record(512))
    with pytest.raises(FileError, match="at most"):
        read_film(path)


@given(st.integers(1, 9), st.integers(0, 500), st.integers(1, 5000), st.integers(1, 10**5))
def test_the_spacing_is_the_smallest_multiple_that_stays_below_the_limit(
    asked: int, moves: int, frame_bytes: int, most_bytes: int
) -> None:
    def size(every: int) -> int:
        return (moves // every + 2) * most_record_bytes(frame_bytes)

    every = spacing(asked, moves, frame_bytes, most_bytes)
    if not every:
        assert 2 * most_record_bytes(frame_bytes) > most_bytes
        return
    assert every % asked == 0
    assert size(every) <= most_bytes
    assert every == asked or size(every - asked) > most_bytes


@given(st.binary(max_size=3000))
def test_no_frame_takes_more_than_the_limit_counts_for_it(body: bytes) -> None:
    noise = np.frombuffer(body, np.uint8)
    assert len(record_bytes(1, 1, [noise], None)) <= most_record_bytes(noise.size)


labels = arrays.arrays(np.int32, st.integers(1, 6), elements=st.integers(0, 2))


@given(labels, st.randoms(use_true_random=False))
def test_stability_of_blocks_knows_no_names_and_chance_is_its_mean_over_all_orders(
    groups: np.ndarray, rng: object
) -> None:
    renamed = np.where(groups > 0, 3 - groups, 0)
    pairs = sum(n * (n - 1) // 2 for n in np.bincount(groups)[1:])
    found = block_stability(np.stack([groups, renamed]))
    assert np.isnan(found[0]) if not pairs else found[0] == 1
    if pairs:
        orders = [groups[list(order)] for order in permutations(range(len(groups)))]
        mean = np.mean([block_stability(np.stack([groups, each]))[0] for each in orders])
        assert mean == pytest.approx(block_chance(np.stack([groups, groups]))[0])


@given(arrays.arrays(bool, (3, 4, 9)))
def test_stability_of_weights_is_that_of_sets(kept: np.ndarray) -> None:
    found = kept_stability(np.packbits(kept, axis=2))
    for share, before, after in zip(found, kept, kept[1:], strict=False):
        if before.any():
            assert share == (before & after).sum() / before.sum()
        else:
            assert np.isnan(share)


def test_the_film_that_comes_with_the_project_is_small_and_its_blocks_settle() -> None:
    """What lesson and docs say: measured here again, from the file."""
    assert DSB_FILM.stat().st_size <= 500_000
    film = read_film(DSB_FILM)
    (layer,) = film.layers
    assert layer.groups is not None
    assert film.looks
    moved = np.flatnonzero(np.diff(film.updates))
    early, _, late = np.array_split(block_stability(layer.groups)[moved], 3)
    chance = block_chance(layer.groups)
    assert chance.max() < early.mean() < late.mean()
    for place in range(len(film)):
        kept = layer.mask(place).kept
        for group in range(1, layer.groups[place].max() + 1):
            members = kept[layer.groups[place] == group]
            assert (members == members[0]).all(), "rows of one group keep the same columns: that is what makes blocks"
        assert not kept[layer.groups[place] == 0].any()


def test_reading_a_film_loads_no_torch() -> None:
    code = (
        "import sys; from sparselab.training.runs.film import read_film; from sparselab.core.data_files import DSB_FILM\n"
        "read_film(DSB_FILM); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
