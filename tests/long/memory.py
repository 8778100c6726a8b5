"""Measure the peaks of whole processes that transform the layers of large language models, and compare them with what is promised.

    python tests/long/memory.py

A few minutes, and 3 GiB. Exit status: 0 when every process stays within its bound.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.peak import peak_of

MIB = 2**20
BOUNDS = {
    (14336, 4096, "regroup"): 1024,
    (32000, 4096, "regroup"): 3072,
    (14336, 4096, "shuffled-blocks"): 3072,
    (14336, 4096, "n-m"): 1536,
    (14336, 4096, "prune"): 1536,
    (14336, 4096, "refill"): 1024,
}
"""MiB of the whole process, the layer and torch included."""


def main() -> int:
    failed = False
    for (rows, cols, transform), bound in BOUNDS.items():
        before, after = peak_of(rows, cols, transform)
        failed |= after > bound * MIB
        print(f"{transform} {rows} x {cols}: {after / MIB:.0f} MiB, of {bound}; loaded: {before / MIB:.0f}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
