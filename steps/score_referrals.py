"""New referrals through the quality check and the models, into the prediction log and onto the worklist."""

from __future__ import annotations

from typing import Annotated

from zenml import get_step_context, step

from dermai.config import Params
from dermai.report.latest import point_latest_at
from dermai.triage.run import TriageSummary, received_time, run_triage
from dermai.workspace import find_workspace


@step(enable_cache=False)
def score_referrals(folder: str, received_on: str, params: Params) -> Annotated[TriageSummary, "triage_summary"]:
    """Never cached: the same folder is read again, and only what is new in it is scored."""
    workspace = find_workspace()
    output = workspace.reports / "triage_cases" / get_step_context().pipeline_run.name
    summary = run_triage(workspace, params, workspace.root / folder, output, received_time(received_on), progress=True)
    point_latest_at(output)
    return summary
