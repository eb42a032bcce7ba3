"""What a call to act starts, where params.yaml says so."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from dermai.config import Overrides, Params
from dermai.workspace import find_workspace
from monitoring.drift_run import MonitoringSummary
from monitoring.follow_up import follow_up


@step(enable_cache=False)
def follow_up_alarm(summary: MonitoringSummary, params: Params, laid_over: Overrides) -> Annotated[str, "follow_up"]:
    """Nothing without an alarm whose follow-up is owed: the record and the alert have been seen to already."""
    done = follow_up(find_workspace(), params, summary, laid_over)
    print(done)
    return done
