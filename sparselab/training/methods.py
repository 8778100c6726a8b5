"""The methods of training by their names, and what they have in common."""

from __future__ import annotations

AT_START = ("random", "snip", "grasp", "synflow")
"""Masks chosen before the first step."""
AFTER_TRAINING = ("imp", "omp", "l1", "admm")
"""Masks chosen by the weights of a trained network, which is then rewound."""
STATIC_BLOCKS, MOVING_BLOCKS = "ssb", "dsb"
DYNAMIC = ("set", "rigl", "top-kast", MOVING_BLOCKS, STATIC_BLOCKS)
"""Networks that are sparse from the first step on, and whose masks (but for ssb's) move."""
METHODS = ("dense", *AFTER_TRAINING, *AT_START, *DYNAMIC)
REWOUND = ("dense", *AFTER_TRAINING)
BLOCKS = (MOVING_BLOCKS, STATIC_BLOCKS)
AT_SPARSITY = tuple(method for method in METHODS if method not in ("dense", "imp"))
MOVING = ("set", "rigl", MOVING_BLOCKS)
FILMED = (*MOVING, "top-kast")
"""Methods whose masks move while a network trains: what a film shows of them are updates, of all others levels."""
