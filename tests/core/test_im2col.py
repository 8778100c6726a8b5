import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparselab.core.errors import SparselabError
from sparselab.core.im2col import COLUMN_ORDERS, ColumnOrder, as_matrix, column_permutation, im2col


@given(
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(1, 5),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 2),
    st.integers(0, 2),
)
def test_a_convolution_is_a_matrix_product(
    n: int, cin: int, out: int, kh: int, kw: int, stride: int, padding: int
) -> None:
    rng = torch.Generator().manual_seed(0)
    images = torch.randn(n, cin, 5, 6, generator=rng, dtype=torch.float64)
    weight = torch.randn(out, cin, kh, kw, generator=rng, dtype=torch.float64)
    expected = torch.nn.functional.conv2d(images, weight, stride=stride, padding=padding)
    matrix, kernel_shape = as_matrix(weight.numpy())
    assert kernel_shape == (kh, kw)
    product = torch.from_numpy(matrix) @ im2col(images, (kh, kw), stride=stride, padding=padding)
    assert torch.allclose(product.reshape(out, n, *expected.shape[2:]).transpose(0, 1), expected)


@pytest.mark.parametrize("order", COLUMN_ORDERS)
@given(cin=st.integers(1, 4), kh=st.integers(1, 3), kw=st.integers(1, 3))
def test_every_column_order_says_what_a_column_runs_over(order: ColumnOrder, cin: int, kh: int, kw: int) -> None:
    weight = np.arange(2 * cin * kh * kw).reshape(2, cin, kh, kw)
    axes = [1 + ("cin", "kh", "kw").index(axis) for axis in order.split("-")]
    stored = weight.transpose(0, *axes).reshape(2, -1)
    assert np.array_equal(stored[:, column_permutation(stored.shape[1], (kh, kw), order)], as_matrix(weight)[0])


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3))
def test_the_column_order_switch(cin: int, kh: int, kw: int) -> None:
    weight = np.arange(2 * cin * kh * kw).reshape(2, cin, kh, kw)
    other = weight.transpose(0, 2, 3, 1).reshape(2, -1)
    back = other[:, column_permutation(other.shape[1], (kh, kw), "kh-kw-cin")]
    assert np.array_equal(back, as_matrix(weight)[0])
    assert np.array_equal(column_permutation(9, (3, 3), "cin-kh-kw"), np.arange(9))


def test_what_does_not_fit() -> None:
    with pytest.raises(SparselabError, match="2 dimensions or more"):
        as_matrix(np.zeros(3))
    with pytest.raises(SparselabError, match="multiple of 9"):
        column_permutation(10, (3, 3), "kh-kw-cin")
    with pytest.raises(SparselabError, match="column order"):
        column_permutation(9, (3, 3), "kw-kh-cin")  # type: ignore[arg-type]
