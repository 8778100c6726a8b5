"""N:M patterns and the channel permutations before them."""
