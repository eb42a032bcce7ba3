"""Let the candidate score the logged referrals of the last months, for a doctor to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from zenml import step

from dermai.config import Params
from dermai.models.package import ModelPackage
from dermai.records.referral_replay import ReferralReplay
from dermai.report.publication import PIPELINE
from dermai.triage.referral_replay_page import publish_replay
from dermai.workspace import find_workspace
from steps.this_run import run_name


@step(enable_cache=False)
def replay_referrals(candidate: Path, params: Params) -> Annotated[ReferralReplay, "referral_replay"]:
    """The artifact holds counts alone. The page shows photographs and stays on the machine, beside the report."""
    workspace, attempt = find_workspace(), run_name()
    folder = workspace.reports / PIPELINE / attempt
    title = f"candidate of {attempt}"
    found = publish_replay(workspace, params, ModelPackage.load(candidate), title, folder, progress=True)
    print(found.sentence)
    return found
