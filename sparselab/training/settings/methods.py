"""The methods by which masks are found, by when they are chosen."""

AT_START = ("random", "snip", "grasp", "synflow")
"""Masks chosen before the first step."""
AFTER_TRAINING = ("imp", "omp", "l1", "admm")
"""Masks chosen by the weights of a trained network, which is then rewound."""
STATIC_BLOCKS, MOVING_BLOCKS = "ssb", "dsb"
DYNAMIC = ("set", "rigl", "top-kast", MOVING_BLOCKS, STATIC_BLOCKS)
"""Networks that are sparse from the first step on, and whose masks (but for ssb's) move."""
METHODS = ("dense", *AFTER_TRAINING, *AT_START, *DYNAMIC)
AT_SPARSITY = tuple(method for method in METHODS if method not in ("dense", "imp"))
"""Methods that are told how sparse to be."""
MOVING = ("set", "rigl", MOVING_BLOCKS)
"""Methods that exchange weights every so many steps."""
