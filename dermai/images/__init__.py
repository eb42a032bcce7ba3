"""Photographs as arrays: decoded once, transformed, cached."""
