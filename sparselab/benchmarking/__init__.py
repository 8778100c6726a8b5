"""Latency: what is timed, how, and where sessions are kept."""
