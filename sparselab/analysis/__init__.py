"""What is read off masks and layouts: similarity, metrics, invariants, pictures."""
