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
from dermai.files import locked
from dermai.records.after_alarms import AfterAlarms
from dermai.workspace import WORKSPACE_VARIABLE, Workspace
from monitoring.drift_run import MonitoringSummary
from monitoring.findings import HEADLINES
from monitoring.retraining_workflow import open_retraining_workflow

UPDATE = ("zenml", "pipeline", "run", "incremental_finetune")


def follow_up(workspace: Workspace, params: Params, summary: MonitoringSummary, laid_over: Overrides) -> str:
    """Do what `monitoring.on_act` says for the alarms that are owed it, once; returns what was done, in words.

    What fails stays owed and is tried again by the next run. An update that is run here works with the same parameters
    as this run of the monitoring.

    Raises:
        DermaiError: the update failed, or the workflow could not be started.
    """
    with locked(workspace.state / "monitoring" / ".follow_up.lock"):
        owed = AfterAlarms.read(workspace).follow_ups
        if not owed:
            return "no new alarm: nothing follows"
        done = _carry_out(workspace, params, summary, laid_over)
        with locked(workspace.state / "monitoring" / ".lock"):  # the monitoring writes there too
            found = AfterAlarms.read(workspace)
            found.with_states({name: found.of(name).model_copy(update={"follow_up": False}) for name in owed})
    return done


def _carry_out(workspace: Workspace, params: Params, summary: MonitoringSummary, laid_over: Overrides) -> str:
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
            open_retraining_workflow(HEADLINES["act"])
            return "the retraining workflow was started"
    return "the alarm is recorded; `zenml pipeline run incremental_finetune` is yours to start (monitoring.on_act)"
