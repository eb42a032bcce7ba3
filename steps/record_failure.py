"""A run that fails leaves a record of it too."""

from __future__ import annotations

from zenml.client import Client
from zenml.enums import ExecutionStatus
from zenml.execution.pipeline.dynamic.run_context import DynamicPipelineRunContext


def record_failure(exception: BaseException) -> None:
    """Hook of the pipeline: one line in the audit log, and one for the user, with the step and the reason."""
    from dermai.records.failures import tell_failure

    context = DynamicPipelineRunContext.get()  # a hook of a whole run is given no step context
    try:
        run = Client().get_pipeline_run(context.run.id) if context else None
    except Exception:  # ZenML's own server may be what failed: the attempt is written down all the same
        run = None
    failed = [name for name, step in run.steps.items() if step.status == ExecutionStatus.FAILED] if run else []
    tell_failure(exception, ", ".join(failed), run.name if run else context.run.name if context else "")
