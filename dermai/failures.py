"""An update that failed is written down like any other attempt."""

from __future__ import annotations

from dermai.audit import AuditLog, Entry
from dermai.workspace import Workspace, code_version


def write_failure(workspace: Workspace, error: BaseException, step: str, attempt: str = "") -> Entry:
    """One line in the audit log with the step and the reason; the champion is as it was."""
    body = {
        "attempt": attempt,
        "step": step,
        "error": type(error).__name__,
        "why": str(error),
        "code": code_version(workspace).model_dump(),
    }
    return AuditLog(workspace.audit_log).append("failure", body)
