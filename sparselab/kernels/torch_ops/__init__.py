"""Kernels made of torch's own operations."""
