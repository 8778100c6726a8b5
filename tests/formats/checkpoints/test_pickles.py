"""Pickles read by our own machine: the same plain values as Python's, and names in place of calls."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.formats.parsing.checkpoints.pickle_machine import DamagedPickle, Made
from sparselab.formats.parsing.checkpoints.pickle_opcodes import read_pickle
from sparselab.formats.parsing.checkpoints.pickled_tree import plain_tree, type_name

KEYS = st.text(max_size=4) | st.integers() | st.tuples(st.integers(), st.text(max_size=2)) | st.booleans() | st.none()
LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**200), 2**200) | st.floats(allow_nan=False) | st.text() | st.binary()
)
VALUES = st.recursive(
    LEAVES,
    lambda part: st.lists(part, max_size=4) | st.dictionaries(KEYS, part, max_size=4) | st.tuples(part, part),
    max_leaves=20,
)


@given(value=VALUES, protocol=st.integers(0, 5))
@settings(max_examples=60)
def test_plain_values_are_what_pythons_unpickler_makes(value: Any, protocol: int) -> None:
    # Before protocol 3 Python writes bytes as a call.
    data = pickle.dumps(value, protocol)
    assert plain(read_pickle(data)[0]) == pickle.loads(data)


def plain(value: Any) -> Any:
    if isinstance(value, Made):
        return value.args[0].encode(value.args[1]) if value.args else b""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return type(value)(map(plain, value)) if isinstance(value, list | tuple) else value


@given(value=VALUES, protocol=st.integers(0, 5), data=st.data())
@settings(max_examples=60)
def test_any_bytes_are_read_or_refused(value: Any, protocol: int, data: st.DataObject) -> None:
    content = bytearray(pickle.dumps(value, protocol))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        root, end, _ = read_pickle(bytes(content))
    except DamagedPickle:
        return
    assert end <= len(content)
    plain_tree(root)


@pytest.mark.parametrize("protocol", range(6))
def test_calls_are_names(protocol: int) -> None:
    value = {"path": PurePosixPath("a"), "map": OrderedDict(x=[1]), "list": [complex(1, 2)]}
    root, _, machine = read_pickle(pickle.dumps(value, protocol))
    assert any("PurePosixPath" in found.name for found in machine.globals)
    tree, modules = plain_tree(root)
    assert not modules
    assert tree["map"] == {"x": [1]}
    assert "PurePosixPath" in type_name(tree["path"]) or "_reconstructor" in type_name(tree["path"])


def test_one_pickle_after_another() -> None:
    data = pickle.dumps([1]) + pickle.dumps({"a": 2})
    first, end, _ = read_pickle(data)
    assert first == [1]
    assert read_pickle(data, end)[:2] == ({"a": 2}, len(data))


def test_too_many_steps_are_refused() -> None:
    with pytest.raises(DamagedPickle):
        read_pickle(b"N0" * 10 + b"N.", max_steps=10)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("text", [rb"'\y'", rb"'\777'", rb"'\x1'", b"'\\"])
def test_escapes_that_python_never_writes_are_damage(text: bytes) -> None:
    with pytest.raises(DamagedPickle):
        read_pickle(b"S" + text + b"\n.")


@pytest.mark.parametrize("value", [b"\\\\ ' \" \n\r\t\x00\xff", b"plain"])
def test_escapes_that_python_writes_are_read(value: bytes) -> None:
    assert read_pickle(b"S" + repr(value)[1:].encode() + b"\n.")[0] in (value, value.decode("latin-1"))
