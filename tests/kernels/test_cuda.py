"""The kernels on a real CUDA device."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from sparselab.core.errors import SettingError, UnavailableError
from sparselab.core.layer import Layer
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.core.paths import cache_folder
from sparselab.kernels import KERNELS
from sparselab.kernels.base import TOLERANCES, Conv, Work, max_error, random_input
from sparselab.kernels.support.cuda_graphs import flush_l2, graphed
from sparselab.kernels.support.step_reference import step_reference
from sparselab.kernels.torch_ops.bsr_tuning import tune_bsr
from sparselab.kernels.triton_blocks.configs import Config
from sparselab.kernels.triton_blocks.input_layouts import arrangements
from sparselab.kernels.triton_blocks.launch import packed
from sparselab.transforms import NM
from tests.kernels.random_layers import random_work

DTYPES = ("float32", "tf32", "float16", "bfloat16")

gpu = pytest.mark.gpu


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSELAB_CACHE", str(tmp_path))


def config_for(rng: np.random.Generator, work: Work) -> Config:
    """Few configs, since each is compiled: what differs from layer to layer is the layer."""
    block_m, block_n = ((16, 64), (64, 64))[int(rng.integers(2))]
    return Config(block_m, block_n, 32, 4, 3, str(rng.choice(arrangements(work.conv))))


@gpu
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("dtype", DTYPES)
def test_200_random_layers_equal_the_dense_product(dtype: str) -> None:
    for seed in range(200):
        rng = np.random.default_rng(seed)
        work = random_work(rng, dtype, "cuda", most_rows=200, most=64)
        x = random_input(work, seed)
        y = packed(work, config_for(rng, work))(x)
        assert max_error(work, x, y) <= TOLERANCES[dtype], (seed, work.layout, work.conv, work.input_shape)


@gpu
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("dtype", DTYPES)
def test_100_training_steps_give_the_dense_gradients(dtype: str) -> None:
    for seed in range(100):
        work = random_work(np.random.default_rng(seed), dtype, "cuda", most_rows=200, most=64)
        step, x = KERNELS["triton-blocks"].step(work), random_input(work, seed)
        rows, cols = (torch.from_numpy(of.copy()) for of in step.places)
        values = work.tensor(work.masked_weight)[rows.cuda(), cols.cuda()]
        slope = torch.randn(work.output_shape, generator=torch.Generator().manual_seed(seed)).to(x)
        y, dx, dw = step_reference(work, x, slope)
        for mine, exact in (
            (step.product(x, values, work.bias_tensor), y),
            (step.input_gradient(slope, x, values), dx),
            (step.value_gradient(slope, x), dw[rows, cols]),
        ):
            scale = float(exact.abs().max()) if exact.numel() else 1.0
            error = float((mine.cpu().double() - exact).abs().max()) if exact.numel() else 0.0
            assert error <= TOLERANCES[dtype] * (scale or 1.0), (seed, work.layout, work.conv, work.input_shape)


@gpu
@pytest.mark.parametrize("name", sorted(KERNELS))
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_kernel_is_right_or_says_why_it_cannot(name: str, dtype: str) -> None:
    ran = []
    for work in (grouped(dtype), grouped(dtype, Conv((3, 3), 1, 1)), two_of_four(dtype)):
        obstacle = KERNELS[name].unsupported_reason(work)
        if obstacle:
            assert obstacle == obstacle.strip()
            continue
        x = random_input(work)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*non-optimal triton kernel parameters.*")
            assert max_error(work, x, KERNELS[name].prepare(work)(x)) <= TOLERANCES[dtype]
        ran.append(work)
    if name in ("dense", "conv2d", "triton-blocks") or (name == "semi-structured" and "16" in dtype):
        assert ran


@gpu
@pytest.mark.parametrize("dtype", DTYPES)
def test_inputs_at_any_address_and_in_either_order(dtype: str) -> None:
    """A launch that was compiled for aligned addresses is not used for others."""
    for work in (grouped(dtype), grouped(dtype, Conv((3, 3), 1, 1))):
        x, run = random_input(work), packed(work, Config(32, 64, 32))
        for _ in range(2):
            room = torch.empty(x.numel() + 1, dtype=x.dtype, device="cuda")
            odd = room[1:].view(x.shape).copy_(x)
            for given in (x, odd, x.t().contiguous().t() if work.conv is None else x):
                assert max_error(work, x, run(given)) <= TOLERANCES[dtype]


@gpu
def test_the_same_numbers_come_out_every_time() -> None:
    work = random_work(np.random.default_rng(5), "float16", "cuda", most_rows=200, most=64)
    run, x = packed(work, Config(32, 64, 32)), random_input(work)
    first = run(x)
    assert all(torch.equal(run(x), first) for _ in range(20))


@gpu
def test_tuning_keeps_what_it_found_and_a_second_prepare_does_not_time() -> None:
    work = grouped("float16")
    first = KERNELS["triton-blocks"].prepare(work)
    (kept,) = cache_folder("tuning").glob("*.json")
    written = kept.stat().st_mtime_ns
    second = KERNELS["triton-blocks"].prepare(work)
    assert second.config == first.config  # type: ignore[attr-defined]
    assert kept.stat().st_mtime_ns == written
    kept.write_text("damaged")
    x = random_input(work)
    assert max_error(work, x, KERNELS["triton-blocks"].prepare(work)(x)) <= TOLERANCES["float16"]
    assert kept.read_text() != "damaged"


@gpu
def test_offsets_beyond_32_bits() -> None:
    """An input of more than 2^31 numbers: 4.3 GB in float16."""
    positions, cols = 2**24 + 64, 132
    if torch.cuda.mem_get_info()[0] < 8 * positions * cols:
        pytest.skip("too little memory")
    layout = Layout.from_blocks(
        Mask(np.zeros((16, cols), bool)), [Block(np.arange(16), np.arange(100, 132))], reason=""
    )
    work = Work(layout, np.ones((16, cols), np.float32), (cols, positions), dtype="float16", device="cuda")
    x = torch.zeros(work.input_shape, dtype=torch.float16, device="cuda")
    x[-1, -1], x[100, 3], x[99] = 3.0, 2.0, 7.0
    y = packed(work, Config(16, 64, 32))(x)
    assert y[:, -1].eq(3.0).all()
    assert y[:, 3].eq(2.0).all()
    assert float(y.double().sum()) == 16 * 5.0


@gpu
def test_a_graph_gives_what_the_run_gives() -> None:
    for work in (grouped("float16"), grouped("float16", Conv((3, 3), 1, 1))):
        run = packed(work, Config(32, 64, 32))
        x, other = random_input(work, 1), random_input(work, 2)
        wanted = [run(x).clone(), run(other).clone()]
        replay = graphed(run, x)
        assert torch.equal(replay(x), wanted[0])
        assert torch.equal(replay(other), wanted[1])
        with pytest.raises(SettingError, match="as was recorded"):
            replay(other[..., :1])


@gpu
def test_flushing_writes_and_returns_nothing() -> None:
    assert flush_l2("cuda")() is None


@gpu
def test_torchs_tuner_finds_parameters_and_the_product_stays_right() -> None:
    rng = np.random.default_rng(0)
    cells = np.kron(rng.random((8, 8)) < 0.3, np.ones((32, 32)))
    weight = torch.from_numpy(cells * rng.standard_normal(cells.shape)).half().cuda()
    x = torch.randn(256, 256, device="cuda", dtype=torch.float16)
    exact = weight.double() @ x.double()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Sparse BSR.*")
        sparse = weight.to_sparse_bsr((32, 32))
    for _ in range(2):
        found = tune_bsr(sparse, x)
        assert found.tuned, found.description
        assert (sparse @ x - exact).abs().max() <= 1e-2 * exact.abs().max()


def test_what_only_cuda_has_says_so_elsewhere() -> None:
    with pytest.raises(UnavailableError, match="CUDA device"):
        graphed(lambda x: x, torch.zeros(2, 2))
    with pytest.raises(UnavailableError, match="CUDA device"):
        flush_l2("cpu")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Sparse BSR.*")
        sparse = torch.eye(32).to_sparse_bsr((16, 16))
    assert tune_bsr(sparse, torch.zeros(32, 4)).description == "untuned: only CUDA has parameters to tune"
    work = random_work(np.random.default_rng(3), "float32", "cpu")
    assert "needs a CUDA device" in KERNELS["triton-blocks"].unsupported_reason(work)


def grouped(dtype: str, conv: Conv | None = None) -> Work:
    """128 rows in groups of 32, each with a quarter of the columns."""
    rng = np.random.default_rng(0)
    shape = (288, 512) if conv is None else (4, 32, 16, 16)
    blocks = [Block(np.arange(g, 128, 4), rng.permutation(288)[:72]) for g in range(4)]
    layout = Layout.from_blocks(Mask(np.zeros((128, 288), bool)), blocks, reason="")
    weight = rng.standard_normal((128, 288), dtype=np.float32)
    return Work(layout, weight, shape, rng.standard_normal(128, dtype=np.float32), conv, dtype, "cuda")


def two_of_four(dtype: str) -> Work:
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((64, 128), dtype=np.float32)
    layer = Layer("layer", Mask(np.ones((64, 128), bool)), weight)
    layout = NM(permute="swap")(layer, rng=rng, device="cpu")
    return Work(layout, weight, (128, 60), rng.standard_normal(64, dtype=np.float32), None, dtype, "cuda")
