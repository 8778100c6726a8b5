"""What visitors share of what was computed, and what they do not."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.app.inputs import source as source_module
from sparselab.app.inputs.source import Source
from sparselab.app.shell.memory import Memory, bytes_of
from sparselab.formats import ReadOptions
from sparselab.runtime import messages
from sparselab.transforms import Regroup

ROOM = 2**20


def test_who_asks_for_what_is_being_made_waits_for_it() -> None:
    memory, made, askers = Memory(ROOM), [], 8
    together = threading.Barrier(askers)

    def make() -> object:
        made.append(1)
        return object()

    def ask(_number: int) -> object:
        together.wait()
        return memory.remembered("key", make)

    with ThreadPoolExecutor(askers) as pool:
        answers = set(pool.map(ask, range(askers)))
    assert len(answers) == len(made) == 1


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    size = bytes_of("A")
    memory = Memory(2 * size)
    for key in "ab":
        memory.remembered(key, lambda key=key: key.upper())
    assert memory.get("a") == "A"
    memory.remembered("c", lambda: "C")
    assert [memory.get(key) for key in "abc"] == ["A", None, "C"]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3000)), max_size=30), st.integers(0, 9000))
def test_what_is_kept_is_bounded_in_bytes_and_the_newest_stays(asked: list[tuple[int, int]], most: int) -> None:
    memory = Memory(most)
    for number, length in asked:
        key = f"{number}:{length}"
        made = memory.remembered(key, lambda length=length: {"view": np.zeros(length)[: length // 2]})
        assert memory.get(key) is made
        kept = [found for found in (memory.get(f"{n}:{size}") for n, size in set(asked)) if found is not None]
        assert memory.held_bytes == sum(map(bytes_of, kept)) >= sum(found["view"].base.nbytes for found in kept)
        assert memory.held_bytes <= most or len(kept) == 1
        memory.get(key)


def test_a_view_counts_with_all_that_it_keeps_alive() -> None:
    """Arrays out of a message are views of it, and hold the whole message."""
    message = messages.dump({"small": np.zeros(4), "large": np.zeros(100_000)})
    assert bytes_of(messages.load(message)["small"]) >= len(message)
    layout = Regroup(rows_per_group=8)(np.eye(64, dtype=bool), rng=np.random.default_rng(0))
    assert bytes_of(layout) >= layout.before.kept.nbytes + layout.after.kept.nbytes


def test_none_is_not_kept() -> None:
    memory = Memory(ROOM)
    assert memory.remembered("key", lambda: None) is None
    assert memory.remembered("key", lambda: 1) == 1


def test_a_failure_is_not_kept() -> None:
    memory = Memory(ROOM)

    def fail() -> object:
        raise ValueError("not now")

    with pytest.raises(ValueError, match="not now"):
        memory.remembered("key", fail)
    assert memory.remembered("key", lambda: 1) == 1


class _Visitor:
    def __init__(self) -> None:
        self.memory = Memory(ROOM)


def test_only_what_was_computed_of_samples_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = Source("planted.npz", "sample", ReadOptions(), {}, is_public=True)
    upload = Source("planted.npz", "upload", ReadOptions(), {})
    seen = []
    for visitor in (_Visitor(), _Visitor()):
        monkeypatch.setattr(source_module, "session", lambda visitor=visitor: visitor)
        assert upload.memory is visitor.memory
        seen.append(sample.memory)
    assert seen[0] is seen[1]
    assert seen[0] is not upload.memory
