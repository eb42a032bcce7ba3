"""A run that fails leaves a record of it too."""

from __future__ import annotations

from zenml import get_step_context


def record_failure(exception: BaseException) -> None:
    """Hook of the pipeline: one line in the audit log with the step and the reason; the champion is as it was."""
    from dermai.audit import AuditLog
    from dermai.workspace import code_version, find_workspace

    workspace = find_workspace()
    context = get_step_context()
    body = {
        "attempt": context.pipeline_run.name,
        "step": context.step_run.name,
        "error": type(exception).__name__,
        "why": str(exception),
        "code": code_version(workspace).model_dump(),
    }
    AuditLog(workspace.audit_log).append("failure", body)
