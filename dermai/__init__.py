"""Continual learning for skin-lesion classification in teledermatology."""

__version__ = "0.1.0"
