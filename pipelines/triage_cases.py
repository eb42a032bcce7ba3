"""New referrals to a worklist sorted by risk."""

from __future__ import annotations

from typing import Any

from zenml import pipeline

from steps.score_referrals import score_referrals


@pipeline
def triage_cases(folder: str = "referrals", received_on: str = "", overrides: dict[str, Any] | None = None) -> None:
    """Check, score, log and sort a folder of new, unlabelled cases.

    `folder` holds cases.csv and the photographs; relative to the workspace. `received_on` dates them (a day such as
    2026-03-01; empty is now). `overrides` are dotted parameters laid over params.yaml.
    """
    score_referrals(folder, received_on, overrides or {})
