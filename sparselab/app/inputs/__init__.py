"""What a visitor chooses: a file, a layer, settings."""
