"""Procedural stand-ins for Derm.AI, EDRA and Dermofit. Simulated: never evidence about patients."""
