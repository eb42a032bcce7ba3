"""The champion on today's test patients: a provisional one may show its floors now, and labels may have changed."""

from __future__ import annotations

import pandas as pd

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.evaluation.all_lesions import AllLesionsAnswers
from dermai.evaluation.comparison import ModelComparison, lesion_predictions
from dermai.gate.decision import decide
from dermai.gate.recorded_policy import RecordedPolicy
from dermai.promotion.all_lesions import second_column
from dermai.promotion.automatic import promote_by_evidence
from dermai.promotion.judgement import counted_results, judge, left_out
from dermai.promotion.standing import champion_standing
from dermai.promotion.transaction import record_reassessment
from dermai.records.reassessment import Reassessment
from dermai.records.update_record import ChampionJudgedAgain, TestSetRecord
from dermai.registry.champion import ModelReference
from dermai.workspace import DatasetVersion, Workspace


def reassess_champion(
    workspace: Workspace,
    params: Params,
    predictions: pd.DataFrame,
    comparison: ModelComparison,
    champion: ModelReference | None,
    dataset: DatasetVersion,
    all_lesions: AllLesionsAnswers | None = None,
) -> str:
    """Judge a provisional champion's floors on the answers that an update has from it anyway, and act on it.

    Nothing happens where the champion is a regular one, the dataset is not committed, or these test patients were asked
    the same before. Says in a sentence what was found; empty where nothing was.
    """
    standing = champion_standing(AuditLog(workspace.audit_log))
    if champion is None or standing is None or standing.version != champion.version:
        return ""
    if standing.provisional is None or standing.ended or dataset.dirty or "champion" not in comparison.models:
        return ""
    lesions = lesion_predictions(predictions, comparison)["champion"]
    judged = judge(
        workspace,
        params.gate,
        counted_results(params.gate, lesions),
        not_counted=left_out(params.gate, lesions),
        candidate_id=champion.sha256,
        confidence=params.evaluation.confidence,
        second=second_column(params.gate, all_lesions, "champion"),
        no_second_column=all_lesions.missing if all_lesions else "",
    )
    if judged.repeated:
        return ""
    record = Reassessment(
        candidate=champion,
        champion=champion,
        outcome=judged.decision.outcome,
        reasons=judged.decision.sentences,
        policy=RecordedPolicy.of(params.gate),
        policy_sha256=params.gate.hash,
        data_version=dataset.hash,
        decision=judged.decision,
        test_set=TestSetRecord.of(judged),
    )
    record_reassessment(workspace, params, record)
    found = f"provisional champion {champion.version} on today's patients: {judged.decision.summary}"
    if judged.decision.outcome != "promote":
        return found
    on = "all confirmed lesions" if judged.decision.all_lesions else "the test patients"
    reason, done = f"its floors are shown on {on}", "It is now a regular champion."
    return f"{found} {promote_by_evidence(workspace, params, champion.version, 'incremental_finetune', reason, done)}"


def judge_champion_again(
    params: Params, predictions: pd.DataFrame, comparison: ModelComparison, champion: ModelReference | None
) -> ChampionJudgedAgain | None:
    """Judge the champion, whatever its standing, on test labels that have changed since; None without its answers.

    At the level of a first use of the test patients. Nothing follows of itself: a person who finds that the champion
    falls short, or that the labels are wrong, decides.
    """
    if champion is None or "champion" not in comparison.models:
        return None
    policy, found = params.gate, lesion_predictions(predictions, comparison)
    results = {role: counted_results(policy, table) for role, table in found.items()}
    is_anchor = "anchor" not in results or comparison.models["anchor"].sha256 == champion.sha256
    decision = decide(
        policy,
        results["champion"],
        anchor=None if is_anchor else results["anchor"],
        alpha=policy.test_set_alpha * policy.ledger.spend,
        confidence=params.evaluation.confidence,
    )
    decision = decision.model_copy(update={"not_counted": left_out(policy, found["champion"])})
    return ChampionJudgedAgain(champion=champion, decision=decision)
