"""What the tensors of a file are: layers, masks of which weight, or neither; and what was assumed to say so."""
