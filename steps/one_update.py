"""Hooks of the pipeline, in the process that runs it: a second update waits until the first has ended."""

from __future__ import annotations


def wait_for_other_updates() -> None:
    """Before the first step."""
    from dermai.promotion.one_update import begin_update
    from dermai.workspace import find_workspace

    begin_update(find_workspace())


def let_other_updates_begin() -> None:
    """After the last step, however it ended."""
    from dermai.promotion.one_update import end_update

    end_update()
