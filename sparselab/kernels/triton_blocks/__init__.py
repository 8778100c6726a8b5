"""Shuffled blocks on CUDA, in Triton."""
