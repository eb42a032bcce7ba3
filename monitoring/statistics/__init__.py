"""The monitoring's statistics: pure functions on arrays and tables."""
