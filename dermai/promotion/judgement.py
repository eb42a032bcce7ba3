"""The gate applied to the models of one update: reserve in the ledger, decide, write the result down."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.evaluation.all_lesions import AllLesionsAnswers
from dermai.evaluation.comparison import ModelComparison, lesion_predictions
from dermai.files import locked, sha256_json
from dermai.gate.columns import Column, SecondColumn, decide_by_columns
from dermai.gate.judgement import Judgement
from dermai.gate.ledger import Result, evaluated_rows, next_use, result_of, status, test_patients
from dermai.gate.policy import GatePolicy
from dermai.gate.reference_standard import counting_on_test_patients, left_out_of_test
from dermai.gate.results import LesionResults
from dermai.promotion.all_lesions import second_column
from dermai.promotion.exclusive import check_log, lock_file
from dermai.promotion.test_set_ledger import ledger_lines, take_over
from dermai.records.test_set_ledger import LedgerResult, LedgerUse
from dermai.workspace import Workspace


def judge_update(
    workspace: Workspace,
    params: Params,
    predictions: pd.DataFrame,
    comparison: ModelComparison,
    all_lesions: AllLesionsAnswers | None = None,
) -> Judgement:
    """Decide on the candidate's answers per lesion, beside those of the champion and the anchor.

    `all_lesions` are what the second column of evidence is made of. Only lesions count that were confirmed as the
    policy asks; the decision names the others.
    """
    lesions = lesion_predictions(predictions, comparison)
    results = {role: counted_results(params.gate, table) for role, table in lesions.items()}
    ids = {role: model.sha256 for role, model in comparison.models.items()}
    return judge(
        workspace,
        params.gate,
        results["candidate"],
        results.get("champion"),
        results.get("anchor"),
        candidate_id=ids["candidate"],
        champion_id=ids.get("champion", ""),
        anchor_id=ids.get("anchor", ""),
        confidence=params.evaluation.confidence,
        not_counted=left_out(params.gate, lesions["candidate"]),
        second=second_column(params.gate, all_lesions),
        no_second_column=all_lesions.missing if all_lesions else "",
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
    second: SecondColumn | None = None,
    no_second_column: str = "",
) -> Judgement:
    """Decide at the level that the ledger allows, and account for it in the audit log. The ids are the models' SHA-256.

    `second` is the column of all confirmed lesions, `no_second_column` why there is none. Where the policy lets it
    decide the use is one of all patients in it: both columns spend from the same accounts.

    The use is written before anything is computed, so a crash can lose a decision but never the spending. Asked again,
    the same question is answered at the same level and nothing is spent.

    Raises:
        IncomparableResults: the models were not run on the same lesions.
        AuditLogDamaged: the log does not verify.
        LedgerDamaged: an earlier release left a ledger that cannot be taken over as it is.
    """
    compared, audit = champion is not None or anchor is not None, AuditLog(workspace.audit_log)
    test = Column(candidate, champion, anchor)
    if policy.all_lesions.promotes == "never":
        second, no_second_column = None, ""
    patients = test_patients(policy, candidate, compared)
    evaluated = evaluated_rows(candidate, champion, anchor)
    if second is not None:
        # Test patients whom one of the lines cannot answer for are used all the same.
        more = test_patients(policy, second.candidate, compared)
        patients = {name: tuple(sorted({*ids, *more[name]})) for name, ids in patients.items()}
        rows = evaluated_rows(second.candidate, second.champion, second.anchor)
        evaluated = sha256_json([evaluated, rows, [found.model_dump() for found in second.agreement]])
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
            effective=_worth(policy, test, second),
        )
        repeated = use in lines
        if not repeated:
            audit.append(LedgerUse(use=use))
        decision = decide_by_columns(policy, test, second, alpha=use.level, confidence=confidence)
        decision = decision.model_copy(update={"not_counted": not_counted, "no_second_column": no_second_column})
        if result_of(lines, use) is None:
            audit.append(LedgerResult(result=Result(number=use.number, at=_now(), outcome=decision.outcome)))
        accounts = status(ledger_lines(audit), policy)
    return Judgement(decision=decision, use=use, repeated=repeated, accounts=accounts)


def _worth(policy: GatePolicy, test: Column, second: SecondColumn | None) -> dict[str, float]:
    """What the patients of each gated class are worth to the column that must show most."""

    def patients(column: Column, code: str) -> int:
        return len(np.unique(column.candidate.patient_id[column.candidate.truth == code]))

    worth = {code: float(patients(test, code)) for code in policy.gated_classes}
    if second is None:
        return worth
    inflation, alone = policy.all_lesions.variance_inflation, policy.all_lesions.promotes == "alone"
    together = {code: patients(second, code) / inflation for code in policy.gated_classes}
    return together if alone else {code: min(worth[code], together[code]) for code in worth}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
