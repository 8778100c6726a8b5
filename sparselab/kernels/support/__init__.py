"""What kernels share: input checks, panels, autotuning and its cache."""
