"""What is to go: a place, why, and how; the same whether it is only listed or done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dermai.files import sync_folder
from dermai.withdrawal.traces import Traces


@dataclass(frozen=True)
class Removal:
    """One thing that goes. `remove` may be called again where an earlier run died in it."""

    place: str
    why: str
    remove: Callable[[], None]


Step = Callable[[Traces], Iterator[Removal]]  # finds what is still there, so a run that died goes on


def delete(path: Path) -> None:
    """Remove a file for good, and its folder where that is empty then."""
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        sync_folder(path.parent)
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
