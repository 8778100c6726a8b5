"""The pictures of the Latency page."""
