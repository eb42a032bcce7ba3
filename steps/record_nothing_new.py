"""Nothing new since the champion: say so, in the audit log too."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
from zenml import log_metadata, step

from dermai.config import Overrides, Params
from dermai.continual.plan import UpdatePlan
from dermai.promotion.transaction import record_attempt
from dermai.records.attempt import change_note, describe_attempt
from dermai.records.update_record import NothingNew
from dermai.registry.champion import ReferenceModels
from dermai.workspace import DatasetVersion, find_workspace
from steps.this_run import run_ids, run_name


@step(enable_cache=False)
def record_nothing_new(
    cases: pd.DataFrame,
    plan: UpdatePlan,
    dataset: DatasetVersion,
    references: ReferenceModels,
    params: Params,
    laid_over: Overrides,
) -> Annotated[NothingNew, "update_record"]:
    """The champion has learnt from every training photograph there is: nothing is trained."""
    workspace = find_workspace()
    record = describe_attempt(
        NothingNew,
        workspace,
        params,
        laid_over,
        run_name(),
        cases,
        plan,
        dataset,
        references,
        runs=run_ids(),
        change_note=change_note(plan),
    )
    record_attempt(workspace, params, record)
    log_metadata({"data_version": dataset.hash, "git_commit": record.code.commit, "outcome": "nothing new"})
    print("nothing new: the champion has learnt from every training photograph there is")
    return record
