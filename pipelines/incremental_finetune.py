"""From the last production model to a decision on the next one."""

from __future__ import annotations

from typing import Any

from zenml import pipeline

from steps.answer_all_lesions import answer_all_lesions
from steps.decide_promotion import decide_promotion
from steps.evaluate_models import evaluate_models
from steps.find_champion import find_champion
from steps.finetune_candidate import finetune_candidate
from steps.load_cases import load_cases
from steps.load_parameters import load_parameters
from steps.one_update import one_update
from steps.parameter_text import Text
from steps.plan_update import plan_update
from steps.publish_report import publish_report
from steps.record_decision import record_decision
from steps.record_failure import record_failure
from steps.record_nothing_new import record_nothing_new
from steps.replay_referrals import replay_referrals
from steps.settle_challenger import settle_challenger
from steps.validate_cases import validate_cases


@pipeline(
    dynamic=True,
    on_failure=record_failure,
    depends_on=[finetune_candidate],  # so that a run's configuration can set its resources
)
def incremental_finetune(profile: Text = "", overrides: dict[str, Any] | None = None) -> None:
    """Validate, settle the challenger, fine-tune from the champion, evaluate, replay, decide, record, report.

    `profile` names a file in profiles/ that is laid over params.yaml; `overrides` are single
    parameters laid over both, such as `{"model.image_size": 128}`.
    """
    with one_update():
        params, laid_over = load_parameters(profile, overrides or {})
        cases, dataset = load_cases()
        validation = validate_cases(cases, params)
        settle_challenger(params)
        references = find_champion(params)
        plan = plan_update(cases, references, params)
        found = plan.load()
        if found.mode == "nothing":
            if found.judges_champion_again:
                predictions, comparison = evaluate_models(cases, references, params)
                lesions, calls, missing = answer_all_lesions(cases, references)
                record = record_nothing_new(
                    cases,
                    plan,
                    dataset,
                    references,
                    params,
                    laid_over,
                    predictions,
                    comparison,
                    lesions,
                    calls,
                    missing,
                )
            else:
                record = record_nothing_new(cases, plan, dataset, references, params, laid_over)
            publish_report(record, cases, plan, validation, references, params)
            return
        candidate = finetune_candidate(plan, cases, references, params)
        predictions, comparison = evaluate_models(cases, references, params, candidate)
        lesions, calls, missing = answer_all_lesions(cases, references, candidate)
        replayed = replay_referrals(candidate, params)
        judgement = decide_promotion(predictions, comparison, lesions, calls, missing, params)
        record = record_decision(
            judgement, predictions, comparison, lesions, calls, missing, candidate, replayed,
            cases, plan, dataset, references, params, laid_over,
        )  # fmt: skip
        publish_report(record, cases, plan, validation, references, params, candidate, comparison, predictions)
