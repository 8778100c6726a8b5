import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sparselab.core.errors import SparselabError
from sparselab.runtime import messages

arrays = hnp.arrays(
    st.sampled_from([np.bool_, np.uint8, np.int32, np.int64, np.float32]), hnp.array_shapes(min_side=0, max_dims=3)
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    scalars | arrays,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def same(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    return a == b and type(a) is type(b)


@given(values)
def test_there_and_back(value: object) -> None:
    assert same(value, messages.load(messages.dump(value)))


def test_buffers_are_aligned_for_javascript() -> None:
    message = messages.dump({"a": np.arange(3, dtype=np.uint8), "b": np.arange(3, dtype=np.int32)})
    start = 8 + int.from_bytes(message[4:8], "little")
    assert start % 8 == 0
    assert len(message) == start + 8 + 16


@given(st.binary(max_size=64), st.integers(0, 200))
def test_damaged_messages_are_refused_or_read_but_never_crash(noise: bytes, at: int) -> None:
    message = messages.dump({"a": np.arange(6, dtype=np.int32), "b": [1, "x"]})
    for bad in (noise, message[:at], message[:at] + noise + message[at + len(noise) :]):
        with contextlib.suppress(SparselabError):
            messages.load(bad)


@pytest.mark.parametrize(
    "place",
    [
        '{"dtype":"object","shape":[1],"offset":0}',
        '{"dtype":"int64","shape":[9],"offset":0}',
        '{"dtype":"int8","shape":[-1],"offset":0}',
    ],
)
def test_arrays_that_lie(place: str) -> None:
    header = ('{"$array":' + place + "}").encode()
    with pytest.raises(SparselabError):
        messages.load(b"SLW1" + len(header).to_bytes(4, "little") + header + bytes(16))


def test_no_objects_and_no_nan() -> None:
    for value in (np.array([object()]), float("nan"), {1, 2}):
        with pytest.raises((TypeError, ValueError)):
            messages.dump(value)
