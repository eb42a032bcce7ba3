"""Checks a dataset must pass before any training."""
