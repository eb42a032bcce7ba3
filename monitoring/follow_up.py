"""What follows an alarm beyond the record and the alert: retraining here, or the retraining workflow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from dermai.config import Overrides, Params
from dermai.errors import DermaiError
from dermai.workspace import WORKSPACE_VARIABLE, Workspace
from monitoring.drift_run import MonitoringSummary
from monitoring.retraining_workflow import open_retraining_workflow

UPDATE = ("zenml", "pipeline", "run", "incremental_finetune")


def follow_up(workspace: Workspace, params: Params, summary: MonitoringSummary, laid_over: Overrides) -> str:
    """Do what `monitoring.on_act` says, once for each alarm; returns what was done, in words.

    An update that is run here works with the same parameters as this run of the monitoring.

    Raises:
        DermaiError: the update failed, or the workflow could not be started.
    """
    if not summary.alarms:
        return "no new alarm: nothing follows"
    match params.monitoring.on_act:
        case "incremental_finetune":
            command = (str(Path(sys.executable).parent / UPDATE[0]), *UPDATE[1:])
            environment = {**os.environ, WORKSPACE_VARIABLE: str(workspace.root)}
            with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as configuration:
                json.dump({"parameters": {"profile": laid_over.profile, "overrides": laid_over.values}}, configuration)
                configuration.flush()
                whole = (*command, "-c", configuration.name)
                done = subprocess.run(whole, cwd=workspace.root, env=environment, check=False)
            if done.returncode:
                raise DermaiError(f"`{' '.join(UPDATE)}` failed: run it by hand to see why")
            return "incremental_finetune has run: its report and its record say what was decided"
        case "workflow":
            open_retraining_workflow(summary.headline)
            return "the retraining workflow was started"
    return "the alarm is recorded; `zenml pipeline run incremental_finetune` is yours to start (monitoring.on_act)"
