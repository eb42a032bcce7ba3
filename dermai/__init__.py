"""Continual learning for skin-lesion classification in teledermatology."""

__version__ = "0.2.0"
