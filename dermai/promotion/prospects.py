"""What the gate can show of the next candidate, with the patients there are and what is left of the error budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.data.cases import read_cases, trainable
from dermai.gate.findings import BENIGN
from dermai.gate.ledger import NOTHING_LEFT, accounts
from dermai.gate.policy import GatePolicy
from dermai.gate.prospects import Attainable, attainable, months_to_a_decision, months_to_floors, power
from dermai.gate.reference_standard import counting_on_test_patients
from dermai.promotion.test_set_ledger import ledger_lines
from dermai.workspace import Workspace

DIFFERENCES = (-0.10, -0.05, 0.0, 0.05, 0.10)


@dataclass(frozen=True)
class Prospects:
    """Of one column of evidence: bounds at best, power by true difference, and months to a decision."""

    column: str
    level: float
    attainable: list[Attainable]
    power: dict[float, float]
    months: int | None


def counted_patients(policy: GatePolicy, cases: pd.DataFrame, test_only: bool) -> dict[str, int]:
    """Patients with a lesion that counts, of each gated class and of benign lesions."""
    confirmed = trainable(cases)
    if test_only:
        confirmed = confirmed[confirmed["split"] == "test"]
    counts = counting_on_test_patients(policy, confirmed["diagnosis"], confirmed["confirmed_by"])
    confirmed = confirmed[counts]
    pools = {code: (code,) for code in policy.gated_classes} | {BENIGN: policy.benign_classes}
    return {
        name: int(confirmed.loc[confirmed["diagnosis"].isin(codes), "patient_id"].nunique())
        for name, codes in pools.items()
    }


def next_level(policy: GatePolicy, audit: AuditLog) -> float:
    """The level of the next use: that of a first one where no patient was used yet."""
    state = [account for account in accounts(ledger_lines(audit)).values() if account.known]
    left = min((account.wealth for account in state), default=policy.test_set_alpha)
    return max(policy.ledger.spend * left, NOTHING_LEFT)


def months_of_a_provisional_champion(
    workspace: Workspace, params: Params, per_month: Mapping[str, float]
) -> int | None:
    """Months until its floors are probably shown on all confirmed lesions; None beyond ten years."""
    policy, cases = params.gate, read_cases(workspace.cases_file)
    patients = counted_patients(policy, cases, test_only=False)
    level = next_level(policy, AuditLog(workspace.audit_log))
    return months_to_floors(policy, patients, per_month, level, policy.all_lesions.variance_inflation)


def prospects(
    workspace: Workspace,
    params: Params,
    everybody: Mapping[str, int],
    tested: Mapping[str, int],
    per_month: Mapping[str, float],
) -> list[Prospects]:
    """Of each column that the policy takes as evidence; of the arrivals a share becomes test patients."""
    policy, level = params.gate, next_level(params.gate, AuditLog(workspace.audit_log))
    of_test = {name: rate * params.data.test_fraction for name, rate in per_month.items()}
    found = []
    for column, patients, rates, inflation in (
        ("all confirmed lesions", everybody, per_month, policy.all_lesions.variance_inflation),
        ("test patients alone", tested, of_test, 1.0),
    ):
        if patients is everybody and policy.all_lesions.promotes == "never":
            continue
        found.append(
            Prospects(
                column,
                level,
                attainable(policy, patients, level, inflation),
                {change: power(policy, patients, level, inflation, change) for change in DIFFERENCES},
                months_to_a_decision(policy, patients, rates, level, inflation) if any(rates.values()) else None,
            )
        )
    return found
