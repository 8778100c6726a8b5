"""A thousand random layers through every kernel that trains, against gradients in float64.

    python tests/long/steps.py [--layers 1000] [--seed 1]

The gate walks the same law with fewer. Exit status: 0 when every gradient was right.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.kernels.test_steps import TRAINING, walk_steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for name in TRAINING:
        print(f"{name}: {walk_steps(name, arguments.layers, arguments.seed)} of {arguments.layers} layers", flush=True)


if __name__ == "__main__":
    main()
