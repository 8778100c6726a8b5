"""The weights of a live torch module: where they lie, of what kind they are, what their values are."""
