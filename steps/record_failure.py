"""A run that fails leaves a record of it too."""

from __future__ import annotations

from zenml.client import Client
from zenml.enums import ExecutionStatus
from zenml.execution.pipeline.dynamic.run_context import DynamicPipelineRunContext


def record_failure(exception: BaseException) -> None:
    """Hook of the pipeline: one line in the audit log with the step and the reason; the champion is as it was."""
    from dermai.audit import AuditLog
    from dermai.workspace import code_version, find_workspace

    workspace = find_workspace()
    context = DynamicPipelineRunContext.get()  # a hook of a whole run is given no step context
    try:
        run = Client().get_pipeline_run(context.run.id) if context else None
    except Exception:  # ZenML's own server may be what failed: the attempt is written down all the same
        run = None
    failed = [name for name, step in run.steps.items() if step.status == ExecutionStatus.FAILED] if run else []
    body = {
        "attempt": run.name if run else context.run.name if context else "",
        "step": ", ".join(failed),
        "error": type(exception).__name__,
        "why": str(exception),
        "code": code_version(workspace).model_dump(),
    }
    AuditLog(workspace.audit_log).append("failure", body)
