"""A use of the test patients from beginning to end: reserve in the ledger, decide, write the result down."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from dermai.files import locked
from dermai.gate.decision import decide
from dermai.gate.findings import GateDecision
from dermai.gate.ledger import AccountStatus, Result, Use, next_use, result_of, status, test_patients
from dermai.gate.ledger_file import append_line, read_lines
from dermai.gate.policy import GatePolicy
from dermai.gate.results import LesionResults
from dermai.percentages import per_cent


class Judgement(BaseModel):
    """A decision, the use of the test patients that it was, and what that leaves of their error budget."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decision: GateDecision
    use: Use
    repeated: bool
    accounts: tuple[AccountStatus, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What the ledger has to say, in plain words."""
        notes = []
        if self.repeated:
            notes.append(f"The same question was asked before (use {self.use.number}): nothing was spent.")
        elif not self.use.spends and self.decision.mode == "statistical":
            notes.append("The test patients are too few for a promotion whatever they show: nothing was spent.")
        for account in self.accounts:
            times = "1 use" if account.uses == 1 else f"{account.uses} uses"
            text = f"{account.account}: {account.patients} test patients, "
            text += f"{per_cent(account.share_left)} of the error budget left after {times}."
            if account.worn_out:
                text += f" Worn out: {account.new_patients_to_renew} new patients with confirmed lesions renew it."
            notes.append(text)
        return tuple(notes)


def judge(
    ledger: Path,
    policy: GatePolicy,
    candidate: LesionResults,
    champion: LesionResults | None = None,
    anchor: LesionResults | None = None,
    *,
    candidate_id: str,
    champion_id: str = "",
    anchor_id: str = "",
    confidence: float = 0.95,
) -> Judgement:
    """Decide at the level that the ledger allows, and account for it. The ids are the models' SHA-256.

    The use is written before anything is computed, so a crash can lose a decision but never the spending. Asked again,
    the same question is answered at the same level and nothing is spent.

    Raises:
        IncomparableResults: the models were not run on the same lesions.
        LedgerDamaged: the ledger has a line that is not one.
    """
    compared = champion is not None or anchor is not None
    patients = test_patients(policy, candidate, compared)
    with locked(ledger.with_name(f"{ledger.name}.lock")):
        lines = read_lines(ledger)
        use = next_use(
            lines, policy, patients, candidate=candidate_id, champion=champion_id, anchor=anchor_id, at=_now()
        )
        repeated = use in lines
        if not repeated:
            append_line(ledger, use)
        decision = decide(policy, candidate, champion, anchor, alpha=use.level, confidence=confidence)
        if result_of(lines, use) is None:
            append_line(ledger, Result(number=use.number, at=_now(), outcome=decision.outcome))
        accounts = status(read_lines(ledger), policy)
    return Judgement(decision=decision, use=use, repeated=repeated, accounts=accounts)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
