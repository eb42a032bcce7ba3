"""One update at a time in a workspace, whichever of the machines that share it runs it.

Two at once would train the same candidate, and the second would be judged against a champion that the first replaces.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack

from dermai.files import taking_turns
from dermai.workspace import Workspace

_turn = ExitStack()  # this process's
log = logging.getLogger(__name__)


def begin_update(workspace: Workspace) -> None:
    """Wait until no other process runs an update; who does is said. A process that dies ends its turn."""
    end_update()
    _turn.enter_context(taking_turns(workspace.state / "incremental_finetune.lock", waiting=_waits_for))


def end_update() -> None:
    """Let the next one begin."""
    _turn.close()


def _waits_for(who: str) -> None:
    log.warning("another update runs in this workspace (%s): this one waits and goes on when that has ended", who)
