"""Two columns of evidence: the test patients, on the very weights, and all confirmed lesions, on how they were made.

Ten test melanomas cannot rule out a loss of ten points, whatever the models do. All fifty can, if each is answered by a
model of the line that never saw the patient: the deployed model for test patients, for the others the sister who leaves
out their fold, under choices in which no answer on that fold had a part. The test patients then stay a guard: they may
reject, and need not show.

What the second column says is of the update's procedure. Its answers share training data, so the variance may be larger
than that of independent ones (`all_lesions.variance_inflation`), and the deployed weights must call what the sisters
call (`dermai.gate.agreement`). Cross-validation estimates the mean error of a procedure, not that of one model: Bates,
Hastie & Tibshirani, JASA 119 (2024); tests of a difference rest on stability that is measured here, not trusted:
Bayle, Bayle, Janson & Mackey, NeurIPS 2020.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dermai.gate.decision import decide
from dermai.gate.explain_columns import both_reasons, both_summary
from dermai.gate.findings import Agreement, AllLesions, Change, GateDecision, Outcome
from dermai.gate.learning import changes
from dermai.gate.policy import GatePolicy
from dermai.gate.results import LesionResults, aligned


@dataclass(frozen=True)
class Column:
    """What one column is judged on: each model's answers on the same lesions."""

    candidate: LesionResults
    champion: LesionResults | None = None
    anchor: LesionResults | None = None


@dataclass(frozen=True)
class SecondColumn(Column):
    """All confirmed lesions, how the deployed model and its sisters agree, and how many lesions were left out.

    `new` [N] marks the lesions that came since the champion was made; None without a champion.
    """

    agreement: tuple[Agreement, ...] = ()
    left_out: int = 0
    new: np.ndarray | None = None


def decide_by_columns(
    policy: GatePolicy,
    test: Column,
    second: SecondColumn | None,
    *,
    alpha: float | None = None,
    confidence: float = 0.95,
) -> GateDecision:
    """Judge a candidate by what the policy takes as evidence; without a second column as `decide` does.

    Which column promotes is fixed before either is looked at, so the chance of promoting a candidate that falls short
    stays at most alpha, as far as the second column's variance is what `variance_inflation` says. `harm_alpha` is
    divided between the columns.

    Raises:
        IncomparableResults: the models were not run on the same lesions.
    """
    rules = policy.all_lesions
    if second is None or rules.promotes == "never":
        return decide(policy, test.candidate, test.champion, test.anchor, alpha=alpha, confidence=confidence)
    level = {"alpha": alpha, "confidence": confidence}
    on_test = decide(policy, test.candidate, test.champion, test.anchor, columns=2, **level)  # type: ignore[arg-type]
    on_all = decide(
        policy,
        second.candidate,
        second.champion,
        second.anchor,
        columns=2,
        inflation=rules.variance_inflation,
        **level,  # type: ignore[arg-type]
    )
    column = AllLesions(
        decision=on_all,
        agreement=second.agreement,
        variance_inflation=rules.variance_inflation,
        promotes_alone=rules.promotes == "alone",
        left_out=second.left_out,
        changes=_changes(policy, second, confidence),
    )
    outcome = _outcome(on_test, column)
    found = on_test.model_copy(
        update={"all_lesions": column, "outcome": outcome, "further_cases": on_all.further_cases}
    )
    said = {"reasons": both_reasons(on_test, column), "summary": both_summary(outcome, on_test, column)}
    return found.model_copy(update=said)


def _changes(policy: GatePolicy, second: SecondColumn, confidence: float) -> tuple[Change, ...]:
    if second.champion is None or second.new is None:
        return ()
    champion = aligned(second.candidate, second.champion, "champion")
    return changes(policy, second.candidate, champion, second.new, confidence)


def _outcome(on_test: GateDecision, column: AllLesions) -> Outcome:
    on_all = column.decision.outcome
    if "reject" in (on_test.outcome, on_all):
        return "reject"
    # Harm in one group of test patients rejects nobody, and is harm to these very weights all the same.
    enough = on_test.outcome == "promote" or (column.promotes_alone and not on_test.harmed_groups)
    return "promote" if on_all == "promote" and column.agreed and enough else "insufficient_evidence"
