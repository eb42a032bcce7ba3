"""A monitoring run in the summary of a job."""

from __future__ import annotations

from dermai.files import write_json
from dermai.workspace import Workspace
from monitoring.drift_run import MonitoringSummary
from monitoring.job_summary import job_summary


def test_the_newest_run_is_shown_and_none_is_a_failure(workspace: Workspace) -> None:
    assert job_summary(workspace).startswith("## Drift monitoring failed")
    found = MonitoringSummary(
        model_version="3", windows=2, verdicts=("stable", "act"), verdict="act", headline="Act now",
        changes=("Photographs are darker.",), advice=("Ask the new site.",), waiting=40, alarms=1, problems=(),
    )  # fmt: skip
    write_json(workspace.reports / "monitor_drift" / "a" / "monitoring.json", found.model_dump())
    text = job_summary(workspace)
    assert text.startswith("## Act now\n")
    assert "2 new windows judged (stable, act), 40 photographs wait" in text
    assert "**What changed**\n\n- Photographs are darker." in text
    assert "Problems" not in text
