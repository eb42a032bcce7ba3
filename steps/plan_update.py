"""What is new, what was taken back, what is replayed, and at which speed it is learnt."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
from zenml import step

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.continual import plan
from dermai.records.since_fine_tuning import since_fine_tuning
from dermai.records.test_labels import changes_of_test_labels
from dermai.registry.champion import ReferenceModels, load_reference_package
from dermai.workspace import find_workspace


@step(enable_cache=False)
def plan_update(
    cases: pd.DataFrame, references: ReferenceModels, params: Params
) -> Annotated[plan.UpdatePlan, "update_plan"]:
    """Compares cases and parameters with the champion's, and the test labels with those of the last update.

    Never cached: other attempts may have recorded other test labels since.
    """
    workspace = find_workspace()
    champion = load_reference_package(workspace, references.champion)
    audit = AuditLog(workspace.audit_log)
    changes, since = changes_of_test_labels(workspace, audit, cases), since_fine_tuning(audit)
    found = (
        plan.plan_update(cases, None, params, test_changes=changes, since=since)
        if champion is None
        else plan.plan_update(
            cases, champion.manifest, params, champion.training.get("parameters"), changes, champion.networks, since
        )
    )
    for change in found.test_changes:
        print(f"test labels changed: {change}")
    if found.speed:
        print(f"speed: {found.speed}, {found.speed_reason}")
    return found
