"""What people give: arrays and tensors, what stands for a layer, where random numbers come from."""
