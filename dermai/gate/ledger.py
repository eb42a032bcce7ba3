"""The error budget of the test patients: every use spends, a promotion hands on, new patients refresh.

Each gated class, and the benign pool, has an account. It opens with the test patients' part of the policy's alpha and
holds what is left of it, the wealth W. A use of the test patients is judged at level L = spend x the smallest wealth,
and leaves, by its outcome:

    promote                  L            its level is handed on to the next champion's candidates
    reject                   (W - L) / 2
    insufficient evidence    (W - L) / 2

A promotion gives nothing back: it leaves L of W. New patients add the account's alpha times their share of all
patients; W never exceeds that alpha.

Theorem. Whatever is tested next, as long as it follows from the outcomes of the uses that spent, the chance of ever
promoting a candidate that falls short, from wealth W on, is at most W for one set of patients. Each renewal grants its
share once more.

Proof. Let f(W) be the largest such chance with n uses to come; without any it is 0. The outcomes so far fix the next
candidate, so each of the three futures has one of its own, and a union bound adds them. If the next candidate falls
short, it is promoted with at most L, and the two futures without a promotion have at most f((W - L) / 2) each:
together L + (W - L) = W. If it does not, the futures have at most f(L) + 2 f((W - L) / 2) <= L + (W - L) = W. By
induction over n.

This is a sequentially rejective graphical procedure over the tree of outcomes: Feng, Pennello, Petrick, Sahiner,
Pirracchio & Gossmann, UAI 2022, PMLR 180; Bretz, Maurer, Brannath & Posch, Statistics in Medicine 28 (2009) 586-604.
It protects against choosing by outcome, not against a person who tunes on the numbers of a report. What shadow mode
adds over a champion's reign: `dermai.gate.reign`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from operator import not_
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from dermai.files import sha256_bytes, sha256_json
from dermai.gate.exact import fewest_without_miss
from dermai.gate.findings import Outcome
from dermai.gate.policy import GatePolicy
from dermai.gate.results import LesionResults, aligned

BENIGN = "benign"
NOTHING_LEFT = 1e-9  # level at which patients are judged whose budget was emptied


class Line(BaseModel):
    """One line of the ledger."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Use(Line):
    """The test patients are about to be used for one candidate.

    `evaluated` is the hash of the rows that the decision is made on; older releases did not keep it. `new_patients`
    were in no account before.
    """

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
    evaluated: str = Field("", exclude_if=not_)


class Result(Line):
    """How a use ended."""

    event: Literal["result"] = "result"
    number: int
    at: str
    outcome: Outcome


class Emptied(Line):
    """What was spent before is not known any more, so that nothing of the budget of the known patients is left.

    With `patients_too` it is not known on whom it was spent either: the patients of the next use bring nothing.
    """

    event: Literal["emptied"] = "emptied"
    patients_too: bool = Field(False, exclude_if=not_)


LedgerLine = Annotated[Use | Result | Emptied, Field(discriminator="event")]
Lines = Sequence[Use | Result | Emptied]


class Account(Line):
    """What is left for the patients with one class of lesions."""

    wealth: float = 0.0
    alpha: float = 0.0
    known: frozenset[str] = frozenset()

    def refreshed(self, patients: Iterable[str], alpha: float, size: int = 0, unused: bool = True) -> Account:
        """After patients joined the test set, which has `size` in this account; `unused`: for the first time."""
        new = frozenset(patients) - self.known
        known = self.known | new
        granted = alpha * len(new) / max(len(known), size) if known and unused else 0.0
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


def accounts(lines: Lines) -> dict[str, Account]:
    """The state of every account after these lines: a pure function of the ledger."""
    state: dict[str, Account] = {}
    uses: dict[int, Use] = {}
    for place, line in enumerate(lines):
        if isinstance(line, Use):
            uses[line.number], unused = line, _unused(lines[:place])
            for name, patients in line.new_patients.items():
                account = state.get(name, Account()).refreshed(patients, line.alpha, line.patients[name], unused)
                left = account.wealth - line.level if line.spends else account.wealth
                state[name] = account.model_copy(update={"wealth": max(left, 0.0)})
        elif isinstance(line, Emptied):
            state = {name: account.model_copy(update={"wealth": 0.0}) for name, account in state.items()}
        elif uses[line.number].spends:
            use = uses[line.number]
            for name in use.new_patients:
                left = min(use.level, use.alpha) if line.outcome == "promote" else state[name].wealth / 2
                state[name] = state[name].model_copy(update={"wealth": left})
    return state


def _unused(lines: Lines) -> bool:
    """Whether patients who come with the next use are known to be new."""
    last = next((line for line in reversed(lines) if isinstance(line, Use | Emptied)), None)
    return not (isinstance(last, Emptied) and last.patients_too)


def evaluated_rows(
    candidate: LesionResults, champion: LesionResults | None = None, anchor: LesionResults | None = None
) -> str:
    """SHA-256 of all that a decision is made on: each lesion, its patient, truth and attributes, and the answers.

    The order of the rows does not count.

    Raises:
        IncomparableResults: the models were not run on the same lesions.
    """
    order = np.argsort(candidate.lesion_id)
    columns: dict[str, list[str]] = {}
    for field in fields(candidate):
        values = getattr(candidate, field.name)
        columns[field.name] = [] if values is None else [str(value) for value in values[order]]
    for name, reference in (("champion", champion), ("anchor", anchor)):
        found = None if reference is None else aligned(candidate, reference, name).predicted[order]
        columns[name] = [] if found is None else [str(answer) for answer in found]
    return sha256_json(columns)


def use_key(candidate: str, champion: str, anchor: str, policy_hash: str, evaluated: str) -> str:
    """Identity of a question: the same models and rules on the same rows."""
    return sha256_json([candidate, champion, anchor, policy_hash, evaluated])


def next_use(
    lines: Lines,
    policy: GatePolicy,
    patients: Mapping[str, Sequence[str]],
    *,
    evaluated: str,
    candidate: str,
    champion: str = "",
    anchor: str = "",
    at: str = "",
    effective: Mapping[str, float] | None = None,
) -> Use:
    """The use that judging these models on these rows would be; the earlier one where it was asked before.

    Nothing is spent where the outcome is known beforehand not to be a promotion: in mode `point`, and where a gated
    class has too few patients to show its floor even if no lesion is missed: by their number, or by what they are worth
    where `effective` says it. Such a use may be repeated with any number of candidates, so what it shows does not count
    in shadow mode.

    A patient is new once, in whichever account: one whose diagnosis was changed brings nothing back. An account that
    had no patient yet opens with all of its own.
    """
    key, unversioned = (
        use_key(candidate, champion, anchor, identity, evaluated) for identity in (policy.hash, policy.unversioned_hash)
    )
    for line in lines:
        if isinstance(line, Use) and line.key in (key, unversioned):
            return line
    state = accounts(lines)
    opened = {name: account for name, account in state.items() if account.known}
    seen = frozenset[str]().union(*(account.known for account in opened.values()))
    new = {name: tuple(sorted(set(ids) - seen if name in opened else set(ids))) for name, ids in patients.items()}
    unused = _unused(lines)
    refreshed = {
        name: state.get(name, Account()).refreshed(new[name], policy.test_set_alpha, len(ids), unused)
        for name, ids in patients.items()
    }
    level = policy.ledger.spend * min(account.wealth for account in refreshed.values())
    if level == 0 and all(account.known for account in refreshed.values()):
        level = NOTHING_LEFT
    # An account without a patient cannot be spent from: the decision is then shown at the first level.
    worth = effective or {name: len(ids) for name, ids in patients.items()}
    decidable = level > 0 and all(
        worth[code] >= fewest_without_miss(policy.floors[code], level) for code in policy.gated_classes
    )
    return Use(
        number=max((line.number for line in lines if isinstance(line, Use)), default=0) + 1,
        at=at,
        key=key,
        candidate=candidate,
        champion=champion,
        anchor=anchor,
        policy_hash=policy.hash,
        alpha=policy.test_set_alpha,
        level=level or policy.ledger.spend * policy.test_set_alpha,
        spends=decidable and policy.mode == "statistical",
        patients={name: len(ids) for name, ids in patients.items()},
        new_patients=new,
        evaluated=evaluated,
    )


def result_of(lines: Lines, use: Use) -> Result | None:
    """How a use ended; None while it is open."""
    return next((line for line in lines if isinstance(line, Result) and line.number == use.number), None)


def status(lines: Lines, policy: GatePolicy) -> tuple[AccountStatus, ...]:
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
