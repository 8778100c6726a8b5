"""Sweeps as data: a plan is a product of settings over layers, a task has a digest, and its result is a file of that name."""
