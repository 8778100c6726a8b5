"""Shuffled blocks (DSB): square dense blocks after reordering rows and columns."""
