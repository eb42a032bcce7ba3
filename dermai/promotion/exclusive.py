"""What every command that writes decisions down does first: wait for its turn, and check the log."""

from __future__ import annotations

from pathlib import Path

from dermai.audit import AuditLog
from dermai.workspace import Workspace


def lock_file(workspace: Workspace) -> Path:
    """Held by whoever decides or moves an alias, and by backups."""
    return workspace.state / "promotion.lock"


def check_log(audit: AuditLog) -> None:
    """Repair what a crash left at the log's end, and verify all of it.

    Raises:
        AuditLogDamaged: the log was changed, so nothing can be based on it.
    """
    audit.repair()
    audit.verified_entries()
