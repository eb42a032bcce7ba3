"""The provisional champion on today's test patients: there may be enough of them now to show its floors."""

from __future__ import annotations

import pandas as pd

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.evaluation.comparison import ModelComparison, lesion_predictions
from dermai.gate.recorded_policy import RecordedPolicy
from dermai.gate.results import LesionResults
from dermai.promotion.automatic import promote_by_evidence
from dermai.promotion.judgement import judge
from dermai.promotion.standing import champion_standing
from dermai.promotion.transaction import record_reassessment
from dermai.records.reassessment import Reassessment
from dermai.records.update_record import TestSetRecord
from dermai.registry.champion import ModelReference
from dermai.workspace import DatasetVersion, Workspace


def reassess_champion(
    workspace: Workspace,
    params: Params,
    predictions: pd.DataFrame,
    comparison: ModelComparison,
    champion: ModelReference | None,
    dataset: DatasetVersion,
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
    results = LesionResults.from_table(lesion_predictions(predictions, comparison)["champion"])
    judged = judge(
        workspace,
        params.gate,
        results,
        candidate_id=champion.sha256,
        confidence=params.evaluation.confidence,
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
    found = f"provisional champion {champion.version} on today's test patients: {judged.decision.summary}"
    if judged.decision.outcome != "promote":
        return found
    reason, done = "its floors are shown on the test patients", "It is now a regular champion."
    return f"{found} {promote_by_evidence(workspace, params, champion.version, 'incremental_finetune', reason, done)}"
