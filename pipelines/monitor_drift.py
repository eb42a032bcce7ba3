"""Whether the champion still sees the patients it knows."""

from __future__ import annotations

from typing import Any

from zenml import pipeline

from steps.follow_up_alarm import follow_up_alarm
from steps.judge_windows import judge_windows
from steps.load_parameters import load_parameters
from steps.parameter_text import Text


@pipeline
def monitor_drift(profile: Text = "", overrides: dict[str, Any] | None = None) -> None:
    """Judge the newest referrals, show them in Evidently, alert, and start what params.yaml says.

    `profile` names a file in profiles/ that is laid over params.yaml; `overrides` are single
    parameters laid over both, such as `{"monitoring.window": 200}`.
    """
    params, laid_over = load_parameters(profile, overrides or {})
    summary = judge_windows(params)
    follow_up_alarm(summary, params, laid_over)
