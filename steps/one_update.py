"""The pipeline's turn, in the process that runs it: a second update waits until the first has ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_update() -> Iterator[None]:
    """Around all steps. Not in a hook: ZenML goes on where a hook fails, and runs none where a run is continued."""
    from dermai.promotion.one_update import taking_its_turn
    from dermai.workspace import find_workspace

    with taking_its_turn(find_workspace()):
        yield
