"""What visitors share of what was computed, and what they do not."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sparselab.app.inputs import source as source_module
from sparselab.app.inputs.source import Source
from sparselab.app.shell.memory import Memory
from sparselab.formats import ReadOptions


def test_who_asks_for_what_is_being_made_waits_for_it() -> None:
    memory, made, askers = Memory(4), [], 8
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
    memory = Memory(2)
    for key in "ab":
        memory.remembered(key, lambda key=key: key.upper())
    assert memory.get("a") == "A"
    memory.remembered("c", lambda: "C")
    assert [memory.get(key) for key in "abc"] == ["A", None, "C"]


def test_a_failure_is_not_kept() -> None:
    memory = Memory(2)

    def fail() -> object:
        raise ValueError("not now")

    with pytest.raises(ValueError, match="not now"):
        memory.remembered("key", fail)
    assert memory.remembered("key", lambda: 1) == 1


class _Visitor:
    def __init__(self) -> None:
        self.memory = Memory(2)


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
