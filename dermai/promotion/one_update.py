"""One update at a time in a workspace, whichever of the machines that share it runs it.

Two at once would train the same candidate, and the second would be judged against a champion that the first replaces.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from dermai.files import taking_turns
from dermai.workspace import Workspace

log = logging.getLogger(__name__)


@contextmanager
def taking_its_turn(workspace: Workspace) -> Iterator[None]:
    """Wait until no other process runs an update; who does is said. The turn of a process that dies is over."""
    with taking_turns(workspace.state / "incremental_finetune.lock", waiting=_waits_for):
        yield


def _waits_for(who: str) -> None:
    log.warning("another update runs in this workspace (%s): this one waits and goes on when that has ended", who)
