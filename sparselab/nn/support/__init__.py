"""What block layers are made of: their kernels, training step, state and operations for torch.compile."""
