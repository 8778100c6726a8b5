"""Sessions of whole training steps."""
