"""One training: from masks and weights of a first step to those of the last."""
