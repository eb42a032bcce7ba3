"""Photographs in the data folder: added one by one, complete before the case table names them."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

from dermai.data.cases import photograph_path
from dermai.files import PUBLIC_MODE
from dermai.ingest.sanitising import Photograph

In = TypeVar("In")
Out = TypeVar("Out")
STORED = re.compile(r"[0-9a-f]{64}\.jpg|\..*\.tmp")


def store_photograph(data: Path, photograph: Photograph) -> None:
    """Write a photograph where it belongs, unless it is there, whole.

    Not synced one by one: `sync_photographs` does so for all of them before the case table is replaced.
    """
    path = photograph_path(data, photograph.image)
    try:
        if path.read_bytes() == photograph.content:
            return
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(photograph.content)
        Path(temporary).chmod(PUBLIC_MODE)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def sync_photographs() -> None:
    """Make everything written so far survive a power cut."""
    os.sync()


def sweep(data: Path, images: Collection[str]) -> int:
    """Delete photographs that the case table does not name (an interrupted or refused intake's), and count them."""
    swept = 0
    for folder in (data / "images").glob("??"):
        for path in folder.iterdir():
            if STORED.fullmatch(path.name) and path.stem not in images:
                path.unlink()
                swept += 1
        if not any(folder.iterdir()):
            folder.rmdir()
    for leftover in data.glob(".cases.csv.*.tmp"):
        leftover.unlink()
    return swept


def in_threads(work: Callable[[In], Out], items: Iterable[In], workers: int) -> Iterator[Out]:
    """Results in the items' order, with few of them waiting: memory does not grow with the number of items."""
    remaining = iter(items)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        waiting: list[Future[Out]] = [pool.submit(work, item) for item in islice(remaining, 4 * workers)]
        try:
            while waiting:
                yield waiting.pop(0).result()
                waiting += [pool.submit(work, item) for item in islice(remaining, 1)]
        finally:
            for future in waiting:
                future.cancel()
