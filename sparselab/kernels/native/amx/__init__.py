"""Blocks in bfloat16 on the matrix unit AMX."""
