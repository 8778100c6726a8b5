"""Refill: whole channels back, the others gone."""
