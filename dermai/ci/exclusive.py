"""One update at a time on a state that several checkouts share, and none that goes back in time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.files import taking_turns
from dermai.records.moves import RefusedUpdate
from dermai.registry.registry import Registry
from dermai.registry.versions import CHAMPION
from dermai.workspace import Workspace, code_version, is_ancestor


def run_alone(workspace: Workspace, params: Params, command: Sequence[str]) -> int:
    """Wait for other updates, then run this one; its exit code.

    Where the champion was made from a commit that follows this one, nothing is run and a refusal is recorded: the
    older dataset lacks photographs that the champion has learnt from, and would read as if they were taken back.
    """
    with taking_turns(workspace.state / "update.lock", waiting=_waits_for):
        reason = _superseded(workspace, params)
        if reason:
            AuditLog(workspace.audit_log).append(RefusedUpdate(why=reason, code=code_version(workspace)))
            print(f"nothing is run: {reason}", file=sys.stderr)
            return 0
        return subprocess.run(list(command), cwd=workspace.root, check=False).returncode


def _waits_for(who: str) -> None:
    print(f"another update runs on this state ({who}): this one waits", file=sys.stderr)


def _superseded(workspace: Workspace, params: Params) -> str:
    champion = Registry(workspace, params).by_alias(CHAMPION) if Registry.exists(workspace) else None
    made_from = champion.tags.get("git_commit", "") if champion else ""
    here = code_version(workspace).commit
    if champion is None or made_from in ("", here) or not is_ancestor(workspace, here, made_from):
        return ""
    return f"version {champion.version}, the champion, was made from commit {made_from[:12]}, which follows this one"
