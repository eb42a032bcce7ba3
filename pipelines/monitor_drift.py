"""Whether the champion still sees the patients it knows."""

from __future__ import annotations

from typing import Any

from zenml import pipeline

from steps.follow_up_alarm import follow_up_alarm
from steps.judge_windows import judge_windows


@pipeline
def monitor_drift(overrides: dict[str, Any] | None = None) -> None:
    """Judge the newest referrals, show them in Evidently, alert, and start what params.yaml says.

    `overrides` are dotted parameters laid over params.yaml, such as `{"monitoring.window": 200}`.
    """
    summary = judge_windows(overrides or {})
    follow_up_alarm(summary, overrides or {})
