"""Register the candidate, write the attempt down, and only then let the champion change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from zenml import log_metadata, step

from dermai.config import Params
from dermai.continual.plan import UpdatePlan
from dermai.evaluation.comparison import ModelComparison
from dermai.evaluation.metric_files import flat_metrics
from dermai.gate.judge import Judgement
from dermai.models.package import ModelPackage
from dermai.promotion.automatic import act_on_decision
from dermai.promotion.transaction import record_attempt
from dermai.records.attempt import as_reference, change_note, describe_attempt, registry_tags, test_set_account
from dermai.records.update_record import UpdateRecord
from dermai.registry.champion import ReferenceModels
from dermai.registry.registry import Registry
from dermai.workspace import DatasetVersion, find_workspace
from steps.this_run import run_ids, run_name


@step(enable_cache=False)
def record_decision(
    judgement: Judgement,
    comparison: ModelComparison,
    candidate: Path,
    cases: pd.DataFrame,
    plan: UpdatePlan,
    dataset: DatasetVersion,
    references: ReferenceModels,
    params: Params,
) -> Annotated[UpdateRecord, "update_record"]:
    """The record is on disk before an alias moves; a manual approval leaves the candidate as challenger."""
    workspace = find_workspace()
    package, decision = ModelPackage.load(candidate), judgement.decision
    found: dict[str, Any] = {
        "outcome": decision.outcome,
        "reasons": decision.sentences,
        "decision": decision.model_dump(mode="json"),
        "test_set": test_set_account(judgement),
        "evaluation": comparison.model_dump(mode="json")["models"],
        "training": package.training,
        "change_note": change_note(plan),
        "runs": run_ids(),
    }
    record = describe_attempt(workspace, params, run_name(), cases, plan, dataset, references, **found)
    version = Registry(workspace, params).register(
        candidate,
        tags=registry_tags(package, dataset, record),
        run_name=run_name(),
        metrics=flat_metrics(comparison.models["candidate"].lesions),
        params=params.model_dump(mode="json"),
    )
    record = record.model_copy(update={"candidate": as_reference(version)})
    record_attempt(workspace, params, record)
    print(act_on_decision(workspace, params, record))
    log_metadata({"data_version": dataset.hash, "git_commit": record.code.commit, "outcome": decision.outcome})
    return record
