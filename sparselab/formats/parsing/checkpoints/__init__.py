"""Checkpoints of PyTorch: their pickles, read without running them, and their tensors, read without PyTorch."""
