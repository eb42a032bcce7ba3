"""What is wrong with a file that should be a photograph."""

from __future__ import annotations


class UnusablePhotograph(Exception):
    """A file that cannot become a photograph of the dataset: why, and how to fix it."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix
