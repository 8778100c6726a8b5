"""Blocks in C, compiled at first use."""
