"""The gate applied to the models of one update: reserve in the ledger, decide, write the result down."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.evaluation.comparison import ModelComparison, lesion_predictions
from dermai.files import locked
from dermai.gate.decision import decide
from dermai.gate.judgement import Judgement
from dermai.gate.ledger import Result, evaluated_rows, next_use, result_of, status, test_patients
from dermai.gate.policy import GatePolicy
from dermai.gate.reference_standard import counting_on_test_patients, left_out_of_test
from dermai.gate.results import LesionResults
from dermai.promotion.exclusive import check_log, lock_file
from dermai.promotion.test_set_ledger import ledger_lines, take_over
from dermai.records.test_set_ledger import LedgerResult, LedgerUse
from dermai.workspace import Workspace


def judge_update(
    workspace: Workspace, params: Params, predictions: pd.DataFrame, comparison: ModelComparison
) -> Judgement:
    """Decide on the candidate's answers per lesion, beside those of the champion and the anchor.

    Only lesions count that were confirmed as the policy asks; the decision names the others.
    """
    lesions = lesion_predictions(predictions, comparison)
    results = {role: counted_results(params.gate, table) for role, table in lesions.items()}
    ids = {f"{role}_id": model.sha256 for role, model in comparison.models.items()}
    return judge(
        workspace,
        params.gate,
        results["candidate"],
        results.get("champion"),
        results.get("anchor"),
        confidence=params.evaluation.confidence,
        not_counted=left_out(params.gate, lesions["candidate"]),
        **ids,
    )


def counted_results(policy: GatePolicy, lesions: pd.DataFrame) -> LesionResults:
    """The answers on the test lesions that count, from a table of `per_lesion`."""
    results = LesionResults.from_table(lesions)
    return results.at(counting_on_test_patients(policy, lesions["diagnosis"], lesions["confirmed_by"]))


def left_out(policy: GatePolicy, lesions: pd.DataFrame) -> tuple[str, ...]:
    """How many test lesions of each class do not count, and why."""
    return left_out_of_test(policy, lesions["diagnosis"], lesions["confirmed_by"])


def judge(
    workspace: Workspace,
    policy: GatePolicy,
    candidate: LesionResults,
    champion: LesionResults | None = None,
    anchor: LesionResults | None = None,
    *,
    candidate_id: str,
    champion_id: str = "",
    anchor_id: str = "",
    confidence: float = 0.95,
    not_counted: tuple[str, ...] = (),
) -> Judgement:
    """Decide at the level that the ledger allows, and account for it in the audit log. The ids are the models' SHA-256.

    The use is written before anything is computed, so a crash can lose a decision but never the spending. Asked again,
    the same question is answered at the same level and nothing is spent.

    Raises:
        IncomparableResults: the models were not run on the same lesions.
        AuditLogDamaged: the log does not verify.
        LedgerDamaged: an earlier release left a ledger that cannot be taken over as it is.
    """
    compared = champion is not None or anchor is not None
    patients, audit = test_patients(policy, candidate, compared), AuditLog(workspace.audit_log)
    evaluated = evaluated_rows(candidate, champion, anchor)
    with locked(lock_file(workspace)):
        check_log(audit)
        take_over(workspace, audit)
        lines = ledger_lines(audit)
        use = next_use(
            lines,
            policy,
            patients,
            evaluated=evaluated,
            candidate=candidate_id,
            champion=champion_id,
            anchor=anchor_id,
            at=_now(),
        )
        repeated = use in lines
        if not repeated:
            audit.append(LedgerUse(use=use))
        decision = decide(policy, candidate, champion, anchor, alpha=use.level, confidence=confidence)
        decision = decision.model_copy(update={"not_counted": not_counted})
        if result_of(lines, use) is None:
            audit.append(LedgerResult(result=Result(number=use.number, at=_now(), outcome=decision.outcome)))
        accounts = status(ledger_lines(audit), policy)
    return Judgement(decision=decision, use=use, repeated=repeated, accounts=accounts)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
