"""Prediction log, drift statistics, and the Evidently reports that show them."""
