"""Compare what arrives with what the champion knows."""

from __future__ import annotations

from typing import Annotated

from zenml import log_metadata, step

from dermai.config import Params
from dermai.report.latest import point_latest_at
from dermai.workspace import find_workspace
from monitoring.drift_run import MonitoringSummary, run_monitoring
from monitoring.findings import KINDS
from monitoring.history import read_history
from steps.this_run import run_name


@step(enable_cache=False)
def judge_windows(params: Params) -> Annotated[MonitoringSummary, "monitoring_summary"]:
    """Never cached: the prediction log has grown, or diagnoses have come back."""
    workspace = find_workspace()
    summary = run_monitoring(workspace, params, run_name())
    point_latest_at(workspace.reports / "monitor_drift" / run_name())
    log_metadata({"verdict": summary.verdict, "windows": summary.windows, "alarms": summary.alarms})
    windows = read_history(workspace, summary.model_version).windows
    for window in windows[len(windows) - summary.windows :]:
        said = " ".join(window.changes) or window.headline
        kinds = " (" + ", ".join(KINDS[cause] for cause in window.causes) + ")" if window.causes else ""
        print(f"window {window.number}, to {window.last:%Y-%m-%d}: {window.verdict.replace('_', ' ')}{kinds}: {said}")
    for line in (f"now: {summary.headline}", *summary.advice, *summary.problems):
        print(line)
    return summary
