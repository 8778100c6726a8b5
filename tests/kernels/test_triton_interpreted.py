"""Runs `interpreted.py` where Triton interprets: in processes of their own, because triton reads that when it is imported."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = 2
STEPS = 20
"""Every so many layers a training step, as in `interpreted.py`, which cannot be imported here."""
LAYERS = int(os.environ.get("SPARSELAB_TEST_LAYERS", "150"))
"""`make test-long` asks for a thousand."""

pytestmark = pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")


@pytest.mark.timeout(900)  # a thousand layers: a minute on two cores that have nothing else to do
def test_the_triton_kernel_is_right_in_the_interpreter() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/kernels/interpreted.py"]
    running = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ
            | {
                "TRITON_INTERPRET": "1",
                "SPARSELAB_TEST_PART": f"{part}/{PARTS}",
                "SPARSELAB_TEST_LAYERS": str(LAYERS),
                "OMP_NUM_THREADS": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for part in range(PARTS)
    ]
    outputs = [process.communicate()[0] for process in running]
    for process, output in zip(running, outputs, strict=True):
        assert process.returncode == 0, output[-6000:]
        layers = LAYERS // PARTS
        assert f"{layers + -(-layers // STEPS) + 8} passed" in output
