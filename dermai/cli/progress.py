"""A progress bar for a command, on standard error so that what it prints stays clean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that shows how many of how many are done, and disappears when the work is over."""
    from tqdm import tqdm

    with tqdm(unit=unit, leave=False, disable=None) as bar:  # only at a terminal

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show
