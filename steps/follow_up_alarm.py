"""What a call to act starts, where params.yaml says so."""

from __future__ import annotations

from typing import Annotated, Any

from zenml import step

from dermai.config import load_params
from dermai.workspace import find_workspace
from monitoring.drift_run import MonitoringSummary
from monitoring.follow_up import follow_up


@step(enable_cache=False)
def follow_up_alarm(summary: MonitoringSummary, overrides: dict[str, Any]) -> Annotated[str, "follow_up"]:
    """Nothing without a new alarm: the record and the alert have been seen to already."""
    workspace = find_workspace()
    done = follow_up(workspace, load_params(workspace.params_file, overrides), summary)
    print(done)
    return done
