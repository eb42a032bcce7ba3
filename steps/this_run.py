"""How the run that a step belongs to is called."""

from __future__ import annotations

from zenml import get_step_context


def run_name() -> str:
    """ZenML's name of the run: also the name of its report folder and of its attempt in the audit log."""
    return str(get_step_context().pipeline_run.name)


def run_ids() -> dict[str, str]:
    """Where to find the run in ZenML."""
    return {"zenml_run": str(get_step_context().pipeline_run.id), "zenml_run_name": run_name()}
