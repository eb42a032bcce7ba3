"""Register the candidate, write the attempt down, and only then let the champion change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
from zenml import log_metadata, step

from dermai.config import Overrides, Params
from dermai.continual.plan import UpdatePlan
from dermai.evaluation.all_lesions import AllLesionsAnswers
from dermai.evaluation.comparison import ModelComparison
from dermai.evaluation.metric_files import flat_metrics
from dermai.gate.judgement import Judgement
from dermai.models.package import ModelPackage
from dermai.promotion.automatic import act_on_decision
from dermai.promotion.reassessment import judge_champion_again, reassess_champion
from dermai.promotion.transaction import record_attempt
from dermai.records.attempt import change_note, describe_attempt, recorded_training, registry_tags
from dermai.records.referral_replay import ReferralReplay
from dermai.records.update_record import TestSetRecord, UpdateAttempt
from dermai.registry.champion import ModelReference, ReferenceModels
from dermai.registry.registry import Registry
from dermai.workspace import DatasetVersion, find_workspace
from steps.this_run import run_ids, run_name


@step(enable_cache=False)
def record_decision(
    judgement: Judgement,
    predictions: pd.DataFrame,
    comparison: ModelComparison,
    all_lesions: pd.DataFrame,
    calls: pd.DataFrame,
    no_second_column: str,
    candidate: Path,
    replayed: ReferralReplay,
    cases: pd.DataFrame,
    plan: UpdatePlan,
    dataset: DatasetVersion,
    references: ReferenceModels,
    params: Params,
    laid_over: Overrides,
) -> Annotated[UpdateAttempt, "update_record"]:
    """The record is on disk before an alias moves; a manual approval leaves the candidate as challenger."""
    workspace, attempt = find_workspace(), run_name()
    package, decision = ModelPackage.load(candidate), judgement.decision
    version = Registry(workspace, params).register(
        candidate,
        tags=registry_tags(workspace, params, attempt, package, dataset),
        run_name=attempt,
        metrics=flat_metrics(comparison.models["candidate"].lesions),
        params=params.model_dump(mode="json"),
    )
    champion = references.champion.reference if references.champion else None
    again = judge_champion_again(params, predictions, comparison, champion) if plan.judges_champion_again else None
    record = describe_attempt(
        UpdateAttempt,
        workspace,
        params,
        laid_over,
        attempt,
        cases,
        plan,
        dataset,
        references,
        candidate=ModelReference.of(version),
        outcome=decision.outcome,
        reasons=decision.sentences,
        decision=decision,
        test_set=TestSetRecord.of(judgement),
        evaluation=comparison.models,
        training=recorded_training(package),
        champion_again=again,
        referral_replay=replayed,
        change_note=change_note(plan),
        runs=run_ids(),
    )
    record_attempt(workspace, params, record)
    print(act_on_decision(workspace, params, record))
    if again is not None:
        print(again.sentence)
    answers = AllLesionsAnswers(all_lesions, calls, no_second_column)
    found = reassess_champion(workspace, params, predictions, comparison, record.champion, dataset, answers)
    if found:
        print(found)
    log_metadata({"data_version": dataset.hash, "git_commit": record.code.commit, "outcome": decision.outcome})
    return record
