"""Regroup: rows of like columns together, dense blocks where a group keeps most."""
