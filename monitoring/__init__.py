"""Prediction log, drift statistics, and the Evidently reports and dashboard that show them."""
