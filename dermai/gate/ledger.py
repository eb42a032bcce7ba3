"""The error budget of the test patients: every use spends, a promotion hands on, new patients refresh.

Each gated class, and the benign pool, has an account. It opens with the policy's alpha and holds what is left of it,
the wealth W. A use of the test patients is judged at level L = spend x the smallest wealth. A use that does not promote
leaves W - L; a use that promotes leaves L: its level is handed on to the next champion's candidates. New patients add
alpha times their share of all patients; W never exceeds alpha.

Why this holds whatever is tested next. Let f(W) be the largest chance of ever promoting a candidate that falls short,
from wealth W on. If the next candidate falls short, it is promoted with at most L, and else W - L is left: at most
L + f(W - L). If it does not, what follows differs with the outcome, and the two futures together have at most
f(L) + f(W - L). By induction f(W) <= W. So for one set of patients the chance is at most alpha for all uses together,
also when later candidates are trained from models that earlier outcomes chose; and each renewal grants alpha once more.
This is a sequentially rejective graphical procedure over the tree of outcomes: Feng, Pennello, Petrick, Sahiner,
Pirracchio & Gossmann, UAI 2022, PMLR 180; Bretz, Maurer, Brannath & Posch, Statistics in Medicine 28 (2009) 586-604.
It protects against choosing by outcome, not against a person who tunes on the numbers of a report.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from dermai.files import sha256_bytes, sha256_json
from dermai.gate.exact import fewest_without_miss
from dermai.gate.policy import GatePolicy
from dermai.gate.results import LesionResults

BENIGN = "benign"


class Line(BaseModel):
    """One line of the ledger."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Use(Line):
    """The test patients are about to be used for one candidate."""

    event: Literal["use"] = "use"
    number: int
    at: str
    key: str
    candidate: str
    champion: str
    anchor: str
    policy_hash: str
    alpha: float
    level: float
    spends: bool
    patients: dict[str, int]
    new_patients: dict[str, tuple[str, ...]]


class Result(Line):
    """How a use ended."""

    event: Literal["result"] = "result"
    number: int
    at: str
    outcome: Literal["promote", "reject", "insufficient_evidence"]


LedgerLine = Annotated[Use | Result, Field(discriminator="event")]


class Account(Line):
    """What is left for the patients with one class of lesions."""

    wealth: float = 0.0
    alpha: float = 0.0
    known: frozenset[str] = frozenset()

    def refreshed(self, patients: Iterable[str], alpha: float) -> Account:
        """After patients that were never used before joined the test set."""
        new = frozenset(patients) - self.known
        known = self.known | new
        granted = alpha * len(new) / len(known) if known else 0.0
        return Account(wealth=min(alpha, self.wealth + granted), alpha=alpha, known=known)


class AccountStatus(Line):
    """An account as reports show it. `new_patients_to_renew` brings at least half of the budget back."""

    account: str
    patients: int
    left: float
    share_left: float
    uses: int
    worn_out: bool
    new_patients_to_renew: int


def test_patients(policy: GatePolicy, candidate: LesionResults, compared: bool) -> dict[str, tuple[str, ...]]:
    """Per account, the patients a use touches: sorted hashes of their pseudonyms. `compared`: there is a champion."""
    pools = {code: candidate.truth == code for code in policy.gated_classes}
    if compared:
        pools[BENIGN] = np.isin(candidate.truth, policy.benign_classes)
    return {
        name: tuple(sorted(sha256_bytes(str(p).encode())[:16] for p in np.unique(candidate.patient_id[chosen])))
        for name, chosen in pools.items()
    }


def accounts(lines: Sequence[Use | Result]) -> dict[str, Account]:
    """The state of every account after these lines: a pure function of the ledger."""
    state: dict[str, Account] = {}
    uses: dict[int, Use] = {}
    for line in lines:
        if isinstance(line, Use):
            uses[line.number] = line
            for name, patients in line.new_patients.items():
                account = state.get(name, Account()).refreshed(patients, line.alpha)
                left = account.wealth - line.level if line.spends else account.wealth
                state[name] = account.model_copy(update={"wealth": left})
        elif line.outcome == "promote" and uses[line.number].spends:
            use = uses[line.number]
            for name in use.new_patients:
                state[name] = state[name].model_copy(update={"wealth": min(use.level, use.alpha)})
    return state


def use_key(candidate: str, champion: str, anchor: str, policy_hash: str, patients: Mapping[str, Sequence[str]]) -> str:
    """Identity of a question: the same models, rules and test patients."""
    return sha256_json([candidate, champion, anchor, policy_hash, {name: list(ids) for name, ids in patients.items()}])


def next_use(
    lines: Sequence[Use | Result],
    policy: GatePolicy,
    patients: Mapping[str, Sequence[str]],
    *,
    candidate: str,
    champion: str = "",
    anchor: str = "",
    at: str = "",
) -> Use:
    """The use that judging these models on these patients would be; the earlier one where it was asked before.

    Nothing is spent where the outcome is known beforehand not to be a promotion: in mode `point`, and where a gated
    class has too few patients to show its floor even if no lesion is missed.
    """
    key, unversioned = (
        use_key(candidate, champion, anchor, identity, patients) for identity in (policy.hash, policy.unversioned_hash)
    )
    for line in lines:
        if isinstance(line, Use) and line.key in (key, unversioned):
            return line
    state = accounts(lines)
    refreshed = {name: state.get(name, Account()).refreshed(ids, policy.alpha) for name, ids in patients.items()}
    level = policy.ledger.spend * min(account.wealth for account in refreshed.values())
    # An empty account (no patient yet) cannot be spent from: the decision is then shown at the first level.
    decidable = level > 0 and all(
        len(patients[code]) >= fewest_without_miss(policy.floors[code], level) for code in policy.gated_classes
    )
    return Use(
        number=sum(isinstance(line, Use) for line in lines) + 1,
        at=at,
        key=key,
        candidate=candidate,
        champion=champion,
        anchor=anchor,
        policy_hash=policy.hash,
        alpha=policy.alpha,
        level=level or policy.ledger.spend * policy.alpha,
        spends=decidable and policy.mode == "statistical",
        patients={name: len(ids) for name, ids in patients.items()},
        new_patients={
            name: tuple(sorted(set(ids) - state.get(name, Account()).known)) for name, ids in patients.items()
        },
    )


def result_of(lines: Sequence[Use | Result], use: Use) -> Result | None:
    """How a use ended; None while it is open."""
    return next((line for line in lines if isinstance(line, Result) and line.number == use.number), None)


def status(lines: Sequence[Use | Result], policy: GatePolicy) -> tuple[AccountStatus, ...]:
    """What is left of each account, whether it is worn out, and how many new patients renew it."""
    uses: dict[str, int] = {}
    for line in lines:
        for name in line.new_patients if isinstance(line, Use) and line.spends else ():
            uses[name] = uses.get(name, 0) + 1
    return tuple(
        AccountStatus(
            account=name,
            patients=len(account.known),
            left=account.wealth,
            share_left=account.wealth / account.alpha if account.alpha else 0.0,
            uses=uses.get(name, 0),
            worn_out=bool(account.known) and account.wealth < policy.ledger.worn_out * account.alpha,
            new_patients_to_renew=patients_to_renew(account),
        )
        for name, account in accounts(lines).items()
    )


def patients_to_renew(account: Account, share: float = 0.5) -> int:
    """New patients that bring the wealth to this share of alpha.

    >>> patients_to_renew(Account(wealth=0.01, alpha=0.05, known=frozenset(map(str, range(70)))))
    30
    """
    missing = share - account.wealth / account.alpha
    return max(math.ceil(len(account.known) * missing / (1 - missing) - 1e-9), 0) if missing > 0 else 0
