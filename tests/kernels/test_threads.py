"""One prepared run in several threads, with other numbers of OpenMP threads than it was prepared with, and after a fork."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from sparselab.benchmarking.break_even import random_groups
from sparselab.kernels import KERNELS
from sparselab.kernels.base import Conv, Run, Work, error_against, reference

NAMES = pytest.mark.parametrize("name", ["gather-gemm", "native-blocks", "native-sparse"])
FORKED = """
import os, numpy as np, torch
from sparselab.kernels import KERNELS
from sparselab.kernels.base import random_input
from tests.kernels.test_threads import work_and_run
work, run = work_and_run("NAME", None)
x = random_input(work)
y = run(x)
child = os.fork()
if not child:
    torch.set_num_threads(1)
    os._exit(0 if torch.allclose(run(x), y, atol=1e-5) else 1)
assert os.waitpid(child, 0)[1] == 0
"""


def work_and_run(name: str, conv: Conv | None) -> tuple[Work, Run]:
    rng = np.random.default_rng(0)
    layout = random_groups(48, 144, 8, 0.4)
    shape = (144, 700) if conv is None else (3, 16, 15, 13)
    work = Work(layout, rng.standard_normal((48, 144), np.float32), shape, conv=conv)
    return work, KERNELS[name].prepare(work)


@NAMES
@pytest.mark.parametrize("conv", [None, Conv((3, 3), 2, 1)])
def test_several_threads_call_one_run(name: str, conv: Conv | None) -> None:
    work, run = work_and_run(name, conv)
    errors: list[float] = []

    def call(seed: int) -> None:
        shape = (144, 100 + 97 * seed) if conv is None else (1 + seed, 16, 9 + seed, 13)
        x = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
        exact = reference(work, x)
        errors.extend(error_against(exact, run(x)) for _ in range(15))

    threads = [threading.Thread(target=call, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 60
    assert max(errors) < 1e-4


@NAMES
def test_the_number_of_threads_may_change_afterwards(name: str) -> None:
    work, run = work_and_run(name, Conv((3, 3), 1, 1))
    x, before = torch.randn(2, 16, 7, 7), torch.get_num_threads()
    exact = reference(work, x)
    try:
        for threads in (1, 7, 2):
            torch.set_num_threads(threads)
            assert error_against(exact, run(x)) < 1e-4
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.parametrize("name", ["native-blocks", "native-sparse"])
def test_after_a_fork_with_one_thread(name: str) -> None:
    """GNU's OpenMP does not survive a fork with more, in torch's own products neither."""
    subprocess.run([sys.executable, "-c", FORKED.replace("NAME", name)], check=True, timeout=120)
