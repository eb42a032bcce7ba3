"""New referrals to a worklist sorted by risk."""

from __future__ import annotations

from typing import Any

from zenml import pipeline

from steps.load_parameters import load_parameters
from steps.parameter_text import Text
from steps.score_referrals import score_referrals


@pipeline
def triage_cases(
    folder: Text = "referrals", received_on: Text = "", profile: Text = "", overrides: dict[str, Any] | None = None
) -> None:
    """Check, score, log and sort a folder of new, unlabelled cases.

    `folder` holds cases.csv and the photographs; relative to the workspace. `received_on` dates them (a day such as
    2026-03-01; empty is now). `profile` names a file in profiles/ that is laid over params.yaml; `overrides` are
    single parameters laid over both, such as `{"triage.heat_maps": false}`.
    """
    params, _ = load_parameters(profile, overrides or {})
    score_referrals(folder, received_on, params)
